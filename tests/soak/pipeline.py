"""A pipeline run is killed at every edge of a step and at random moments; the same command goes on to the same end."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workspace import (
    Killed,
    Moment,
    docutune,
    figures,
    make_project,
    newest_run,
    objects,
    planned,
    processes,
    run,
    survivors,
)

_TRIES = 5


@dataclass(frozen=True)
class Reference:
    """What an uninterrupted run made; `edges` are the seconds from its start to each edge, `seconds` to its end."""

    objects: dict[str, str]
    figures: Any
    edges: tuple[float, ...]
    seconds: float


@dataclass
class Tally:
    """What was done and found. `losses` is empty when all is well."""

    at_edges: int = 0
    at_moments: int = 0
    too_late: int = 0
    chains: int = 0
    objects: int = 0
    with_workers: int = 0
    losses: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"pipeline: {self.at_edges + self.at_moments} kills ({self.at_edges} at edges of steps, {self.at_moments}"
            f" at random moments; {self.with_workers} with a worker at its work), {self.too_late} came too late and"
            f" were repeated; {self.chains} chains of runs went on to the end, {self.objects} objects compared;"
            f" {len(self.losses)} losses"
        )


def reference(folder: Path) -> Reference:
    """One run that nobody kills."""
    project = make_project(folder)
    began = time.time()
    done = run(project)
    seconds = time.time() - began
    if done.code != 0:
        raise SystemExit(f"the run that nobody killed failed:\n{done.errors}")
    return Reference(objects(project), figures(project), tuple(at - began for at in done.edges), seconds)


def moments(found: Reference, count: int, seed: int) -> list[Moment]:
    """Random moments, spread evenly over the duration of the run."""
    chance = random.Random(seed)
    share = found.seconds / count
    times = [(number + chance.random()) * share for number in range(count)]
    return [_moment(at, found.edges) for at in times]


def _moment(at: float, edges: Sequence[float]) -> Moment:
    edge = sum(time <= at for time in edges)
    return Moment(edge, at - (edges[edge - 1] if edge else 0.0))


def chain(folder: Path, kills: Sequence[Moment], tally: Tally, seen: list[dict[str, str]]) -> Path:
    """Kill the run at each moment and give the command again, from one workspace to the next state of it."""
    project = make_project(folder)
    before: Killed | None = None
    for moment in kills:
        killed = _kill(project, moment, tally)
        if before is not None:
            _nothing_is_left(before, tally)
        if killed is not None:
            tally.with_workers += any("docutune.worker" in line for line in processes(killed.marker))
            _status_is_true(project, killed, moment.delay == 0, tally)
            seen.append(objects(project))
        before = killed
    _goes_on_to_the_end(project, before, tally)
    return project


def _kill(project: Path, moment: Moment, tally: Tally) -> Killed | None:
    """A run that was killed before its end; one that ended before its moment starts anew from nothing, sooner."""
    for attempt in range(_TRIES):
        killed = run(project, Moment(moment.edge, moment.delay * (1 - attempt / _TRIES)))
        if killed.code == -9:
            if moment.delay:
                tally.at_moments += 1
            else:
                tally.at_edges += 1
            return killed
        if killed.code != 0:
            tally.losses.append(f"{moment}: a run could not go on: {killed.errors}")
            return None
        tally.too_late += 1
        shutil.rmtree(project / ".docutune")
    tally.losses.append(f"{moment}: never hit a run at work")
    return None


def _status_is_true(project: Path, killed: Killed, exact: bool, tally: Tally) -> None:
    """After a kill the newest run is interrupted, in the step whose start was told and whose end was not."""
    done = docutune(project, "status", "--json")
    rows = json.loads(done.stdout) if done.returncode == 0 else []
    outcomes = [row["outcome"] for row in rows]
    wrong = done.returncode != 0 or "running" in outcomes
    if killed.edges and not wrong:
        current = json.loads(docutune(project, "status", "latest", "--json").stdout).get("current")
        inside = len(killed.edges) % 2 == 1
        wrong = outcomes[0] != _outcome(project) or (exact and (current is not None) != inside)
    if wrong:
        tally.losses.append(f"status after a kill with {len(killed.edges)} edges: {done.stderr} {rows[:1]}")


def _outcome(project: Path) -> str:
    """How the newest run ended by its own word; one that said nothing was interrupted."""
    manifest = json.loads((newest_run(project) / "manifest.json").read_text())
    return "interrupted" if manifest["outcome"] == "running" else str(manifest["outcome"])


def _nothing_is_left(killed: Killed, tally: Tally) -> None:
    tally.losses += [f"left behind: {line}" for line in survivors(killed.marker)]


def _goes_on_to_the_end(project: Path, before: Killed | None, tally: Tally) -> None:
    """The same command, this time to the end; nothing of any run is left, and the status says so."""
    last = run(project)
    if last.code != 0:
        tally.losses.append(f"the last run of a chain failed: {last.errors}")
    for ended in (before, last):
        if ended is not None:
            _nothing_is_left(ended, tally)
    rows = json.loads(docutune(project, "status", "--json").stdout)
    said = [row["outcome"] for row in rows]
    if said[0] != "finished" or "running" in said:
        tally.losses.append(f"status at the end of a chain: {said}")
    tally.chains += 1


def compare(found: Reference, project: Path, seen: Sequence[dict[str, str]], tally: Tally) -> None:
    """The end of a chain holds what the reference holds; on the way no other object was ever published."""
    last = objects(project)
    for name in sorted(found.objects.keys() | last.keys()):
        tally.objects += 1
        if found.objects.get(name) != last.get(name):
            tally.losses.append(f"{name}: {last.get(name)} instead of {found.objects.get(name)}")
    for state in seen:
        for name, digest in state.items():
            tally.objects += 1
            if found.objects.get(name) != digest:
                tally.losses.append(f"{name}: {digest} after a kill, instead of {found.objects.get(name)}")
    if figures(project) != found.figures:
        tally.losses.append("the figures differ")


def short(folder: Path, seed: int) -> Tally:
    """Every edge and a few random moments in one chain, beside the run that nobody kills."""
    tally, seen = Tally(), list[dict[str, str]]()
    chance = random.Random(seed)
    with ThreadPoolExecutor() as pool:
        uninterrupted = pool.submit(reference, folder / "reference")
        last = 2 * len(planned(make_project(folder / "planned")))
        kills = [Moment(edge, 0.0) for edge in range(1, last + 1)]
        kills += [Moment(edge, chance.uniform(0.05, 3.0)) for edge in (last - 5, last - 3)]
        kills.sort(key=lambda moment: (moment.edge, moment.delay))
        project = chain(folder / "killed", kills, tally, seen)
        found = uninterrupted.result()
    _every_edge(found, tally)
    compare(found, project, seen, tally)
    return tally


def long(folder: Path, seed: int, count: int = 50, chains: int = 5) -> Tally:
    """Every edge in one chain, then `count` random moments in `chains` chains that each go through the whole run."""
    tally = Tally()
    found = reference(folder / "reference")
    edges = [Moment(number, 0.0) for number in range(1, len(found.edges) + 1)]
    chosen = moments(found, count, seed)
    for number, kills in enumerate([edges, *(chosen[start::chains] for start in range(chains))]):
        seen: list[dict[str, str]] = []
        project = chain(folder / f"chain-{number}", kills, tally, seen)
        compare(found, project, seen, tally)
        print(f"  {tally}", flush=True)
    _every_edge(found, tally)
    return tally


def _every_edge(found: Reference, tally: Tally) -> None:
    if tally.at_edges != len(found.edges):
        tally.losses.append(f"{tally.at_edges} edges were hit, the run has {len(found.edges)}")


def main(is_short: bool, seed: int) -> list[str]:
    """Run one form, print its counts, and return the losses."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        tally = (short if is_short else long)(Path(folder), seed)
    print(tally, flush=True)
    return tally.losses
