"""All texts of the page, in one place per language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from docutune.plugins.frontends.gradio.words import en, zh

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language; a call gives one of them with its gaps filled."""

    language: str
    texts: Mapping[str, str]
    explanations: Mapping[str, str]

    def __call__(self, key: str, **gaps: object) -> str:
        """The text of that key."""
        return self.texts[key].format(**gaps) if gaps else self.texts[key]

    def begin(self, sentence: str) -> str:
        """The sentence as it begins in this language."""
        return sentence if self.language == "zh" else sentence[:1].upper() + sentence[1:]

    def either(self, key: str, otherwise: str) -> str:
        """The text of that key, or what is shown where there is none: a status that is new, a name of a plugin."""
        return self.texts.get(key, otherwise)

    def explain(self, option: str, description: str) -> str:
        """What an option means: in this language where it is known, else as its plugin says it."""
        return self.explanations.get(option, description)


def words(language: str) -> Words:
    """The texts of "en" or "zh"."""
    module = {"en": en, "zh": zh}[language]
    return Words(language, module.TEXTS, module.EXPLANATIONS)
