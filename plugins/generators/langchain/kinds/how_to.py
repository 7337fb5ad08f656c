"""How something is done for which a symbol is the right means."""

from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Pair, about_subject, of_pair
from docutune.plugins.generators.langchain.topics.symbols import symbols

KIND = Kind("how-to", Pair, symbols, of_pair, about_subject)
