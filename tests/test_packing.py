"""Packing: whole samples share a row, do not see each other, and give the loss that they give alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from docutune.errors import DocutuneError
from docutune.records import ModelRef

if TYPE_CHECKING:
    from docutune.hf.encode import Encoded

pytestmark = pytest.mark.training

SIZES: dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@pytest.fixture(autouse=True)
def exact(base: ModelRef) -> None:
    """Products in full float32: builtin/tiny is made in less, in its own process but for tests."""
    import torch

    torch.set_float32_matmul_precision("highest")


def encoded(*lengths: int) -> list[Encoded]:
    from docutune.hf.encode import IGNORED, Encoded

    chosen = random.Random(0)
    rows = []
    for length in lengths:
        ids = tuple(chosen.randrange(3, 300) for _ in range(length))
        rows.append(Encoded(ids, (*[IGNORED] * (length // 2), *ids[length // 2 :])))
    return rows


def test_every_sample_is_in_one_row_once_and_whole() -> None:
    from docutune.plugins.trainers.sft.packing import pack

    chosen = random.Random(1)
    for limit in (16, 64, 1000):
        rows = encoded(*(chosen.randint(1, limit) for _ in range(400)))
        packed = pack(rows, limit)
        assert max(len(row.input_ids) for row in packed) <= limit
        held = [part for row in packed for part in samples_of(row)]
        assert sorted(held) == sorted(row.input_ids for row in rows)
        tokens = sum(len(row.input_ids) for row in rows)
        assert len(packed) <= 11 / 9 * -(-tokens // limit) + 2
        assert packed == pack(rows, limit)


def test_the_fullest_row_that_still_has_room_takes_a_sample() -> None:
    from docutune.plugins.trainers.sft.packing import pack

    assert [row.lengths for row in pack(encoded(3, 7, 4, 6), 10)] == [(3, 7), (4, 6)]
    assert [row.lengths for row in pack(encoded(10, 10), 10)] == [(10,), (10,)]
    assert pack([], 10) == []


def test_no_sample_is_asked_to_predict_the_next_ones_first_token() -> None:
    from docutune.hf.encode import IGNORED, Encoded
    from docutune.plugins.trainers.sft.packing import pack

    (row,) = pack([Encoded((5, 6), (5, 6)), Encoded((7, 8, 9), (7, 8, 9))], 10)
    assert row.labels == (IGNORED, 6, IGNORED, 8, 9)


def samples_of(row: Any) -> Iterator[tuple[int, ...]]:
    start = 0
    for length in row.lengths:
        yield row.input_ids[start : start + length]
        start += length


def make(name: str) -> Any:
    import torch
    import transformers

    more: dict[str, dict[str, Any]] = {
        "Qwen3": {"head_dim": 16},
        "Llama": {},
        "Gemma3Text": {
            "head_dim": 16,
            "sliding_window": 8,
            "layer_types": ["sliding_attention", "full_attention"],
        },
        "Phi3": {"sliding_window": 8},
        "Lfm2": {"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False},
    }
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**SIZES, **more[name])
    return getattr(transformers, f"{name.removesuffix('Text')}ForCausalLM")(config).eval()


@pytest.mark.parametrize("layout", ["padded", "flat"])
@pytest.mark.parametrize("name", ["Qwen3", "Llama", "Gemma3Text", "Phi3"])
def test_a_packed_sample_gets_the_logits_that_it_gets_alone(name: str, layout: str) -> None:
    import torch

    from docutune.plugins.trainers.sft.apart import check_apart
    from docutune.plugins.trainers.sft.collate import flat, padded
    from docutune.plugins.trainers.sft.packing import pack

    model, collate = make(name), padded(0) if layout == "padded" else flat
    packed = pack(encoded(20, 7, 13, 30, 5, 18, 1, 40, 9), 45)
    batch = collate([columns(row) for row in packed])
    batch.pop("labels")
    with torch.no_grad():
        together = model(**batch, use_cache=False).logits
        if layout == "flat":
            together = list(together[0].split([len(row.input_ids) for row in packed]))
        for row, logits in zip(packed, together, strict=True):
            start = 0
            for ids in samples_of(row):
                alone = model(torch.tensor([ids]), use_cache=False).logits[0]
                torch.testing.assert_close(logits[start : start + len(ids)], alone, atol=2e-6, rtol=1e-5)
                start += len(ids)
    check_apart(model, collate, name)


def by_segments(
    query: Any,
    key: Any,
    value: Any,
    starts: Any,
    starts_of_keys: Any,
    longest: int,
    longest_key: int,
    *,
    scale: float,
    window_size: tuple[int, int],
    enable_gqa: bool = False,
) -> Any:
    """What torch documents of its GPU kernel `varlen_attn`, in plain operations."""
    import torch

    assert longest == longest_key == int(starts.diff().max())
    assert starts.dtype == torch.int32
    assert starts.equal(starts_of_keys)
    shared = query.shape[1] // key.shape[1]
    assert enable_gqa == (shared > 1)
    attended = []
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        heads = [part[start:end].transpose(0, 1) for part in (query, key, value)]
        distance = torch.arange(end - start)[:, None] - torch.arange(end - start)
        seen = (distance >= 0) & ((distance <= window_size[0]) | (window_size[0] < 0))
        scores = heads[0] @ heads[1].repeat_interleave(shared, 0).transpose(1, 2) * scale
        weights = scores.masked_fill(~seen, float("-inf")).softmax(-1)
        attended.append((weights @ heads[2].repeat_interleave(shared, 0)).transpose(0, 1))
    return torch.cat(attended)


@pytest.mark.parametrize("name", ["Qwen3", "Llama", "Gemma3Text", "Phi3"])
def test_the_gpus_attention_is_told_where_samples_end(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel itself needs a GPU (benchmarks/packed_attention.py); here its documented meaning stands in for it."""
    import torch

    from docutune.plugins.trainers.sft import attention
    from docutune.plugins.trainers.sft.apart import check_apart
    from docutune.plugins.trainers.sft.collate import flat, padded
    from docutune.plugins.trainers.sft.packing import pack

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", by_segments)
    model, packed = make(name), pack(encoded(20, 7, 13, 30, 5, 18, 1, 40, 9), 45)
    batch = flat([columns(row) for row in packed])
    prompts = torch.tensor([packed[0].input_ids[:12], packed[1].input_ids[:12]])
    mask = torch.ones_like(prompts)
    mask[0, :4] = 0
    rest = padded(0)([columns(row) for row in packed])

    def said() -> list[Any]:
        with torch.no_grad():
            return [
                model(**batch, use_cache=False).logits,
                model(**rest, use_cache=False).logits,
                model(prompts, attention_mask=mask, use_cache=False).logits[mask.bool()],
                model(prompts[:1], use_cache=False).logits,
                model.generate(prompts, attention_mask=mask, max_new_tokens=8, do_sample=False),
            ]

    before = said()
    attention.use(model, torch.float32)
    assert model.config._attn_implementation == attention.NAME
    for old, new in zip(before, said(), strict=True):
        torch.testing.assert_close(new, old, atol=2e-6, rtol=1e-5)
    check_apart(model, flat, name)


