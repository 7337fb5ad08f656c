"""`docutune clean`: frees what no run names and nothing else, whatever it is killed in the midst of."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

GUIDE = """# Guide

Acme sends parcels to every city of the country within two days. It weighs them, finds the shortest way and tells the
receiver when to be at home. Nothing is lost, for every parcel has a number.
"""
CODE = '''"""Parcels for everyone."""


def send(grams: int, *, city: str = "Bergen") -> str:
    """Send one parcel and return its number."""
    return city


def track(number: str) -> str:
    """Tell where a parcel is at this moment."""
    return number
'''
PIPELINE = "version: 1\nproject: acme\nsources:\n  - path: docs\n  - path: src\n"
COMMAND = [sys.executable, "-c", "import sys; from docutune.cli import main; sys.exit(main(sys.argv[1:]))"]
GENERATOR = """
import time
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, hookimpl
from docutune.records import Message, Sample, Task

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Slow:
    def __init__(self, config): pass
    def tasks(self, library):
        for symbol in library.public():
            yield Task({"name": symbol.name}, (symbol.span,))
    async def run(self, task, context, complaint=None):
        name = task.payload["name"]
        with open("calls", "a") as calls: calls.write(name + "\\n")
        while name == "acme.track" and not Path("mended").exists(): time.sleep(0.02)
        messages = (Message("user", f"What is {name}?"), Message("assistant", f"{name} is a function."))
        return [Sample(messages, "purpose", name, (name,))]

@hookimpl
def docutune_generators():
    return [Registration("slow", 1, "Waits until it is mended", Config, "slow:Slow")]
"""


def write(folder: Path) -> None:
    for name, text in {"docs/guide.md": GUIDE, "src/acme.py": CODE, "pipeline.yaml": PIPELINE}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def edit(folder: Path, number: int) -> None:
    (folder / "docs/guide.md").write_text(GUIDE.replace("two days", f"{number} days"))


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small library with docs and code, and three runs, each after an edit; nothing is trained."""
    folder = tmp_path_factory.mktemp("stock")
    write(folder)
    for number in range(3):
        edit(folder, number)
        subprocess.run([*COMMAND, "run"], cwd=folder, check=True, capture_output=True, timeout=180)
    for path in folder.rglob("*"):
        age(path)  # else they may seem to be of a run that begins within the two seconds that clocks may be off
    return folder


@pytest.fixture
def project(environment: Installed, stock: Path) -> Installed:
    """The stock, to be spoilt."""
    shutil.copytree(stock, environment.work, dirs_exist_ok=True, symlinks=True)
    return environment


