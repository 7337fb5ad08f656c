"""The model card of an adapter: what it was made of, so that it can be told apart and made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from docutune.records import ModelRef, to_json
from docutune.template import Template
from docutune.training import TrainingConfig

_OF_THE_MACHINE = {"tokens_per_second", "seconds_left"}  # the same training makes the same files, everywhere


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
    header = f"---\nbase_model: {config.model}\nlibrary_name: peft\ntags: [docutune, qlora]\n---\n"
    settings = json.dumps(to_json(config.model_dump()), indent=2)
    text = (
        f"{header}\n# Adapter for {config.model}\n\n"
        f"Low-rank adapters on a frozen base, trained by docutune's trainer {trainer}.\n\n"
        f"| | |\n| --- | --- |\n{lines}\n\n## Settings\n\n```json\n{settings}\n```\n\n## License\n\n"
        "The license of the base model applies to its use together with this adapter; the sources that the training "
        "data came from keep theirs.\n"
    )
    (adapter / "README.md").write_text(text, "utf-8")
