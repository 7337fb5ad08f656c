"""From a chat template in Jinja to one in the template language of Go, as Ollama's TEMPLATE takes it.

No program turns one language into the other. But what a chat template does to a conversation of a system prompt,
questions and answers can be looked at: it is rendered with marks in the place of the texts, what stands between the
marks becomes the new template, and both are compared on longer conversations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docutune.errors import DocutuneError
from docutune.records import Message

Render = Callable[[Sequence[Message]], str]
"""The prompt for the next reply to a conversation; DocutuneError when the template refuses it."""

_OTHER = "write a TEMPLATE of your own and add --set template=FILE, or export --format gguf, which carries the original"


@dataclass(frozen=True, slots=True)
class Turns:
    """What stands around the texts of a conversation that ends with a question.

    `system` is what stands before and after the system prompt, None where the template drops or refuses one.
    """

    start: str
    system: tuple[str, str] | None
    answer: str
    question: str
    end: str

    def render(self, messages: Sequence[Message]) -> str:
        """As Ollama does it with `go`: system messages first, then questions and answers in turn."""
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        before = f"{self.system[0]}{system}{self.system[1]}" if system and self.system else self.start
        around = {"user": ("", ""), "assistant": (self.answer, self.question)}
        turns = [message for message in messages if message.role != "system"]
        said = "".join(f"{around[turn.role][0]}{turn.content}{around[turn.role][1]}" for turn in turns)
        return f"{before}{said}{self.end}"

    @property
    def go(self) -> str:
        """The same in Go's template language, over Ollama's `.System` and `.Messages`.

        Where a question begins alike everywhere, each turn stands whole in its own place, as people write templates.
        """
        asks = self.start
        closing = self.question.removesuffix(asks)
        alike = asks and closing != self.question and self.answer.startswith(closing) and self.end.startswith(closing)
        if alike and (self.system is None or self.system[1].endswith(asks)):
            user = f"{_literal(asks)}{{{{ .Content }}}}{_literal(closing)}"
            answer = f"{_literal(self.answer.removeprefix(closing))}{{{{ .Content }}}}{_literal(closing)}"
            return self._written(asks, "", user, answer, self.end.removeprefix(closing))
        answer = f"{_literal(self.answer)}{{{{ .Content }}}}{_literal(self.question)}"
        return self._written("", self.start, "{{ .Content }}", answer, self.end)

    def _written(self, asks: str, start: str, user: str, answer: str, end: str) -> str:
        """`asks` is what the first question begins with, where that is not said with the system prompt."""
        head = _literal(start)
        if self.system:
            before, after = (
                _literal(self.system[0]),
                _literal(self.system[1].removesuffix(asks) if asks else self.system[1]),
            )
            other = f"{{{{ else }}}}{head}" if head else ""
            head = f"{{{{ if .System }}}}{before}{{{{ .System }}}}{after}{other}{{{{ end }}}}"
        turns = f'{{{{ if eq .Role "user" }}}}{user}{{{{ else if eq .Role "assistant" }}}}{answer}{{{{ end }}}}'
        return f"{head}{{{{ range .Messages }}}}{turns}{{{{ end }}}}{_literal(end)}"


def work_out(render: Render) -> Turns:
    """The turns of a chat template; DocutuneError when it does more than to put texts around texts."""
    first, reply, second = (_mark(name) for name in ("first question", "answer", "second question"))
    alone = _split(render(_talk(first)), [first])
    talk = _split(render(_talk(first, reply, second)), [first, reply, second])
    system, told = None, _mark("system prompt")
    with_system = _tried(render, [Message("system", told), *_talk(first)])
    if with_system is not None and told in with_system:
        before, after, _ = _split(with_system, [told, first])
        system = (before, after)
    turns = Turns(alone[0], system, talk[1], talk[2], alone[1])
    _compare(turns, render)
    return turns


def _compare(turns: Turns, render: Render) -> None:
    """The template must give the same text on every conversation of a kind that it was not worked out from."""
    texts = ["Where?", "Here.\nAnd there.", "Since when?", "1911.", "Why {{ not }}?"]
    for length in (1, 3, 5):
        talk = _talk(*texts[:length])
        for messages in ([*talk], [Message("system", "Be brief.\nBe right."), *talk]):
            wanted = _tried(render, messages)
            if wanted is not None and wanted != turns.render(messages):
                raise _cannot(f"it treats a conversation of {len(messages)} messages in a way of its own")


def _tried(render: Render, messages: Sequence[Message]) -> str | None:
    """None where the template refuses it: some take no system prompt."""
    try:
        return render(messages)
    except DocutuneError:
        return None


def _talk(*texts: str) -> list[Message]:
    return [Message("assistant" if place % 2 else "user", text) for place, text in enumerate(texts)]


def _mark(name: str) -> str:
    return f"the {name} of docutune"


def _split(text: str, marks: Sequence[str]) -> list[str]:
    """The texts before, between and after the marks."""
    pieces = []
    for mark in marks:
        before, found, text = text.partition(mark)
        if not found or mark in text:
            raise _cannot("it leaves out or repeats what was said")
        pieces.append(before)
    return [*pieces, text]


def _cannot(why: str) -> DocutuneError:
    return DocutuneError(f"the model's chat template cannot be written as a TEMPLATE of Ollama: {why}", _OTHER)


def _literal(text: str) -> str:
    """A text that stands for itself in a template."""
    return text.replace("{{", '{{ "{{" }}')
