"""A chat as HTML: each question with its answer, or with two answers side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.tabs.chat.markdown import drawn

if TYPE_CHECKING:
    from docutune.chats.records import Reply as Answer
    from docutune.chats.records import Turn
    from docutune.desk.talks import Reply
    from docutune.plugins.frontends.gradio.words import Words
    from docutune.records import Variant

_MOST = 50
_ENDS = {"cut": "chat_cut", "broken off": "chat_stopped"}


def past(turns: Sequence[Turn], words: Words) -> str:
    """Turns that are over, the newest of very many; a system prompt stands where it begins."""
    left_out = len(turns) - _MOST
    told = show.to_do(words("chat_earlier", count=f"{left_out:,}")) if left_out > 0 else ""
    before = ("", *(item.system for item in turns))[-_MOST - 1 :]
    return told + "".join(_past(item, system, words) for item, system in zip(turns[-_MOST:], before, strict=False))


def present(turns: Sequence[Turn], reply: Reply, words: Words) -> str:
    """The question that is being answered, with what is kept of it already, and the turns behind it."""
    item = turns[reply.place] if reply.place < len(turns) else None
    kept = _answers(item) if item is not None else []
    going = _going(reply, {answer.variant for answer in kept}, words)
    answers = _ordered([*((answer.variant, _kept(answer, words)) for answer in kept), *going])
    return _turn(reply.question, "", answers, words) + past(turns[reply.place + 1 :], words)


def _past(item: Turn, before: str, words: Words) -> str:
    answers = _ordered([(answer.variant, _kept(answer, words)) for answer in _answers(item)])
    if item.reply is None:
        reason = words("chat_failed", reason=item.failure) if item.failure else words("chat_lost")
        answers = [_answer("", "", reason), *answers]
    return _turn(item.question, item.system if item.system != before else "", answers, words)


def _ordered(answers: Sequence[tuple[Variant, str]]) -> list[str]:
    """The base's before the tuned model's, whoever is done first: nothing on the page changes its place."""
    return [html for _, html in sorted(answers, key=lambda answer: answer[0])]


def _going(reply: Reply, kept: Collection[Variant], words: Words) -> Iterator[tuple[Variant, str]]:
    note = words("chat_stopping" if reply.stopping else "chat_writing")
    said = reply.said
    for variant, text in said.items():
        if variant not in kept:
            yield variant, _answer(_speaker(reply.model, variant, words), drawn(text), note, going=True)
    if not said:
        yield "tuned", _answer("", "", note, going=True)


def _answers(item: Turn) -> list[Answer]:
    return [answer for answer in (item.reply, *item.others) if answer is not None]


def _kept(answer: Answer, words: Words) -> str:
    note = words(_ENDS[answer.end]) if answer.end in _ENDS else ""
    return _answer(_speaker(answer.model, answer.variant, words), drawn(answer.text), note)


def _speaker(model: str, variant: Variant, words: Words) -> str:
    return model if variant == "tuned" else words("chat_base", model=model)


def _turn(question: str, system: str, answers: Sequence[str], words: Words) -> str:
    told = f'<p class="system">{escape(words("chat_system_was", text=system))}</p>' if system else ""
    asked = f'<div class="question"><b>{escape(words("chat_you"))}</b><div class="typed">{escape(question)}</div></div>'
    return f'<section class="turn">{told}{asked}<div class="answers">{"".join(answers)}</div></section>'


def _answer(speaker: str, html: str, note: str, going: bool = False) -> str:
    head = f"<b>{escape(speaker)}</b>" if speaker else ""
    foot = f'<p class="note">{escape(note)}</p>' if note else ""
    return f'<article class="answer{" going" if going else ""}">{head}<div class="text">{html}</div>{foot}</article>'