def kept(project: Installed) -> Path:
    return project.work / ".docutune"


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file with its content and every link with its target, but for locks and the index."""
    paths = (path for path in sorted(folder.rglob("*")) if path.suffix not in (".lock", ".sqlite"))
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in paths
        if path.is_symlink() or path.is_file()
    }


def size(found: dict[str, bytes | str]) -> int:
    return sum(len(content) for content in found.values() if isinstance(content, bytes))


def statuses(project: Installed) -> dict[str, str]:
    manifest = json.loads((kept(project) / "runs/latest/manifest.json").read_text())
    return {step["name"]: step["status"] for step in manifest["steps"]}


def runs(project: Installed) -> list[str]:
    return sorted(path.name for path in (kept(project) / "runs").iterdir() if path.name[0].isdigit())


def clean(project: Installed, *arguments: str) -> Any:
    return project.answer("clean", *arguments)


def counts(answer: Any) -> dict[str, int]:
    return {kind: facts["count"] for kind, facts in answer["kinds"].items() if facts["count"]}


def age(path: Path, seconds: float = 3600) -> Path:
    then = time.time() - seconds
    os.utime(path, (then, then), follow_symlinks=False)
    return path


def rubbish(project: Installed, count: int, seed: int = 0) -> list[Path]:
    """Kept items that no run names."""
    draw = random.Random(seed)
    places = []
    for _ in range(count):
        key = f"{draw.getrandbits(256):064x}"
        place = kept(project) / "cache" / key[:2] / key[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("rubbish")
        places.append(place)
    return places


def test_where_everything_is_named_there_is_nothing_to_free(project: Installed) -> None:
    before = tree(kept(project))
    done = project.docutune("clean", "--yes")
    assert (done.returncode, done.stdout) == (0, "nothing to free\n")
    assert tree(kept(project)) == before
    shutil.rmtree(kept(project))
    assert clean(project, "--yes")["bytes"] == 0
    assert not kept(project).exists()


def test_only_what_older_runs_named_goes_and_the_next_run_reuses_all(project: Installed) -> None:
    old, newest = runs(project)[:2], runs(project)[2]
    lost = rubbish(project, 3)
    before = tree(kept(project))
    shown = clean(project, "--keep", "1", "--dry-run")
    assert tree(kept(project)) == before
    done = clean(project, "--keep", "1", "--yes")
    after = tree(kept(project))
    assert done == shown | {"freed": True}
    assert done["bytes"] == size(before) - size(after)
    assert done["kinds"]["runs"]["names"] == [f"runs/{run}" for run in old]
    assert done["kinds"]["datasets"]["count"] == 2
    here = {f"{path.parent.parent.name}/{path.parent.name}{path.name}" for path in kept(project).glob("[cr]*/??/*")}
    assert here == set((kept(project) / "runs/latest/objects.txt").read_text().split())
    assert done["kinds"]["cache"]["count"] > len(lost)
    assert [row["id"] for row in project.answer("status")] == runs(project) == [newest]
    assert counts(clean(project, "--dry-run")) == {}
    project.answer("run")
    assert set(statuses(project).values()) == {"reused"}
    edit(project.work, 0)
    project.answer("run")
    assert "made" in statuses(project).values()


def test_without_keep_no_run_goes(project: Installed) -> None:
    rubbish(project, 2)
    unnamed = kept(project) / "datasets" / ("ab" * 8)
    unnamed.mkdir()
    (unnamed / "train.jsonl").write_text("{}\n")
    (kept(project) / "datasets/mine").mkdir()
    before = runs(project)
    assert counts(clean(project, "--yes")) == {"cache": 2, "datasets": 1}
    assert runs(project) == before
    assert not unnamed.exists()
    assert (kept(project) / "datasets/mine").is_dir()


def test_leftovers_of_killed_processes_go_and_what_is_in_use_stays(project: Installed) -> None:
    root, run = kept(project), kept(project) / "runs" / runs(project)[-1]
    for name in ("models/.abc.0123abcd.tmp", "runs/.20260101-000000.0123abcd.tmp", "datasets/.d.0123abcd.tmp.old"):
        (root / name / "deep").mkdir(parents=True)
        (root / name / "deep/weights").write_text("x" * 1000)
    (root / "datasets/d").mkdir()
    (root / "models/.last.0123abcd.tmp.old").mkdir()
    (run / "jobs/base").mkdir(parents=True)
    (run / "jobs/base/texts.jsonl").write_text("text")
    (run / ".report.html.0123456789ab.tmp").write_text("half")
    (root / "runs/.latest.0123abcd.tmp").symlink_to("nowhere")
    age(rubbish(project, 1)[0].rename(root / "cache/.x.0123456789ab.tmp"))
    (root / "cache/.y.0123456789ab.tmp").write_text("a plan may be writing this")
    for name in ("dead-1", "dead-2"):
        (root / "sessions" / name).mkdir(parents=True)
    (root / "sessions/dead-1/lock").touch()
    age(root / "sessions/dead-2")
    with holding(root / "sessions/living-1", project):
        done = clean(project, "--yes")
    assert counts(done) == {"leftovers": 9}
    assert {path.name for path in (root / "sessions").iterdir()} == {"living-1"}
    left = {str(path.relative_to(root)) for path in root.rglob(".*.tmp*")}
    assert left == {"models/.last.0123abcd.tmp.old", "cache/.y.0123456789ab.tmp"}
    assert not (run / "jobs/base/texts.jsonl").exists()
    assert counts(clean(project, "--yes")) == {"leftovers": 1}
    project.answer("run")
    assert set(statuses(project).values()) == {"reused"}


@contextlib.contextmanager
def holding(folder: Path, project: Installed) -> Iterator[None]:
    """A living process that holds a folder, as a chat does."""
    folder.mkdir(parents=True)
    code = "import sys; from pathlib import Path; from docutune.held import holding\n"
    code += "with holding(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            process.kill()


def test_links_are_not_followed(project: Installed) -> None:
    (item,) = rubbish(project, 1)
    outside = project.work / "outside"
    for name in ("items", "model", "sessions/old"):
        (outside / name).mkdir(parents=True)
        (outside / name / ("f" * 62)).write_text("of somebody else")
    free = next(f"{byte:02x}" for byte in range(256) if not (kept(project) / f"cache/{byte:02x}").exists())
    (kept(project) / "cache" / free).symlink_to(outside / "items")
    (kept(project) / "models").mkdir()
    (kept(project) / "models" / ("a" * 24)).symlink_to(outside / "model")
    (kept(project) / "models/.x.0123abcd.tmp").symlink_to(outside / "model")
    item.with_name("e" * 62).symlink_to(outside / "items" / ("f" * 62))
    (kept(project) / "sessions").symlink_to(outside / "sessions")
    before, links = tree(outside), sum(path.is_symlink() for path in kept(project).rglob("*"))
    done = clean(project, "--yes")
    assert counts(done) == {"cache": 1, "leftovers": 1}
    assert sum(path.is_symlink() for path in kept(project).rglob("*")) == links - 1
    assert done["kinds"]["leftovers"]["names"] == ["models/.x.0123abcd.tmp"]
    assert done["notes"] == ["sessions/ is a link: nothing behind it is looked at"]
    assert tree(outside) == before


@contextlib.contextmanager
def waiting_run(project: Installed) -> Iterator[subprocess.Popen[bytes]]:
    """A run that waits in the midst of its generator."""
    project.install("slow", {"slow.py": GENERATOR}, "slow = slow")
    (project.work / "pipeline.yaml").write_text(PIPELINE + "generate: [{uses: slow}]\nsplit: {rephrased: 0}\n")
    calls = project.work / "calls"
    before = _count(calls, "track")
    path = os.pathsep.join(filter(None, [str(project.site), os.environ.get("PYTHONPATH", "")]))
    with subprocess.Popen(
        [*COMMAND, "run"], cwd=project.work, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not (_count(calls, "track") > before and sent(project)):
            time.sleep(0.02)
        try:
            yield process
        finally:
            process.kill()


def _count(path: Path, word: str) -> int:
    return path.read_text().count(word) if path.exists() else 0


def sent(project: Installed) -> bool:
    """Whether the generator's result for acme.send is kept."""
    return any("acme.send is a function" in path.read_text() for path in kept(project).glob("cache/*/[!.]*"))


