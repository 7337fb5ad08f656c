"""The library as one generator looks at it: each look is taken once, by the first kind that needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from docutune.plugins.generators.langchain.topics.sections import SectionPlace, known_sections
from docutune.plugins.generators.langchain.topics.symbols import SymbolPlace, known_symbols

if TYPE_CHECKING:
    from docutune.contracts import Library
    from docutune.plugins.generators.langchain.plugin import Config


@dataclass(frozen=True)
class Survey:
    """What there is to ask about."""

    library: Library
    config: Config

    @cached_property
    def sections(self) -> tuple[SectionPlace, ...]:
        """Sections that hold knowledge, and enough of it."""
        return tuple(known_sections(self.library, self.config))

    @cached_property
    def symbols(self) -> tuple[SymbolPlace, ...]:
        """Documented public symbols that can be called."""
        return tuple(known_symbols(self.library, self.config))
