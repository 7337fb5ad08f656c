"""How a conversation becomes text: one object, made when a model is trained and kept beside its weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docutune.errors import DocutuneError
from docutune.records import Message, fingerprint, from_json, to_json

TEMPLATE = "template.json"
"""The file beside an adapter that says how a conversation becomes text."""

PLAIN = (
    "{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}\n\n"
    "{% elif message.role == 'user' %}User:\n{{ message.content }}\n\n"
    "{% else %}Assistant:\n{{ message.content }}{{ eos_token }}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:\n{% endif %}"
)
"""For a model without a chat template: words, and the tokenizer's own end token after a reply."""


@dataclass(frozen=True, slots=True)
class Template:
    """A chat template with everything else that decides the text of a prompt.

    `source` is Jinja as tokenizers carry it; `end_token` closes the assistant's turn: trained as its last token, and
    the token that ends a reply. `system` is put before conversations that have no system message of their own.
    `thinking` is the template's `enable_thinking` switch.
    """

    source: str
    end_token: str
    system: str | None = None
    thinking: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is the built-in one, for the model had none."""
        return self.source.endswith(PLAIN)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that name this template."""
        return fingerprint(to_json(self))[:16]

    def conversation(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        """The messages as a tokenizer's chat template takes them, with the system prompt in front."""
        has_system = bool(messages) and messages[0].role == "system"
        system = [Message("system", self.system)] if self.system and not has_system else []
        return [{"role": message.role, "content": message.content} for message in [*system, *messages]]

    def save(self, folder: Path) -> None:
        """Write template.json into a model's folder."""
        text = json.dumps({"version": 1, "template": to_json(self)}, ensure_ascii=False, indent=2)
        (folder / TEMPLATE).write_text(text + "\n", "utf-8")

    @staticmethod
    def load(folder: Path) -> Template:
        """Read template.json from a model's folder; DocutuneError when it is missing or not one."""
        path = folder / TEMPLATE
        try:
            return from_json(Template, json.loads(path.read_text("utf-8"))["template"])
        except (OSError, ValueError, KeyError) as error:
            raise DocutuneError(f"{path}: not a readable template: {error}", "train the model again") from None
