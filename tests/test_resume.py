"""A training that was interrupted goes on as if it had not been: to the bit, from the newest sound checkpoint.

The long form, with kills, stands in tests/soak/training.py; `make soak` runs it.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tiny import DAMAGES, SETTINGS, Bench, Desk, damage, moved, rows

from docutune.checkpoints import Checkpoints
from docutune.errors import Cancelled, DocutuneError

pytestmark = pytest.mark.training

PLAIN = Path(__file__).parent / "packages/docutune-plain-trainer"
FILES = (
    "curve.json",
    "manifest.json",
    "optimizer.json",
    "optimizer.safetensors",
    "progress.json",
    "random.json",
    "random.safetensors",
    "scheduler.json",
    "trainer_state.json",
    "weights.safetensors",
)
WAYS: dict[str, tuple[int, dict[str, Any]]] = {
    "dropout accumulation and packing": (3, {"packing": True, "max_length": 128}),
    "grouped by length": (1, {"trl": {"group_by_length": True}}),
    "8-bit optimizer": (1, {"optimizer": "adamw_8bit", "quantization": "nf4"}),
    "best weights": (1, {"keep": "best", "eval_steps": 2, "save_steps": 4}),
    "all weights": (1, {"tuning": "full", "lora_dropout": 0.0, "learning_rate": 1e-3}),
}
"""What a training may be like, and at how many random moments it is stopped."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def whole(bench: Bench) -> Desk:
    """A training that nobody stopped."""
    return bench.go("whole")


@pytest.fixture(scope="module")
def half(bench: Bench) -> str:
    """One that was stopped after its sixth step, with two checkpoints."""
    bench.half("half")
    return "half"


@pytest.mark.parametrize("way", WAYS)
def test_a_training_stopped_at_any_moment_ends_as_if_it_had_not_been(bench: Bench, way: str) -> None:
    (moments, options), name = WAYS[way], way.replace(" ", "-")
    unbroken = bench.go(f"{name}-unbroken", **options)
    chance = random.Random(way)
    for number in range(moments):
        broken = f"{name}-{number}"
        bench.stopped(broken, chance.randrange(4, unbroken.reports - 3), **options)
        going_on = bench.go(broken, **options)
        assert any(note.startswith("the training goes on at step") for note in going_on.notes)
        assert bench.made(broken) == bench.made(f"{name}-unbroken")
        assert going_on.curve == unbroken.curve


def test_a_training_stopped_in_its_last_validation_does_that_and_nothing_else(bench: Bench, whole: Desk) -> None:
    bench.stopped("late", whole.reports - 2)
    assert bench.checkpoints("late")[-1].name == "step-00000009"
    going_on = bench.go("late")
    assert bench.made("late") == bench.made("whole")
    assert going_on.curve == whole.curve


def test_a_training_stopped_again_and_again_ends_the_same(bench: Bench, whole: Desk) -> None:
    for reports in (6, 14, 26):
        bench.stopped("worn", reports)
    bench.go("worn")
    assert bench.made("worn") == bench.made("whole")


def test_no_checkpoint_holds_anything_that_could_run(bench: Bench, half: str) -> None:
    for checkpoint in bench.checkpoints(half):
        assert tuple(sorted(path.name for path in checkpoint.iterdir())) == FILES
        assert all(path.suffix in (".json", ".safetensors") for path in checkpoint.iterdir())


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_no_damage_is_accepted(bench: Bench, half: str, tmp_path: Path, file: str, how: str) -> None:
    shutil.copytree(bench.path(half) / "kept/checkpoints", tmp_path / "checkpoints")
    older, newest = sorted((tmp_path / "checkpoints").glob("step-*"))
    damage(newest / file, how, random.Random(file + how))
    found = Checkpoints(tmp_path / "checkpoints").latest()
    assert found.checkpoint is not None
    assert found.checkpoint.folder == older
    (skipped,) = found.skipped
    assert newest.name in skipped
    assert file in skipped


