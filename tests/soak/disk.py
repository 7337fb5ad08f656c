"""A small disk that is filled until each publishing point of a run fails; then it has room again, and the run goes on.

The disk is a tmpfs, mounted in a mount namespace of this program's own: by root, or by anybody in a user namespace.
Commands run in forks of this process, which has loaded what they need once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from workspace import SITE, figures, make_project, objects

INSIDE = "SOAK_DISK"
PAGE = 4096
DISK = 16 * 2**20
TINY_PAGES = 700  # half of what builtin/tiny needs
_LAST_CHILD_SECONDS = 30.0
_NEEDED = ("cli.app", "api", "execute", "reporting", "planning", "report.pages", "sensitive.known")
Command: TypeAlias = tuple[str, ...]
RUN: Command = ("run",)
DATA: Command = ("run", "--until", "dataset")
TINY: Command = ("run", "--until", "base", "--set", "train[0].with.model=builtin/tiny")
CHAT: Command = ("chat", "again")
PIPELINE = """version: 1
project: acme
sources: [{path: guide.md}, {path: acme.py}]
split: {rephrased: 1.0}
train: [{name: smoke, uses: tape, with: {model: ./base, max_steps: 4}}]
runtime: {uses: tape}
evaluate: [{uses: tape}]
"""
TAPE = '''"""A trainer that writes a file, a runtime that repeats and an evaluator that counts: quick, without torch."""

from pathlib import Path
from docutune import Registration, TrainingConfig, hookimpl
from docutune.records import Answer, Measure, ModelRef, Probe
from pydantic import BaseModel, ConfigDict

class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Trainer:
    def __init__(self, config): pass
    def train(self, train, validation, base, context):
        for step in range(4):
            print("step", step)
            context.progress(step + 1, 4, loss=1.0)
        adapter = context.folder / "adapter"
        adapter.mkdir()
        for name in ("adapter_config.json", "template.json"):
            (adapter / name).write_text("{}")
        (adapter / "adapter_model.safetensors").write_bytes(bytes(60000))
        return ModelRef(base.folder, base.digest, adapter)

class Runtime:
    def __init__(self, config): pass
    def open(self, model): return self
    def answer(self, probes, variant):
        for probe in probes:
            yield Answer(probe.id, variant, probe.messages[-1].content if variant == "tuned" else "no", True)
    def stream(self, messages, variant, sampling): yield "you said " + messages[0].content
    def close(self): pass

class Evaluator:
    def __init__(self, config): pass
    def probes(self, held_out, library):
        for made in held_out: yield Probe(made.sample.id, made.sample.messages[:-1])
    async def measure(self, answers, held_out, library, context):
        return [Measure("length", answer.probe, answer.variant, float(len(answer.text))) for answer in answers]

@hookimpl
def docutune_evaluators():
    return [Registration("tape", 1, "Counts", Nothing, "tape:Evaluator")]

@hookimpl
def docutune_trainers():
    return [Registration("tape", 1, "Writes a file", TrainingConfig, "tape:Trainer")]

@hookimpl
def docutune_runtimes():
    return [Registration("tape", 1, "Repeats", Nothing, "tape:Runtime")]
'''
REFUSED = re.compile(
    r"error: /\S+: (cannot write [\d,]+ bytes: (No space left on device|Read-only file system)"
    r"|database or disk is full|unable to open database file|disk I/O error|attempt to write a readonly database)"
)
_PLACES = (
    "cache|results|datasets|models|sessions|chats|notebook|catalog|tensorboard|api.json|samples.jsonl|report|manifest|objects"
    "|pipeline.yaml|spec.json|jobs|events|log.txt|latest|runs|lock"
)


@dataclass
class Tally:
    """What was done and found. `points` counts by kind which write was refused."""

    refusals: int = 0
    finished: int = 0
    points: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        points = ", ".join(f"{count} {name}" for name, count in self.points.most_common())
        return (
            f"full disk: {self.refusals} commands refused at {len(self.points)} kinds of places ({points}),"
            f" {self.finished} then went on to the end; {len(self.wrong)} wrong"
        )


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Made:
    """What a command makes of the former state where there is room, and how many pages it takes."""

    objects: dict[str, str]
    figures: object
    pages: int


@dataclass(frozen=True)
class Disk:
    """The small disk, and a former state to put on it."""

    mount: Path
    former: Path
    made: dict[Command, Made] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        """Where the project stands on the small disk."""
        return self.mount / "acme"

    def reset(self) -> None:
        """The former state, and nothing else."""
        for path in self.mount.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.former, self.project, symlinks=True)

    def fill(self, pages: int) -> None:
        """Leave that many pages free."""
        free = shutil.disk_usage(self.mount).free // PAGE - pages
        with (self.mount / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free) * PAGE)

    def use_up_names(self, left: int) -> None:
        """Leave room for that many more files and folders."""
        folder = self.mount / "names"
        folder.mkdir()
        for number in range(os.statvfs(self.mount).f_favail - left):
            (folder / str(number)).touch()

    def free(self) -> None:
        """Give the space back."""
        (self.mount / "filler").unlink(missing_ok=True)
        shutil.rmtree(self.mount / "names", ignore_errors=True)

    def remount(self, how: str) -> None:
        """Read-only ("ro") or not ("rw"). Refused while a child of the last command has a file open here."""
        command = ["mount", "-o", f"remount,{how}", self.mount]
        until = time.monotonic() + _LAST_CHILD_SECONDS
        while time.monotonic() < until:
            if subprocess.run(command, capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        subprocess.run(command, check=True)


# ---- commands


def docutune(project: Path, *arguments: str) -> Said:
    """A command of docutune in a fork of this process."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        pid = os.fork()
        if pid == 0:
            _become(project, arguments, out.fileno(), err.fileno())
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        err.seek(0)
        return Said(os.waitstatus_to_exitcode(status), out.read(), err.read())


