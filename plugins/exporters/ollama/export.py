"""Puts a Modelfile beside the merged weights."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune.atomic import link_folder, write_text
from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.hf.encode import render
from docutune.hf.load import load_tokenizer
from docutune.plugins.exporters.ollama.modelfile import modelfile
from docutune.plugins.exporters.ollama.plugin import Config
from docutune.plugins.exporters.ollama.turns import work_out
from docutune.records import Export, Message
from docutune.template import Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_IMPORTED = {
    "CohereForCausalLM",
    "Gemma2ForCausalLM",
    "Gemma3ForCausalLM",
    "GemmaForCausalLM",
    "Lfm2ForCausalLM",
    "LlamaForCausalLM",
    "MixtralForCausalLM",
    "Olmo3ForCausalLM",
    "Phi3ForCausalLM",
    "Qwen2ForCausalLM",
}
"""Architectures of text models that `ollama create` reads from safetensors (ollama/ollama, convert/convert.go)."""


class Ollama:
    """Implements contracts.Exporter."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def room(self, weights: int) -> int:
        """Nothing: the weights are linked."""
        return 0

    def export(self, merged: Path, context: Context) -> Export:
        """Weights, tokenizer, and the Modelfile for `ollama create`."""
        tokenizer, template = load_tokenizer(merged), Template.load(merged)
        config = json.loads((merged / "config.json").read_text("utf-8"))
        parameters = {
            "num_ctx": min(self._config.num_ctx, config.get("max_position_embeddings") or self._config.num_ctx),
            "temperature": f"{self._config.temperature:g}",
            "repeat_penalty": 1,  # else Ollama's own, under which the likeliest token is another one
        }
        go, stops = self._go(tokenizer, template), list(_stops(tokenizer, template))
        link_folder(merged, context.folder)
        write_text(context.folder / "Modelfile", modelfile(".", go, stops, parameters, template.system))
        return Export(context.folder, advice=tuple(_advice(config.get("architectures") or ["?"], self._config)))

    def _go(self, tokenizer: PreTrainedTokenizerBase, template: Template) -> str:
        if self._config.template is not None:
            path = Path(self._config.template).expanduser()
            try:
                return path.read_text("utf-8").removesuffix("\n")
            except (OSError, ValueError) as error:
                raise DocutuneError(f"{path}: cannot be read: {error}", "template names a file with text") from None
        without_system = replace(template, system=None)
        begin = _begin(tokenizer)

        def rendered(messages: Sequence[Message]) -> str:
            return render(tokenizer, without_system, messages).removeprefix(begin)

        return work_out(rendered).go


def _begin(tokenizer: Any) -> str:
    """The token that Ollama puts before every prompt by itself, as the tokenizer does; "" where there is none."""
    begun = tokenizer.bos_token and list(tokenizer.encode("text"))[:1] == [tokenizer.bos_token_id]
    return str(tokenizer.bos_token) if begun else ""


def _stops(tokenizer: PreTrainedTokenizerBase, template: Template) -> Iterator[str]:
    """What ends a reply: the template's end token, and the tokenizer's own."""
    yield from dict.fromkeys(token for token in (template.end_token, str(tokenizer.eos_token or "")) if token)


def _advice(architectures: Sequence[str], config: Config) -> Iterator[str]:
    yield "ollama create NAME -f Modelfile, in that folder; then ollama run NAME"
    if config.template is None:
        yield "TEMPLATE was compared with the chat template as text; Ollama itself was not asked"
    else:
        yield "TEMPLATE is your own and was compared with nothing"
    if architectures[0] not in _IMPORTED:
        yield (
            f"Ollama is not known to read {architectures[0]} from safetensors: where it refuses, "
            "export --format gguf too and write FROM with that file into the Modelfile"
        )
