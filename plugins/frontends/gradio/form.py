"""A form made of any plugin's Config: one component per option, its explanation beside it, its mistakes at it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from docutune.desk.forms import Field
    from docutune.plugins.frontends.gradio.words import Words

_UNSET = ""


@dataclass(frozen=True)
class Form:
    """The components of one Config, in the order of its options."""

    fields: Sequence[Field]
    components: Sequence[Any]
    words: Words

    def values(self, given: Sequence[Any]) -> dict[str, Any]:
        """What the components hold, by option."""
        return {item.name: value for item, value in zip(self.fields, given, strict=True)}

    def filled(self, options: Mapping[str, Any]) -> list[Any]:
        """Updates that show these options, and for all others their defaults; no mistake is marked any more."""
        return [
            gr.update(value=_shown(item, options.get(item.name, item.default)), **_told(item, self.words))
            for item in self.fields
        ]

    def marked(self, mistakes: Mapping[str, str]) -> list[Any]:
        """Updates that show each mistake at its option, and none at the others."""
        return [gr.update(**_told(item, self.words, mistakes.get(item.name))) for item in self.fields]


def build(fields: Sequence[Field], words: Words, options: Mapping[str, Any] | None = None) -> Form:
    """Put a form on the page: the options that come first, and the others folded away where there are such."""
    ahead = [item for item in fields if item.first] or list(fields)
    behind = [item for item in fields if item not in ahead]
    made = _grid(ahead, words, options or {})
    if behind:
        with gr.Accordion(words("more_options", count=len(behind)), open=False):
            made |= _grid(behind, words, options or {})
    return Form(tuple(fields), [made[item.name] for item in fields], words)


def _grid(fields: Sequence[Field], words: Words, options: Mapping[str, Any]) -> dict[str, Any]:
    with gr.Column(elem_classes=["form-grid"]):
        return {item.name: _component(item, words, options.get(item.name, item.default)) for item in fields}


def _component(item: Field, words: Words, value: Any) -> Any:
    common: dict[str, Any] = {
        "label": item.name,
        "value": _shown(item, value),
        "interactive": True,
        **_told(item, words),
    }
    unset = words("unset")
    if item.kind == "switch":
        return gr.Checkbox(**common)
    if item.kind == "choice":
        choices: list[Any] = [(unset, _UNSET)] if item.optional else []
        choices += [(choice if isinstance(choice, str) else json.dumps(choice), choice) for choice in item.choices]
        return gr.Dropdown(choices=choices, **common)
    if item.kind in ("whole", "number"):
        return gr.Number(step=_step(item), placeholder=unset, **common)
    return gr.Textbox(lines=2 if item.kind == "list" else 1, placeholder=unset, max_lines=8, **common)


def _shown(item: Field, value: Any) -> Any:
    """A value of a pipeline file as its component holds it."""
    if item.kind == "switch":
        return bool(value)
    if value is None:
        return _UNSET if item.kind == "choice" and item.optional else None if item.kind != "text" else ""
    if item.kind == "list" and isinstance(value, (list, tuple)):
        return "\n".join(map(str, value))
    if item.kind == "yaml" and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value


def _told(item: Field, words: Words, mistake: str | None = None) -> dict[str, Any]:
    """What stands beside a component: its explanation, and before that the mistake, which its style shows, too."""
    mark = f"option-{item.name.replace('_', '-')}"
    return {"info": _info(item, words, mistake), "elem_classes": [mark] if mistake is None else [mark, "wrong"]}


def _info(item: Field, words: Words, mistake: str | None) -> str:
    told = filter(None, [words.explain(item.name, item.description), _range(item, words)])
    explained = words("stop").join(words.begin(part) for part in told)
    return explained if mistake is None else f"⚠ {mistake}\n{explained}"


def _range(item: Field, words: Words) -> str:
    """The safe range in words: "from 1 to 1024", "above 0, below 1"; nothing where there is none."""
    if item.least is not None and item.most is not None:
        return words("from_to", least=_plain(item.least), most=_plain(item.most))
    bounds = {"least": item.least, "above": item.above, "most": item.most, "below": item.below}
    parts = (words(f"at_{name}", bound=_plain(bound)) for name, bound in bounds.items() if bound is not None)
    return words("comma").join(parts)


def _plain(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _step(item: Field) -> float:
    """What an arrow key adds: one, or for small numbers a unit of their leading digit."""
    if item.kind == "whole":
        return 1
    around = item.default if isinstance(item.default, (int, float)) and item.default else 1
    return float(min(1.0, 10.0 ** math.floor(math.log10(abs(around))) / 10))
