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

# Only what is the same wherever the training runs: no times, no memory.
_COUNTS = {
    "samples": "samples",
    "left_out": "samples left out, as too long",
    "parameters": "parameters of the base",
    "trainable_parameters": "parameters trained",
}
_LAST = {"loss": "loss", "eval_loss": "validation loss"}
_BEST = {"best_step": "step of the kept weights, the best", "best_eval_loss": "their validation loss"}
_LOCAL = ("builtin/", ".", "/", "~")
_LOAD_WHOLE = """\
tokenizer = AutoTokenizer.from_pretrained(".")
model = AutoModelForCausalLM.from_pretrained(".")
"""
_LOAD_ADAPTER = """\
tokenizer = AutoTokenizer.from_pretrained(base)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), ".")
"""
_ASKING = """
template = json.loads(Path("template.json").read_text("utf-8"))["template"]
messages = [{messages}]
prompt = tokenizer.apply_chat_template(
    messages,
    chat_template=template["source"],
    enable_thinking={thinking},
    add_generation_prompt=True,
    return_dict=True,
    return_tensors="pt",
)
end = tokenizer.convert_tokens_to_ids(template["end_token"])
answer = model.generate(**prompt, max_new_tokens=300, eos_token_id=end)
print(tokenizer.decode(answer[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))
"""


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
        **_told(config, figures),
    }
    lines = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    kind = _kind(config)
    header = (
        f"---\nbase_model: {config.model}\nlibrary_name: {kind.library}\ntags: [docutune, {kind.tag}]\n---\n\n"
        f"# {kind.title} {config.model}\n\n{kind.what}, trained by docutune's trainer {trainer}.\n\n"
    )
    settings = json.dumps(to_json(config.model_dump(exclude=set(config.decides_nothing))), indent=2)
    text = (
        f"{header}| | |\n| --- | --- |\n{lines}\n\n## Ask it\n\nIn this folder:\n\n```python\n{_snippet(config)}```\n\n"
        f"## Settings\n\n```json\n{settings}\n```\n\n## License\n\n"
        f"The license of the base model applies to {kind.use}; the sources that the training data came from keep "
        "theirs.\n"
    )
    (adapter / "README.md").write_text(text, "utf-8")


def _told(config: TrainingConfig, figures: Mapping[str, float]) -> dict[str, str]:
    """The figures of the weights that are kept, as a person reads them."""
    best = config.keeps_best and "best_step" in figures
    counts = {label: f"{figures[name]:,.0f}" for name, label in _COUNTS.items() if name in figures}
    found = {label: figures[name] for name, label in (_BEST if best else _LAST).items() if name in figures}
    return counts | {label: _number(value) for label, value in found.items()}


def _number(value: float) -> str:
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def _snippet(config: TrainingConfig) -> str:
    """Python that loads what was trained and asks it a question, with the template that it was trained with."""
    messages = '{"role": "user", "content": "..."}'
    if config.system_prompt:
        messages = f'{{"role": "system", "content": template["system"]}}, {messages}'
    whole = config.tuning == "full"
    imports = "" if whole else "from peft import PeftModel\n"
    load = _LOAD_WHOLE if whole else f"base = {_base(config.model)}\n{_LOAD_ADAPTER}"
    asking = _ASKING.replace("{messages}", messages).replace("{thinking}", str(config.thinking))
    libraries = f"{imports}from transformers import AutoModelForCausalLM, AutoTokenizer\n"
    return f"import json\nfrom pathlib import Path\n\n{libraries}\n{load}{asking}"


def _base(name: str) -> str:
    if name.startswith(_LOCAL):
        return f'"FOLDER"  # of the base model, {name}'
    return json.dumps(name, ensure_ascii=False)