def _become(project: Path, arguments: Sequence[str], out: int, err: int) -> None:
    code = 70
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(project)
        from docutune.cli import main

        code = main(list(arguments))
        sys.stdout.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


# ---- the former state


def prepare(folder: Path, mount: Path) -> Disk:
    """A finished run, a question in the notebook, an edited document; and what a run makes of it with room enough."""
    former = make_project(folder / "former", PIPELINE, "tape", TAPE)
    sys.path.insert(0, str(former / SITE))
    os.environ |= {"PYTHONPATH": os.pathsep.join(sys.path), "XDG_CACHE_HOME": str(folder / "home")}
    for module in _NEEDED:
        import_module(f"docutune.{module}")
    (former / "base").mkdir()
    (former / "base/config.json").write_text("{}")
    (former / "base/model.safetensors").write_bytes(b"weights")
    for command in (["run"], ["chat", "hello"]):
        done = docutune(former, *command)
        if done.code != 0:
            raise SystemExit(f"docutune {command} failed where there is room:\n{done.err}")
    guide = former / "guide.md"
    guide.write_text(guide.read_text() + "\nParcels may be returned within thirty days, in the box they came in.\n")
    code = former / "acme.py"
    code.write_text(code.read_text() + '\n\ndef refund():\n    """Pay back what a lost parcel was worth."""\n')
    disk = Disk(mount, former)
    for command in (DATA, RUN):
        disk.made[command] = _make(disk, command)
    return disk


def _make(disk: Disk, command: Command) -> Made:
    disk.reset()
    before = shutil.disk_usage(disk.mount).used
    done = docutune(disk.project, *command)
    if done.code != 0:
        raise SystemExit(f"docutune {command} failed where there is room:\n{done.err}")
    pages = (shutil.disk_usage(disk.mount).used - before) // PAGE
    return Made(objects(disk.project), figures(disk.project), pages)


# ---- what must hold


def refuse_and_go_on(
    disk: Disk, tally: Tally, command: Command, what: str, narrow: Callable[[], None], free: Callable[[], None]
) -> None:
    """Narrow the disk, give the command; where it is refused look, free the disk, and give it again."""
    disk.reset()
    narrow()
    done = docutune(disk.project, *command)
    if done.code == 0:
        return free()
    tally.refusals += 1
    problems = [*_one_line(done, tally), *_former_state(disk)]
    free()
    again = docutune(disk.project, *command)
    tally.finished += again.code == 0
    problems += _went_on(disk, again, command)
    tally.wrong += [f"{' '.join(command)}, {what}: {problem}" for problem in problems]
    return None


def _one_line(done: Said, tally: Tally) -> list[str]:
    """Exit code 1, no traceback, one line with the path and the bytes."""
    found = REFUSED.search(done.err)
    if done.code != 1 or found is None or "Traceback" in done.err or done.err.count("error: ") != 1:
        return [f"code {done.code}: {done.err[-1500:]}"]
    path = found[0].split(": ")[1]
    tally.points[(re.findall(_PLACES, path.partition(".docutune")[2]) or ["workspace"])[-1]] += 1
    return []


