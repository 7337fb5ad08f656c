"""An adapter into the weights of its base: one model of whole weights, which needs neither peft nor its base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from docutune.errors import DocutuneError
from docutune.hf.encode import DAY, template_of
from docutune.hf.load import Device, load_adapter, load_base, load_tokenizer
from docutune.hf.save import saving
from docutune.models import is_whole
from docutune.records import ModelRef
from docutune.template import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def merge(model: ModelRef, folder: Path, numbers: str) -> None:
    """Write the tuned model into `folder`: safetensors in these numbers ("bfloat16"), tokenizer, chat template,
    generation config and template.json.

    Sums are made in float32 and rounded once, on the CPU. DocutuneError when adapter and base do not fit, or the result
    is not finite.
    """
    assert model.adapter is not None
    whole = is_whole(model.adapter)
    tokenizer = load_tokenizer(model.adapter if whole else model.folder)
    template = template_of(tokenizer, model.adapter)
    loaded: Any = load_base(model.adapter if whole else model.folder, "none", Device("cpu", torch.float32))
    if not whole:
        loaded = _merged(load_adapter(loaded, model.adapter), model.adapter)
    loaded = loaded.to(getattr(torch, numbers))
    loaded.generation_config.eos_token_id = _ends(tokenizer, template)
    loaded.generation_config.pad_token_id = tokenizer.pad_token_id
    tokenizer.chat_template = self_contained(template)
    with saving(folder, loaded.parameters()):
        loaded.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        template.save(folder)


def self_contained(template: Template) -> str:
    """The chat template with its settings in it, for programs that do not read template.json.

    What a program says itself counts: a system message, enable_thinking, a date.
    """
    told = []
    if "enable_thinking" in template.source:
        told.append(_unless("enable_thinking is defined", "enable_thinking", str(template.thinking).lower()))
    if "date_string" in template.source:
        told.append(_unless("date_string is defined", "date_string", json.dumps(DAY.strftime("%d %b %Y"))))
    if template.system:
        message = f'[{{"role": "system", "content": {json.dumps(template.system, ensure_ascii=False)}}}]'
        told.append(_unless('messages and messages[0]["role"] == "system"', "messages", f"{message} + messages"))
    return "".join(told) + template.source


def _unless(condition: str, name: str, value: str) -> str:
    return f"{{%- if not ({condition}) %}}{{%- set {name} = {value} %}}{{%- endif %}}"


def _merged(adapted: Any, adapter: Path) -> Any:
    """The base with the adapter's product added to it; refuses what is not a finite number."""
    try:
        return adapted.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise DocutuneError(
            f"{adapter}: cannot be merged: {str(error).strip().splitlines()[0]}", "train the model again"
        ) from None


def _ends(tokenizer: PreTrainedTokenizerBase, template: Template) -> list[int]:
    vocabulary = tokenizer.get_vocab()
    names = dict.fromkeys([template.end_token, str(tokenizer.eos_token)])
    return [vocabulary[name] for name in names if name in vocabulary]