@pytest.mark.parametrize("how", ["missing", "flipped"])
def test_a_training_goes_on_from_the_checkpoint_before_a_damaged_one(
    bench: Bench, whole: Desk, half: str, how: str
) -> None:
    newest = bench.again(half, how)
    damage(newest / "weights.safetensors", how, random.Random(how))
    going_on = bench.go(how)
    assert [note for note in going_on.notes if newest.name in note and "weights.safetensors" in note]
    assert bench.made(how) == bench.made("whole")
    assert going_on.curve == whole.curve


def test_without_a_sound_checkpoint_a_training_starts_anew_and_says_why(bench: Bench, whole: Desk, half: str) -> None:
    bench.again(half, "ruined")
    for checkpoint in bench.checkpoints("ruined"):
        (checkpoint / "stray").write_text("")
    going_on = bench.go("ruined")
    assert sum("stray does not belong to it" in note for note in going_on.notes) == 2
    assert bench.made("ruined") == bench.made("whole")


def test_what_a_kill_left_half_written_is_cleared_away(bench: Bench, half: str) -> None:
    newest = bench.again(half, "cleared")
    unfinished = newest.with_name(f".{newest.name}.0123abcd.tmp")
    shutil.copytree(newest, unfinished)
    (unfinished / "manifest.json").unlink()
    bench.go("cleared")
    assert not unfinished.exists()
    assert bench.made("cleared") == bench.made("whole")


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Lets no file grow beyond so many bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("file", ["optimizer.safetensors"])
def test_a_disk_that_takes_no_checkpoint_costs_one_line_and_no_checkpoint(
    bench: Bench, whole: Desk, half: str, file: str, small_files: Callable[[int], None]
) -> None:
    newest = bench.again(half, "full")
    before = {path: path.read_bytes() for path in bench.path("full").rglob("step-*/*")}
    small_files((newest / file).stat().st_size - 1)
    with pytest.raises(DocutuneError, match=r"step-00000007: cannot write [\d,]+ bytes: File too large"):
        bench.go("full", save_steps=1)
    small_files(resource.RLIM_INFINITY)
    assert {path: path.read_bytes() for path in bench.path("full").rglob("*step-*/*")} == before
    bench.go("full")
    assert bench.made("full") == bench.made("whole")


def test_a_stop_on_a_full_disk_is_a_stop(bench: Bench, half: str, small_files: Callable[[int], None]) -> None:
    newest = bench.again(half, "stuck")
    small_files((newest / "weights.safetensors").stat().st_size - 1)
    told: list[str] = []
    with pytest.raises(Cancelled):
        bench.go("stuck", lambda reports: reports >= 24, save_steps=9, notes=told)
    assert [note for note in told if note.startswith("the last steps could not be saved: ")]
    assert bench.checkpoints("stuck")[-1] == newest


def test_a_strangers_trainer_goes_on_from_checkpoints_of_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLAIN))
    plugin, trainer = import_module("docutune_plain_trainer.plugin"), import_module("docutune_plain_trainer.train")
    made = {}
    for name, reports in (("plain", 99), ("plain-stopped", 7), ("plain-stopped", 99)):
        folder = bench.path(name)
        shutil.rmtree(folder / "model", ignore_errors=True)
        desk = Desk(folder / "model", folder / "kept", lambda told, most=reports: told >= most)
        work = trainer.Plain(plugin.Config.model_validate(SETTINGS))
        if reports < 99:
            with pytest.raises(Cancelled):
                work.train(bench.train, bench.validation, bench.base, desk)
        else:
            adapter = work.train(bench.train, bench.validation, bench.base, desk).adapter
            made[name] = ((adapter / "adapter_model.safetensors").read_bytes(), len(desk.curve))
    assert made["plain-stopped"][0] == made["plain"][0]
    assert (made["plain-stopped"][1], made["plain"][1]) == (4, 10)


# ---- identity


def _template(folder: Path) -> None:
    path = folder / "chat_template.jinja"
    path.write_text(
        path.read_text("utf-8").replace("<|im_start|>{{ message['role'] }}", "<|im_start|>{{ message.role }}")
    )