def test_beside_a_run_at_work_nothing_is_freed(project: Installed) -> None:
    with waiting_run(project):
        rubbish(project, 1)
        before = tree(kept(project) / "cache")
        for option in ("--yes", "--dry-run"):
            done = project.docutune("clean", option)
            assert (done.returncode, done.stdout) == (1, "")
            assert "another docutune run is at work here" in done.stderr
        after = tree(kept(project) / "cache")  # the run that waits may have added to it since
        assert {name: after.get(name) for name in before} == before


@pytest.mark.parametrize("keep", [[], ["--keep", "1"]], ids=["all", "keep"])
def test_an_interrupted_run_goes_on_after_a_clean_as_before(project: Installed, keep: list[str]) -> None:
    for _ in range(2):  # the second one stops before it has made or named anything of its own
        with waiting_run(project) as process:
            process.send_signal(signal.SIGKILL)
        time.sleep(2.5)  # longer than modification times may be off
    (old,) = rubbish(project, 1)
    age(old)
    only_old = objects(project, *runs(project)[:2]) - objects(project, runs(project)[2])
    done = clean(project, "--yes", *keep)
    assert done["kinds"]["cache"]["count"] == 1 + (sum(name.startswith("cache/") for name in only_old) if keep else 0)
    assert not old.exists()
    assert len(runs(project)) == (3 if keep else 5)
    assert clean(project, "--yes", *keep)["bytes"] == 0
    (project.work / "mended").touch()
    project.answer("run")
    assert statuses(project)["parse"] == "reused"
    assert (project.work / "calls").read_text().split().count("acme.send") == 1


