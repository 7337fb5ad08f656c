"""A project of documents alone, whose every section is asked about once, and the server that it asks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workspace import COMMAND, newest_run

sys.path.insert(0, str(Path(__file__).parent.parent))

from chat_server import Asked, ChatServer, Sent, said
from faults import Faults

__all__ = ["Asked", "ChatServer", "Faults", "Project", "Sent", "right"]
_PER_FILE = 50
_TEXT = (
    "Parcel number {number} goes from the harbour to the house on the hill and comes back within {number} days. The"
    " driver weighs it twice, writes the weight on the label and keeps a copy, so that whoever opens it later can see"
    " that nothing was taken out. It costs {number} crowns, and nobody pays twice for the same parcel."
)


def right(asked: Asked) -> Sent:
    """A good reply to the packaged prompt, another one for each section and always the same for one."""
    number = number_of(asked)
    answer = f"It goes to the house on the hill, costs {number} crowns and comes back within {number} days."
    questions = [f"What becomes of parcel {number}?", f"Where does the parcel with number {number} go?"]
    return said({"pairs": [{"questions": questions, "answer": answer}]})


def number_of(asked: Asked) -> int:
    """The number of the section that a request is about."""
    found = re.search(r"Parcel number (\d+) goes", asked.content)
    if found is None:
        raise ValueError(f"a prompt without its section: {asked.content}")
    return int(found[1])


class Project:
    """The documents, the pipeline file and what runs left there."""

    def __init__(self, folder: Path, server: ChatServer, sections: int, **options: Any) -> None:
        self.folder = folder
        self.options = {
            "model": "openai:tested",
            "base_url": server.url,
            "kinds": ["question-answer"],
            "phrasings": 2,
            "questions_per_section": 1,
            **options,
        }
        self.budget: dict[str, float] = {}
        (folder / "docs").mkdir(parents=True)
        for first in range(0, sections, _PER_FILE):
            numbers = range(first, min(first + _PER_FILE, sections))
            text = "".join(f"# Parcel {number:05}\n\n{_TEXT.format(number=number)}\n\n" for number in numbers)
            (folder / f"docs/from{first:05}.md").write_text(text)
        self.write()

    def write(self) -> None:
        """Write the pipeline file."""
        pipeline = {
            "version": 1,
            "project": "acme",
            "sources": [{"path": "docs"}],
            "generate": [{"uses": "langchain", "with": self.options}],
            "curate": [],
            "split": {"rephrased": 0, "validation": 0},
            **({"budget": self.budget} if self.budget else {}),
        }
        (self.folder / "pipeline.yaml").write_text(json.dumps(pipeline))

    def run(self) -> subprocess.CompletedProcess[str]:
        """`docutune run`, to its end."""
        command = [*COMMAND, "run", "--json"]
        return subprocess.run(command, cwd=self.folder, env=self.variables, capture_output=True, text=True)

    def begin(self) -> subprocess.Popen[bytes]:
        """`docutune run`, to be killed."""
        nowhere = subprocess.DEVNULL
        command = [*COMMAND, "run", "--json"]
        return subprocess.Popen(command, cwd=self.folder, env=self.variables, stdout=nowhere, stderr=nowhere)

    @property
    def variables(self) -> Mapping[str, str]:
        """Each process sees this environment."""
        return {**os.environ, "XDG_CACHE_HOME": str(self.folder / "home")}

    def samples(self) -> dict[str, str]:
        """Id -> task, of every sample of the newest run."""
        return {row["id"]: row["origin"]["task"] for row in self._rows("samples.jsonl")}

    def rejected(self) -> dict[str, str]:
        """Task -> the reason why it was left out."""
        return {row["subject"]: row["reason"] for row in self._rows("rejected.jsonl")}

    @property
    def replies(self) -> int:
        """The replies that are kept."""
        folder = self.folder / ".docutune/replies"
        return sum(1 for path in folder.glob("??/*") if not path.name.startswith("."))

    def _rows(self, name: str) -> list[dict[str, Any]]:
        path = newest_run(self.folder) / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
