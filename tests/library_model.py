"""A library of many alike functions, sections and releases, and a chat model that writes good samples of every kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

COUNT = 12
KINDS = (
    "question-answer",
    "explanation",
    "how-to",
    "task-to-code",
    "migration",
    "bug-fix",
    "signature",
    "dialogue",
    "negative",
)
_MARKS = {
    "migration": ("a part of its changelog", "更新日志的一部分"),
    "question-answer": ("Write up to", "请写出最多"),
    "explanation": ("Explain the subject", "讲清楚这份素材"),
    "how-to": ("wants to get something done", "想做一件事"),
    "task-to-code": ("small programming task", "小编程题"),
    "bug-fix": ("wrongly, in a way that happens easily", "请写一段错误使用"),
    "signature": ("Its parameters, in their order", "它的参数，按顺序为"),
    "dialogue": ("Write a conversation", "请写一段对话"),
    "negative": ("The library has no", "该库没有"),
}
_ABOUT = "Acme sends parcels to every city of the country within two days and tells the receiver when to be at home. "


def code() -> str:
    """acme.py: `send_0` to `send_11`, alike; and `ping`, which takes nothing."""
    made = "".join(
        f'\n\ndef send_{number}(grams: int, *, city: str = "Bergen") -> str:\n'
        f'    """Send one parcel of sort {number} and return its number.\n\n'
        f'    Args:\n        grams: The weight in grams.\n        city: Where it goes.\n    """\n    return city\n'
        for number in range(COUNT)
    )
    return f'"""Parcels for everyone."""{made}\n\ndef ping() -> None:\n    """Ask whether anybody is there at all."""\n'


def guide() -> str:
    """guide.md: a section for each function."""
    return "# Guide\n" + "".join(
        f"\n## Sort {number}\n\n{_ABOUT * 2}\nCall `acme.send_{number}` with the weight in grams.\n"
        for number in range(COUNT)
    )


def changelog() -> str:
    """changes.md: a release for each function, in which it got its name; and one that renames nothing."""
    return (
        "# Changelog\n"
        + "".join(
            f"\n## {number + 2}.0.0\n\n- `acme.ship_{number}` was renamed to `acme.send_{number}`.\n"
            for number in reversed(range(COUNT))
        )
        + "\n## 1.0.0\n\nThe first release.\n"
    )


@dataclass(frozen=True)
class Asked:
    """What one of the packaged prompts asks for; `number` is that of the function, section or release."""

    kind: str
    language: str
    number: int
    again: bool
    content: str

    @classmethod
    def of(cls, content: str) -> Asked:
        """What a prompt asks for."""
        kind = next(kind for kind, marks in _MARKS.items() if any(mark in content for mark in marks))
        found = re.search(r"acme\.send_(\d+)|acme\.(ping)", content)
        assert found, content
        language = "zh" if "你在为一个模型编写训练数据" in content else "en"
        again = "could not be used, for this reason" in content or "那次的回复不能用" in content
        return cls(kind, language, -1 if found[2] else int(found[1]), again, content)

    @property
    def name(self) -> str:
        """The function."""
        return "acme.ping" if self.number < 0 else f"acme.send_{self.number}"

    @property
    def absent(self) -> str:
        """What a negative asks for."""
        found = re.search(r"(?:The library has no|该库没有) `([\w.]+)`", self.content)
        return found[1] if found else ""


def good(asked: Asked) -> dict[str, Any]:
    """What a capable and obedient model would answer."""
    return _REPLIES[asked.kind](asked, asked.language == "zh")


def _questions(asked: Asked, zh: bool, tail: str = "") -> list[str]:
    words = ("请问怎样理解", "如何说明") if zh else ("What is to be known of", "Please tell me about")
    return [f"{word} acme {asked.kind} {asked.number}{tail}?" for word in words]


def _plain(asked: Asked, zh: bool) -> dict[str, Any]:
    sure = f"这是关于 `{asked.name}` 的知识。" if zh else f"This is known of `{asked.name}`."
    return {"questions": _questions(asked, zh), "answer": sure}


def _solved(asked: Asked, zh: bool) -> dict[str, Any]:
    call = asked.name if asked.number < 0 else f"{asked.name}(5)"
    said = f"它调用 `{asked.name}`。" if zh else f"It calls `{asked.name}`."
    return {"tasks": _questions(asked, zh), "code": f"import acme\n\nprint({call})", "explanation": said}


def _fixed(asked: Asked, zh: bool) -> dict[str, Any]:
    wrong = f"{asked.name}_now"
    said = f"不存在 `{wrong}`，应当使用 `{asked.name}`。" if zh else f"There is no `{wrong}`: use `{asked.name}`."
    arguments = "" if asked.number < 0 else "5"
    broken, fixed = (f"import acme\n\nacme.{name}({arguments})" for name in (wrong[5:], asked.name[5:]))
    return {"questions": _questions(asked, zh), "broken": broken, "problem": said, "fixed": fixed}


def _recalled(asked: Asked, zh: bool) -> dict[str, Any]:
    said = f"`{asked.name}` 用来寄一个包裹。" if zh else f"`{asked.name}` sends one parcel."
    grams, city = ("重量，以克计。", "目的地。") if zh else ("The weight in grams.", "Where it goes.")
    parameters = [{"name": "grams", "meaning": grams}, {"name": "city", "default": "'Bergen'", "meaning": city}]
    return {"questions": _questions(asked, zh, f" `{asked.name}`"), "opening": said, "parameters": parameters}


def _conversation(asked: Asked, zh: bool) -> dict[str, Any]:
    more = (
        ("需要哪些参数？", "需要重量，以克计。") if zh else ("And what does it want?", "It wants the weight in grams.")
    )
    return {**_plain(asked, zh), "follow_ups": [{"question": more[0], "answer": more[1]}]}


def _migrated(asked: Asked, zh: bool) -> dict[str, Any]:
    old = f"acme.ship_{asked.number}"
    said = f"`{old}` 已改名为 `{asked.name}`。" if zh else f"`{old}` was renamed to `{asked.name}`."
    questions = _questions(asked, zh, f" in {asked.number + 2}.0.0")
    return {"pairs": [{"questions": questions, "answer": said}]}


def _negative(asked: Asked, zh: bool) -> dict[str, Any]:
    said = f"不存在 `{asked.absent}`。" if zh else f"There is no `{asked.absent}`."
    more = f"可以使用 `{asked.name}`。" if zh else f"What exists is `{asked.name}`."
    return {"questions": _questions(asked, zh, f" `{asked.absent}`"), "answer": f"{said}{' ' if not zh else ''}{more}"}


_REPLIES: dict[str, Callable[[Asked, bool], dict[str, Any]]] = {
    "question-answer": lambda asked, zh: {"pairs": [_plain(asked, zh)]},
    "explanation": _plain,
    "how-to": _plain,
    "task-to-code": _solved,
    "migration": _migrated,
    "bug-fix": _fixed,
    "signature": _recalled,
    "dialogue": _conversation,
    "negative": _negative,
}
