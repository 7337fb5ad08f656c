"""Questions that a section answers."""

from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Pairs, about_answer, of_pair, pairs_of
from docutune.plugins.generators.langchain.topics.sections import sections

KIND = Kind("question-answer", Pairs, sections, of_pair, about_answer, parts=pairs_of, asks_several=True)
