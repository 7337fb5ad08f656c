"""Runs that ask a chat model are killed; what was received is never asked for again, and the samples are the same."""

from __future__ import annotations

import math
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from sections import Asked, ChatServer, Project, Sent, right

CONCURRENCY = 8
_PATIENCE = 120.0


class Slow:
    """A script for ChatServer that answers some requests; the rest hangs, so that no run ends before it is killed."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.server: ChatServer | None = None
        self.stop: float = math.inf

    def __call__(self, asked: Asked) -> Sent:
        """Answer, or keep the client waiting."""
        assert self.server is not None
        if len(self.server.asked) > self.stop:
            return Sent(hang=True)
        return replace(right(asked), delay=self._chance.uniform(0, 0.1))


def main(is_short: bool, seed: int) -> list[str]:
    """Run one form, print its counts, and return what is wrong."""
    sections, kills = (100, 5) if is_short else (2000, 200)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        expected = _uninterrupted(Path(folder, "whole"), sections)
        script = Slow(chance)
        with ChatServer(script) as server:
            script.server = server
            project = Project(Path(folder, "killed"), server, sections, concurrency=CONCURRENCY)
            lost = [_kill(project, server, script, chance, sections / kills) for _ in range(kills)]
            script.stop = math.inf
            done = project.run()
            made = project.samples().keys() if done.returncode == 0 else set[str]()
            print(
                f"replies: {kills} kills over {sections} sections at concurrency {CONCURRENCY}: {len(server.asked)}"
                f" requests, {len(server.asked) - sections} of them again ({max(lost)} at most after one kill);"
                f" {len(made)} samples, {len(made ^ expected)} unlike those of a run that nobody killed",
                flush=True,
            )
            wrong = [f"{again} replies were lost by one kill" for again in lost if again > CONCURRENCY]
            if len(server.asked) > sections + CONCURRENCY * kills:
                wrong.append(f"{len(server.asked)} requests for {sections} sections and {kills} kills")
            if made != expected:
                wrong.append(f"{len(made ^ expected)} samples are not those of a run that nobody killed: {done.stderr}")
            return wrong


def _uninterrupted(folder: Path, sections: int) -> set[str]:
    """The ids of the samples of a run that nobody kills."""
    with ChatServer(right) as server:
        project = Project(folder, server, sections, concurrency=CONCURRENCY)
        done = project.run()
        if done.returncode != 0 or len(server.asked) != sections:
            raise SystemExit(f"the run that nobody killed asked {len(server.asked)} times:\n{done.stderr}")
        return set(project.samples())


def _kill(project: Project, server: ChatServer, script: Slow, chance: random.Random, share: float) -> int:
    """One run, killed at a random moment after a few requests; how many of those will be asked again."""
    kept, before = project.replies, len(server.asked)
    script.stop = before + chance.randint(1, max(1, int(1.5 * share)))
    with project.begin() as process:
        deadline = time.monotonic() + _PATIENCE
        while process.poll() is None and len(server.asked) < script.stop and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.15))
        process.kill()
    return server.settled() - before - (project.replies - kept)
