"""A workspace with a trained model, made in seconds: real weights of a tiny model, and a run whose plugins load no
torch.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from installed import Installed
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

END, PAD = "<|im_end|>", "<|endoftext|>"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SYSTEM = "You know Acme."
WIDTH, HEADS, LAYERS, RANK, ALPHA = 32, 2, 2, 4, 8
TUNED = ("q_proj", "v_proj")

PLUGINS = '''
import json, os, shutil, time
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, TrainingConfig, hookimpl
from docutune.records import Answer, Measure, ModelInfo, ModelRef, Probe
from docutune.template import Template

HELD = 64 * 1024**2

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Config(TrainingConfig):
    pass

class Copied:
    """Trains nothing: what it gives back was made before."""
    def __init__(self, config): self.config = config
    def train(self, train, validation, base, context):
        made = context.folder / "adapter"
        shutil.copytree(base.folder.parent / "adapter", made)
        tokenizer = json.loads((base.folder / "tokenizer_config.json").read_text())
        Template(tokenizer["chat_template"], tokenizer["eos_token"], self.config.system_prompt).save(made)
        context.progress(1, 1, loss=0.5)
        return ModelRef(base.folder, base.digest, made)

class Asker:
    def __init__(self, config): pass
    def probes(self, held_out, library):
        return [Probe(made.sample.id, made.sample.messages[:1]) for made in held_out]
    async def measure(self, answers, held_out, library, context):
        return [Measure("right", a.probe, a.variant, float(a.variant == "tuned")) for a in answers]

class Echo:
    def __init__(self, config): pass
    def open(self, model):
        self.model, self.held = model, os.urandom(1) * HELD
        return self
    def answer(self, probes, variant): return (Answer(p.id, variant, variant, True) for p in probes)
    def stream(self, messages, variant, sampling):
        """As long as somebody listens."""
        while True:
            time.sleep(0.01)
            yield variant + " "
    def info(self):
        return ModelInfo("Echo", 12345678, "none", "float32", "cpu", HELD, "0123456789abcdef", self.model.folder,
                         self.model.digest, str(self.model.folder), self.model.adapter, 512, 1024)
    def close(self): pass

@hookimpl
def docutune_trainers(): return [Registration("copied", 1, "Copies", Config, "helpers:Copied")]
@hookimpl
def docutune_evaluators(): return [Registration("right", 1, "Asks", Nothing, "helpers:Asker")]
@hookimpl
def docutune_runtimes(): return [Registration("echo", 1, "Says its variant", Nothing, "helpers:Echo")]
'''


def project(environment: Installed, **options: object) -> Path:
    """Base, samples and pipeline file; one run has trained and measured a model called "smoke"."""
    work = environment.work
    environment.install("helpers", {"helpers.py": PLUGINS}, "helpers = helpers")
    base(work / "made/base")
    adapter(work / "made/adapter")
    rows = [{"question": f"What is part {n}?", "answer": f"It is the {n}th part of Acme."} for n in range(30)]
    (work / "qa.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    training = {"model": "./made/base", "system_prompt": SYSTEM, "quantization": "none", **options}
    pipeline = {
        "version": 1,
        "project": "acme",
        "sources": [{"samples": "qa.jsonl"}],
        "curate": [],
        "split": {"rephrased": 0.3, "validation": 0.1},
        "train": [{"uses": "copied", "name": "smoke", "with": training}],
        "runtime": {"uses": "echo"},
        "evaluate": [{"uses": "right"}],
    }
    (work / "pipeline.yaml").write_text(json.dumps(pipeline))
    environment.answer("run")
    return work


def base(folder: Path, seed: int = 0) -> None:
    """A Qwen3 model of random weights, a byte-level tokenizer without merges, and a chat template."""
    folder.mkdir(parents=True)
    tokens = [PAD, "<|im_start|>", END, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={token: place for place, token in enumerate(tokens)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([PAD, "<|im_start|>", END])
    tokenizer.save(str(folder / "tokenizer.json"))
    own = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "pad_token": PAD, "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(own))
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "dtype": "float32",
        "vocab_size": len(tokens),
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "head_dim": WIDTH // HEADS,
        "max_position_embeddings": 1024,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(_weights(np.random.default_rng(seed), len(tokens)), folder / "model.safetensors", {"format": "pt"})


def _weights(chance: np.random.Generator, vocabulary: int) -> dict[str, np.ndarray]:
    def matrix(rows: int, columns: int) -> np.ndarray:
        return (chance.standard_normal((rows, columns)) * 0.3).astype(np.float32)

    found = {"model.embed_tokens.weight": matrix(vocabulary, WIDTH), "model.norm.weight": np.ones(WIDTH, np.float32)}
    for layer in range(LAYERS):
        own = f"model.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            found[f"{own}.self_attn.{name}.weight"] = matrix(WIDTH, WIDTH)
        for name in ("gate_proj", "up_proj"):
            found[f"{own}.mlp.{name}.weight"] = matrix(2 * WIDTH, WIDTH)
        found[f"{own}.mlp.down_proj.weight"] = matrix(WIDTH, 2 * WIDTH)
        for name in ("input_layernorm", "post_attention_layernorm"):
            found[f"{own}.{name}.weight"] = np.ones(WIDTH, np.float32)
        for name in ("q_norm", "k_norm"):
            found[f"{own}.self_attn.{name}.weight"] = np.ones(WIDTH // HEADS, np.float32)
    return found


def adapter(folder: Path) -> None:
    """A LoRA in PEFT format that changes much."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(1)
    weights = {}
    for layer in range(LAYERS):
        for name in TUNED:
            own = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            weights[f"{own}.lora_A.weight"] = chance.standard_normal((RANK, WIDTH)).astype(np.float32)
            weights[f"{own}.lora_B.weight"] = chance.standard_normal((WIDTH, RANK)).astype(np.float32)
    save_file(weights, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": list(TUNED),
        "base_model_name_or_path": "base",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config))