def columns(row: Any) -> dict[str, Any]:
    return {"input_ids": row.input_ids, "labels": row.labels, "seq_lengths": row.lengths}


def test_a_model_whose_layers_carry_a_state_over_is_refused() -> None:
    from docutune.plugins.trainers.sft.apart import check_apart
    from docutune.plugins.trainers.sft.collate import padded

    with pytest.raises(DocutuneError, match="does not keep samples of one row apart"):
        check_apart(make("Lfm2"), padded(0), "Lfm2")  # its convolutions look back over the seam


def test_batches_that_hide_where_samples_begin_are_refused() -> None:
    import torch

    from docutune.plugins.trainers.sft.apart import check_apart
    from docutune.plugins.trainers.sft.collate import padded

    def masked(rows: Any) -> dict[str, Any]:
        batch = padded(0)(rows)
        return {**batch, "attention_mask": torch.ones_like(batch["input_ids"])}

    with pytest.raises(DocutuneError, match="packing: false"):
        check_apart(make("Llama"), masked, "Llama")


@dataclass
class Heard:
    """A context for training in this process, with the figures that it was told."""

    folder: Path
    seed: int = 0
    figures: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def kept(self) -> Path:
        return self.folder

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        for name, value in figures.items():
            self.figures.setdefault(name, []).append(value)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    from docutune.hf.tiny import Recipe
    from docutune.hf.tiny import make as pretrain

    folder = tmp_path_factory.mktemp("base")
    (folder / "texts.jsonl").write_text(json.dumps({"text": "What does it do? It reads a page. " * 40}) + "\n", "utf-8")
    (folder / "model").mkdir()
    recipe = Recipe(vocabulary=320, hidden=64, fewest_steps=5, most_steps=5)
    return pretrain(folder / "texts.jsonl", Heard(folder / "model"), recipe)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "train.jsonl"
    rows = (
        {
            "messages": [
                {"role": "user", "content": f"What does number {number} do?"},
                {"role": "assistant", "content": "It reads a page. " * (number % 4 + 1)},
            ]
        }
        for number in range(12)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def trained(base: ModelRef, data: Path, folder: Path, **settings: Any) -> tuple[Heard, Mapping[str, Any]]:
    from safetensors.torch import load_file

    from docutune.plugins.trainers.trl.plugin import Config
    from docutune.plugins.trainers.trl.train import Trl

    common: dict[str, Any] = {"model": "builtin/tiny", "max_steps": 1, "max_length": 256, "batch_size": 12}
    config = Config.model_validate({**common, "quantization": "none", "warmup_ratio": 0, **settings})
    context = Heard(folder)
    folder.mkdir(exist_ok=True)
    model = Trl(config).train(data, data, base, context)  # type: ignore[arg-type]
    assert model.adapter is not None
    return context, load_file(model.adapter / "adapter_model.safetensors")


def test_a_step_of_packed_rows_is_the_step_of_its_samples(base: ModelRef, data: Path, tmp_path: Path) -> None:
    """All samples in one step, 12 rows in six passes or 3 rows in two: the same loss, the same update."""
    plain, weights = trained(base, data, tmp_path / "plain", micro_batch_size=2)
    packed, packed_weights = trained(base, data, tmp_path / "packed", packing=True, batch_size=4, micro_batch_size=2)
    assert packed.figures["loss"][-1] == pytest.approx(plain.figures["loss"][-1], abs=2e-4)  # logged with 4 digits
    assert packed.figures["grad_norm"][-1] == pytest.approx(plain.figures["grad_norm"][-1], rel=1e-4)
    assert packed.figures["eval_loss"][-1] == pytest.approx(plain.figures["eval_loss"][-1], abs=1e-4)
    assert weights.keys() == packed_weights.keys()
    for name in (name for name in weights if "lora_B" in name):  # Adam's first step: the rate in the gradient's sign
        assert float(weights[name].abs().mean()) == pytest.approx(2e-4, rel=0.05)
        assert float((packed_weights[name] - weights[name]).abs().mean()) < 1e-3 * 2e-4
    assert "12 samples packed into 3 rows of at most 256 tokens" in packed.notes


def test_packed_training_repeats_to_the_bit(base: ModelRef, data: Path, tmp_path: Path) -> None:
    settings = {"packing": True, "batch_size": 2, "max_steps": 3, "max_length": 160, "lora_dropout": 0.1}
    (_, first), (_, second) = (trained(base, data, tmp_path / name, **settings) for name in ("first", "second"))
    assert all(bool((first[name] == second[name]).all()) for name in first)
