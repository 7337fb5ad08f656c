"""template.json beside a model is the one place that says what is asked: of the tuned model, and of its base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import Installed

from docutune.errors import DocutuneError
from docutune.records import Message, ModelRef, Probe

PLUGINS = """
from docutune import Registration, TrainingConfig, hookimpl
from docutune.records import Answer, Measure, Message, ModelRef, Probe
from docutune.template import Template
from pydantic import BaseModel, ConfigDict

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Trainer:
    def __init__(self, config): self.config = config
    def train(self, train, validation, base, context):
        adapter = context.folder / "adapter"
        adapter.mkdir()
        (adapter / "adapter_config.json").write_text("{}")
        Template("", "</s>", self.config.system_prompt).save(adapter)
        return ModelRef(base.folder, base.digest, adapter)

class Runtime:
    def __init__(self, config): pass
    def open(self, model):
        self.system = Template.load(model.adapter).system
        return self
    def answer(self, probes, variant):
        return [Answer(probe.id, variant, f"{variant}: {self.system}", True) for probe in probes]
    def close(self): pass

class Evaluator:
    def __init__(self, config): pass
    def probes(self, held_out, library): return [Probe("one", (Message("user", "Who?"),))]
    async def measure(self, answers, held_out, library, context):
        return [Measure("match", a.probe, a.variant, float("old" in a.text)) for a in answers]

@hookimpl
def docutune_trainers(): return [Registration("fake", 1, "Trains nothing", TrainingConfig, "contract:Trainer")]
@hookimpl
def docutune_runtimes(): return [Registration("fake", 1, "Answers", Nothing, "contract:Runtime")]
@hookimpl
def docutune_evaluators(): return [Registration("fake", 1, "Measures", Nothing, "contract:Evaluator")]
"""
PIPELINE = """version: 1
project: acme
sources:
  - samples: qa.csv
train:
  - name: one
    uses: fake
    with: {model: ./base}
runtime: {uses: fake}
evaluate:
  - uses: fake
"""


def test_a_base_is_asked_anew_when_its_prompts_are_others(environment: Installed) -> None:
    work = environment.work
    (work / "base").mkdir()
    (work / "base/config.json").write_text("{}")
    (work / "base/model.safetensors").write_bytes(b"weights")
    (work / "qa.csv").write_text("question,answer,split\nWho?,He.,test\nWhat?,It.,train\n")
    (work / "pipeline.yaml").write_text(PIPELINE)
    environment.install("contract", {"contract.py": PLUGINS}, "contract = contract")
    for prompt in ("old", "new", "old"):
        environment.answer("run", "--set", f"train[0].with.system_prompt={prompt}")
        report = json.loads((work / ".docutune/runs/latest/report.json").read_text("utf-8"))
        (model,) = report["models"]
        (comparison,) = [found for each in model["evaluations"] for found in each["comparisons"]]
        assert comparison["base"]["mean"] == comparison["tuned"]["mean"] == float(prompt == "old")


@pytest.mark.training
def test_the_local_runtime_asks_base_and_tuned_model_with_the_template_of_the_adapter(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    from docutune.hf.encode import prompt_ids, read_template
    from docutune.hf.load import device, load_base, load_tokenizer
    from docutune.hf.tiny import Recipe, make
    from docutune.plugins.runtimes.local.plugin import Config
    from docutune.plugins.runtimes.local.serve import Local

    (tmp_path / "texts.jsonl").write_text(json.dumps({"text": "What does it do? It reads. " * 40}) + "\n", "utf-8")
    (tmp_path / "base").mkdir()
    recipe = Recipe(vocabulary=320, hidden=64, fewest_steps=2, most_steps=2)
    base = make(tmp_path / "texts.jsonl", Silent(tmp_path / "base"), recipe)  # type: ignore[arg-type]
    tokenizer = load_tokenizer(base.folder)
    template = read_template(tokenizer, "base", system="Say what you know of it, and nothing else at all.")
    adapted = get_peft_model(load_base(base.folder, "none", device()), LoraConfig(target_modules=["q_proj"]))
    adapted.save_pretrained(str(tmp_path / "adapter"))
    template.save(tmp_path / "adapter")
    asked = (Message("user", "What does it do?"),)
    session = Local(Config(max_length=16)).open(ModelRef(base.folder, base.digest, tmp_path / "adapter"))
    tokens = len(prompt_ids(tokenizer, template, asked))
    assert tokens > len(prompt_ids(tokenizer, read_template(tokenizer, "base"), asked)) > 16
    for variant in ("base", "tuned"):  # a prompt that is too long is refused with its length, so it can be seen here
        with pytest.raises(DocutuneError, match=f"a conversation of {tokens} tokens"):
            list(session.answer([Probe("one", asked)], variant))  # type: ignore[arg-type]


class Silent:
    """A context for work in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seed = folder, 0

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        pass