def _former_state(disk: Disk) -> list[str]:
    """While the disk is full, all that was there can be read, and is what it was."""
    found = []
    old, new = disk.former / ".docutune", disk.project / ".docutune"
    for path in old.rglob("*"):
        name = path.relative_to(old)
        if path.is_file() and name.parts[:2] != ("runs", "latest") and name.name != "catalog.sqlite":
            there = (new / name).is_file() and (new / name).read_bytes() == path.read_bytes()
            found += [] if there else [f"{name} is not what it was"]
    status = docutune(disk.project, "status", "--json")
    rows = json.loads(status.out) if status.code == 0 else []
    if not rows or rows[-1]["outcome"] != "finished" or any(row["outcome"] == "running" for row in rows):
        found.append(f"status: {status.code} {rows} {status.err}")
    history = docutune(disk.project, "chat", "--history", "--json")
    asked = [item["question"] for item in json.loads(history.out)] if history.code == 0 else []
    if asked != ["hello"]:
        found.append(f"chat --history: {asked} {history.err}")
    return found


def _went_on(disk: Disk, again: Said, command: Command) -> list[str]:
    if again.code != 0:
        return [f"with room again: {again.err[-1500:]}"]
    if made := disk.made.get(command):
        differ = objects(disk.project).items() ^ made.objects.items()
        return [f"other objects: {sorted(differ)}"] if differ or figures(disk.project) != made.figures else []
    asked = json.loads(docutune(disk.project, "chat", "--history", "--json").out)
    expected = ["hello", "again"] if command == CHAT else ["hello"]
    return [] if [item["question"] for item in asked] == expected else [f"notebook: {asked}"]


# ---- the sweeps


def narrow_pages(disk: Disk, tally: Tally, command: Command, pages: Iterable[int]) -> None:
    """Give the command with so many pages free, one number after the other."""
    for number in pages:
        refuse_and_go_on(disk, tally, command, f"{number} pages free", partial(disk.fill, number), disk.free)


def narrow_names(disk: Disk, tally: Tally, command: Command, names: Iterable[int]) -> None:
    """Give the command with room for so many files and folders, one number after the other."""
    for number in names:
        refuse_and_go_on(disk, tally, command, f"{number} names free", partial(disk.use_up_names, number), disk.free)


def read_only(disk: Disk, tally: Tally, command: Command) -> None:
    """Give the command on a disk that takes nothing."""
    lock, unlock = partial(disk.remount, "ro"), partial(disk.remount, "rw")
    refuse_and_go_on(disk, tally, command, "read-only", lock, unlock)


def sweep(disk: Disk, tally: Tally) -> None:
    """Every number of free pages, and many of free names."""
    narrow_pages(disk, tally, RUN, range(disk.made[RUN].pages + 1))
    narrow_pages(disk, tally, CHAT, range(12))
    narrow_names(disk, tally, RUN, range(0, 120, 2))
    narrow_pages(disk, tally, TINY, [TINY_PAGES])


def samples(disk: Disk, tally: Tally) -> None:
    """Some of these, the cheap ones first."""
    data, run = disk.made[DATA].pages, disk.made[RUN].pages
    narrow_pages(disk, tally, DATA, range(0, data, max(1, data // 5)))
    narrow_pages(disk, tally, RUN, range(data - 4, run, max(1, (run - data) // 3)))
    narrow_pages(disk, tally, CHAT, (3,))
    narrow_names(disk, tally, DATA, (0, 20))


def main(is_short: bool, seed: int) -> list[str]:
    """Run one form inside a namespace of its own, print its counts, and return what is wrong."""
    if os.environ.get(INSIDE) != "1":
        return _inside(is_short)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        mount = Path(folder, "disk")
        mount.mkdir()
        size = f"size={DISK},nr_inodes=1000"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "soak", mount], check=True)
        try:
            tally = Tally()
            disk = prepare(Path(folder), mount)
            (samples if is_short else sweep)(disk, tally)
            for command in (DATA, CHAT):
                read_only(disk, tally, command)
        finally:
            subprocess.run(["umount", "--lazy", mount], check=True)
    print(tally, flush=True)
    return tally.wrong


def _inside(is_short: bool) -> list[str]:
    """This part again, where it may mount: as root in a namespace of mounts, else in one of users, too."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    short = ["--short"] if is_short else []
    command = ["unshare", *user, "--mount", sys.executable, str(Path(__file__).parent), "disk", *short]
    done = subprocess.run(command, env={**os.environ, INSIDE: "1"})
    return [] if done.returncode == 0 else ["the part inside the namespace said so above"]
