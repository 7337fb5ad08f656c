"""What a heading is about, explained."""

from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Pair, about_answer, of_pair
from docutune.plugins.generators.langchain.topics.sections import subjects

KIND = Kind("explanation", Pair, subjects, of_pair, about_answer)