def test_killed_at_any_moment_it_leaves_every_run_whole(project: Installed, tmp_path: Path) -> None:
    draw = random.Random(7)
    rubbish(project, 1000)
    for number in range(600):
        (kept(project) / "runs" / runs(project)[0] / f"{number}.txt").touch()
    full = paths(project)
    shutil.copytree(kept(project), tmp_path / "full", symlinks=True)
    moments: Counter[str] = Counter()
    while moments["at work"] < 20:
        before = paths(project)
        killed = kill_while_cleaning(project, draw.random() < 0.8, 0.06 * draw.random() ** 3)
        left = paths(project)
        moments["at work" if killed else "at its end"] += 1
        moments["half way"] += killed and left != before
        folders = {name for name in left if re.fullmatch(r"(runs|datasets)/\w[^/]*", name)}
        assert [name for name in full - left if "/".join(name.split("/")[:2]) in folders] == []
        assert [name for run in runs(project) for name in named(project, run) if name not in left] == []
        if not killed or draw.random() < 0.3:
            shutil.rmtree(kept(project))
            shutil.copytree(tmp_path / "full", kept(project), symlinks=True)
    print(dict(moments))
    assert moments["half way"] >= 5
    clean(project, "--keep", "1", "--yes")
    assert counts(clean(project, "--keep", "1", "--yes")) == {}
    assert [row["id"] for row in project.answer("status")] == runs(project)
    assert len(runs(project)) == 1
    project.answer("run")
    assert set(statuses(project).values()) == {"reused"}


def paths(project: Installed) -> set[str]:
    return {str(path.relative_to(kept(project))) for path in kept(project).rglob("*")}


def kill_while_cleaning(project: Installed, freeing: bool, after: float) -> bool:
    """Kill a clean so many seconds after it took the lock, or after it began to free; whether it was still at work."""
    root = kept(project)
    (root / "run.lock").unlink(missing_ok=True)
    before = _names(root) if freeing else None
    with subprocess.Popen(
        [*COMMAND, "clean", "--keep", "1", "--yes"], cwd=project.work, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not (root / "run.lock").exists():
            time.sleep(0.001)
        while process.poll() is None and _names(root) == before:
            time.sleep(0.001)
        time.sleep(after)
        process.kill()
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode != 0


def _names(root: Path) -> set[str]:
    """What lies in the places that a clean empties first and last."""
    with contextlib.suppress(FileNotFoundError):  # one of them lost its name while it was looked at
        places = [*(root / "runs").glob("2*"), root / "cache/00"]
        return {path.name for place in places for path in place.iterdir()}
    return set()


def objects(project: Installed, *names: str) -> set[str]:
    return {line for run in names for line in (kept(project) / "runs" / run / "objects.txt").read_text().split()}


def named(project: Installed, run: str) -> list[str]:
    """Paths below .docutune/ that a run names."""
    folder = kept(project) / "runs" / run
    dataset = json.loads((folder / "manifest.json").read_text())["dataset"]
    used = [f"{area}/{key[:2]}/{key[2:]}" for area, key in (line.split("/") for line in objects(project, run))]
    return [*used, f"datasets/{dataset}/train.jsonl"]


def test_runs_that_do_not_say_what_they_used_keep_all(project: Installed) -> None:
    (kept(project) / "runs" / runs(project)[0] / "objects.txt").unlink()
    lost = rubbish(project, 1)
    done = clean(project, "--yes")
    assert counts(done) == {}
    assert done["notes"][0].startswith(f"run {runs(project)[0]} has no objects.txt")
    (kept(project) / "runs" / runs(project)[0] / "manifest.json").write_text("{")
    assert "has no manifest that this version reads" in clean(project, "--yes")["notes"][0]
    assert lost[0].exists()
    assert counts(clean(project, "--keep", "1", "--yes"))["runs"] == 2
    assert not lost[0].exists()


def test_it_asks_on_a_terminal_and_needs_a_word_without_one(project: Installed) -> None:
    lost = rubbish(project, 2)
    done = project.docutune("clean")
    assert (done.returncode, done.stdout) == (2, "")
    assert "add --yes or --dry-run" in done.stderr
    for answer, left in (("n", True), ("y", False)):
        ours, theirs = pty.openpty()
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [*COMMAND, "clean"], cwd=project.work, stdin=theirs, capture_output=True, text=True, timeout=180
        )
        os.close(ours)
        os.close(theirs)
        assert done.returncode == 0, done.stderr
        assert "would free 14 B:\n       14 B  2 cached items\n" in done.stdout
        assert lost[0].exists() == left


def test_runs_removed_by_hand_leave_the_index(project: Installed) -> None:
    gone = runs(project)[0]
    (kept(project) / "runs" / gone).rename(project.work / "elsewhere")
    assert [row["id"] for row in project.answer("status")] == runs(project)[::-1]
    done = clean(project, "--yes")
    assert done["kinds"]["index"]["names"] == [gone]
    assert counts(clean(project, "--yes")) == {}
