"""The card of a trained model: what it was made of, so that it can be told apart and made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docutune.records import ModelRef, to_json
from docutune.template import Template
from docutune.training import TrainingConfig

_OF_THE_MACHINE = {
    "tokens_per_second",
    "seconds_left",
    "memory_gib",
}  # the same training makes the same files, everywhere


@dataclass(frozen=True, slots=True)
class _Kind:
    title: str
    library: str
    tag: str
    what: str
    use: str


def _kind(config: TrainingConfig) -> _Kind:
    if config.tuning == "full":
        return _Kind("Model tuned from", "transformers", "full", "All weights of the base", "this model, too")
    tag = "lora" if config.quantization == "none" else "qlora"
    what = "Low-rank adapters on a frozen base"
    return _Kind("Adapter for", "peft", tag, what, "its use together with this adapter")


def write_card(
    adapter: Path,
    trainer: str,
    config: TrainingConfig,
    base: ModelRef,
    template: Template,
    train: Path,
    figures: Mapping[str, float],
) -> None:
    """Write README.md into the adapter's folder, in place of the libraries' empty form."""
    with train.open("rb") as file:
        data = hashlib.file_digest(file, "sha256").hexdigest()
    facts = {
        "base model": f"{config.model} ({base.digest[:16]})",
        "dataset": f"{train.parent.name}/{train.name}, SHA-256 {data[:16]}",
        "chat template": template.digest,
        **{name.replace("_", " "): f"{value:g}" for name, value in figures.items() if name not in _OF_THE_MACHINE},
    }
    lines = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    kind = _kind(config)
    header = (
        f"---\nbase_model: {config.model}\nlibrary_name: {kind.library}\ntags: [docutune, {kind.tag}]\n---\n\n"
        f"# {kind.title} {config.model}\n\n{kind.what}, trained by docutune's trainer {trainer}.\n\n"
    )
    settings = json.dumps(to_json(config.model_dump(exclude=set(config.decides_nothing))), indent=2)
    text = (
        f"{header}| | |\n| --- | --- |\n{lines}\n\n## Settings\n\n```json\n{settings}\n```\n\n## License\n\n"
        f"The license of the base model applies to {kind.use}; the sources that the training data came from keep "
        "theirs.\n"
    )
    (adapter / "README.md").write_text(text, "utf-8")
