"""How a fact is put into words: phrasings of the question and the pieces of the answer, per language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

Slots = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Phrasing:
    """Templates of one form. A piece of the answer is used only where every slot that it names is filled."""

    questions: tuple[str, ...]
    answer: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """What a language brings: its templates by form, its words for kinds of symbols, how it lists names."""

    forms: Mapping[str, Phrasing]
    nouns: Mapping[str, str]
    comma: str
    conjunction: str

    def questions(self, form: str, slots: Slots, count: int) -> tuple[str, ...]:
        """The first `count` phrasings of the question."""
        filled = self._fill(slots)
        return tuple(template.format_map(filled) for template in self.forms[form].questions[:count])

    def answer(self, form: str, slots: Slots) -> str:
        """The answer, in pieces as far as the slots are filled."""
        filled = self._fill(slots)
        answer = ""
        for piece in self.forms[form].answer:
            if _named(piece) <= set(filled):
                text = piece.format_map(filled)
                answer += text.lstrip(" ") if answer.endswith("。") else text
        return answer

    def _fill(self, slots: Slots) -> dict[str, str]:
        words = {name: value if isinstance(value, str) else self._listed(value) for name, value in slots.items()}
        if "noun" in words:
            words["noun"] = self.nouns.get(words["noun"], words["noun"])
        return {name: value for name, value in words.items() if value}

    def _listed(self, names: Sequence[str]) -> str:
        quoted = [f"`{name}`" for name in names]
        return self.conjunction.join(part for part in (self.comma.join(quoted[:-1]), quoted[-1]) if part)


def _named(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}