def _weights(folder: Path) -> None:
    (folder / "README.md").write_text("another model")


OPTIONS: dict[str, Any] = {
    "lora_rank": 8,
    "lora_dropout": 0.2,
    "lora_variant": "rslora",
    "quantization": "nf4",
    "optimizer": "adamw_8bit",
    "learning_rate": 1e-3,
    "schedule": "linear",
    "batch_size": 4,
    "micro_batch_size": 3,
    "max_length": 90,
    "packing": True,
    "seed": 1,
    "gradient_checkpointing": True,
    "thinking": True,
    "system_prompt": "Answer in one word.",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_another_option_is_refused_by_its_name(bench: Bench, half: str, option: str) -> None:
    said = rf"another training: .*\b{option} was .*, is now {json.dumps(OPTIONS[option])}"
    with pytest.raises(DocutuneError, match=said) as refused:
        bench.go(half, **{option: OPTIONS[option]})
    assert refused.value.hint is not None
    assert len(bench.checkpoints(half)) == 2


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("training rows", lambda bench, to: {"train": rows(to / "other.jsonl", ("What does {} do?", "Say, {}!"))}),
        ("validation rows", lambda bench, to: {"validation": rows(to / "other.jsonl", ("What is {}?",))}),
        ("validation rows", lambda bench, to: {"validation": None}),
        ("chat template", lambda bench, to: {"base": moved(bench.base, to / "base", _template)}),
        ("base model", lambda bench, to: {"base": moved(bench.base, to / "base", _weights)}),
        ("steps", lambda bench, to: {"max_steps": 13}),
        ("trl.group_by_length", lambda bench, to: {"trl": {"group_by_length": True}}),
    ],
)
def test_other_data_or_another_model_is_refused_by_its_name(
    bench: Bench, half: str, tmp_path: Path, field: str, changed: Callable[[Bench, Path], dict[str, Any]]
) -> None:
    with pytest.raises(DocutuneError, match=rf"another training: .*\b{field} was .*, is now "):
        bench.go(half, **changed(bench, tmp_path))


@pytest.mark.parametrize("field", ["device", "dtype", "processes", "trainer", "trainer's revision"])
def test_another_machine_or_trainer_is_refused_by_its_name(bench: Bench, half: str, field: str) -> None:
    found = Checkpoints(bench.path(half) / "kept/checkpoints").latest().checkpoint
    assert found is not None
    with pytest.raises(DocutuneError, match=f"{field} was .*, is now "):
        Checkpoints(found.folder.parent).newest({**found.identity, field: "another"})


def test_what_decides_nothing_may_change_in_between(bench: Bench, whole: Desk, half: str) -> None:
    bench.again(half, "changed")
    bench.go("changed", save_steps=1, keep_checkpoints=3)
    assert len(bench.checkpoints("changed")) == 3
    assert bench.made("changed")[1] == bench.made("whole")[1]


def test_a_training_goes_on_with_the_passes_that_it_was_begun_with(bench: Bench, whole: Desk, half: str) -> None:
    bench.again(half, "fitted")
    bench.go("fitted", fit="auto", micro_batch_size=6)
    assert bench.made("fitted")[1] == bench.made("whole")[1]


def test_other_libraries_are_told(bench: Bench, half: str) -> None:
    newest = bench.again(half, "aged")
    identity = json.loads((newest / "manifest.json").read_text())["identity"]
    progress = json.loads((newest / "progress.json").read_text())
    with Checkpoints(newest.parent).saving(7, identity) as folder:
        for path in newest.iterdir():
            if path.name != "manifest.json":
                shutil.copy(path, folder)
        (folder / "progress.json").write_text(json.dumps({**progress, "libraries": {"torch": "1.0"}}))
    going_on = bench.go("aged")
    assert [note for note in going_on.notes if "begun with torch 1.0 (now " in note and "not to the last bit" in note]
