"""Models written for other tools from a page: one at a time, in a thread that no page owns, and what was written."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from docutune.atomic import size
from docutune.desk.roots import inside
from docutune.errors import Cancelled, DocutuneError, UsageError
from docutune.model_registry.api import Models
from docutune.model_registry.exporting import PARITY, PROVENANCE, Exported, ExportRequest, Occupied
from docutune.records import JsonValue

FOLDER = "exports"
"""Below the workspace: all that a page writes for others stands there."""

Phase: TypeAlias = Literal["none", "working", "stopping", "finished", "failed", "stopped"]

log = logging.getLogger("docutune.desk")


@dataclass(frozen=True, slots=True)
class Wish:
    """What to write: as ExportRequest, but `folder` is a name below exports/, "" for the usual one."""

    model: str
    exporter: str | None = None
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    folder: str = ""
    numbers: str | None = None
    base: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Writing:
    """The export at work, or the last one; steps `done` of `total`, both 0 before the first is done."""

    phase: Phase
    wish: Wish | None = None
    since: datetime | None = None
    until: datetime | None = None
    done: int = 0
    total: int = 0
    notes: tuple[str, ...] = ()
    result: Exported | None = None
    error: DocutuneError | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An export that stands in exports/: how its answers compare with those of its source (see parity.Parity).

    `logits` is None where nothing could be compared, `key` that of the model it was made from, "" where it has none.
    """

    folder: str
    model: str
    key: str
    outcome: str
    questions: int
    equal: int
    logits: float | None
    made: datetime
    bytes: int


class Exports:
    """Begins exports, tells of them to any page, and ends them with the server."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._lock = threading.Lock()
        self._state = Writing("none")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> Writing:
        """The export at work, or the last one of this process."""
        with self._lock:
            return self._state

    def start(
        self, model: str, exporter: str | None = None, options: Mapping[str, JsonValue] | None = None, **more: Any
    ) -> None:
        """Begin in a thread of its own; `more` are the other fields of Wish.

        UsageError while another one is at work, or for a folder that is not below exports/.
        """
        wish = Wish(model, exporter, options or {}, **more)
        request = self._request(wish)
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise UsageError("another export is at work", "wait for its end, or stop it")
            self._stop = threading.Event()
            self._state = Writing("working", wish, datetime.now(UTC))
            self._thread = threading.Thread(
                target=self._write, args=(request, self._stop), name="docutune-export", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Have the export at work end, and wait for that; it leaves nothing behind."""
        with self._lock:
            thread = self._thread
            if self._state.phase == "working":
                self._state = replace(self._state, phase="stopping")
            self._stop.set()
        if thread is not None:
            thread.join()

    def found(self) -> list[Found]:
        """What stands in exports/, the newest first."""
        folder = self._models.project / FOLDER
        made = [_found(path) for path in folder.iterdir()] if folder.is_dir() else []
        return sorted((item for item in made if item is not None), key=lambda item: item.made, reverse=True)

    def _request(self, wish: Wish) -> ExportRequest:
        output = None
        if wish.folder.strip():
            root = self._models.project / FOLDER
            output = inside(self._models.project, f"{FOLDER}/{wish.folder.strip()}")
            if not output.is_relative_to(root.resolve()) or output == root.resolve():
                raise UsageError(f"{wish.folder!r} is no folder below {FOLDER}/", "give it a name of its own")
        return ExportRequest(
            wish.model, wish.exporter, wish.options, output, wish.numbers or None, wish.base or None, wish.force
        )

    def _write(self, request: ExportRequest, stop: threading.Event) -> None:
        try:
            done = self._models.export(request, self._moved, self._noted, stop.is_set)
        except Cancelled:
            self._ended(phase="stopped")
        except Occupied as error:
            hint = "have the earlier export replaced, or name another folder"
            self._ended(phase="failed", error=UsageError(error.message, hint))
        except DocutuneError as error:
            self._ended(phase="failed", error=error)
        except Exception as error:
            log.error("an export failed", exc_info=error)
            self._ended(
                phase="failed",
                error=DocutuneError(f"the export failed: {error!r}", "the terminal of the server says more"),
            )
        else:
            self._ended(phase="finished", result=done)

    def _moved(self, done: int, total: int | None) -> None:
        self._change(done=done, total=total or 0)

    def _noted(self, text: str) -> None:
        self._change(notes=(*self.state.notes, text))

    def _ended(self, **changes: Any) -> None:
        self._change(until=datetime.now(UTC), **changes)

    def _change(self, **changes: Any) -> None:
        with self._lock:
            self._state = replace(self._state, **changes)


def _found(folder: Path) -> Found | None:
    """None for what is no export."""
    told, facts = _json(folder / PARITY), _json(folder / PROVENANCE)
    if folder.name.startswith(".") or "outcome" not in told:
        return None
    logits = told.get("logits")
    return Found(
        folder.name,
        str(facts.get("name", "")),
        str(facts.get("key", "")),
        str(told["outcome"]),
        int(told.get("questions", 0)),
        int(told.get("equal", 0)),
        float(logits) if isinstance(logits, (int, float)) else None,
        datetime.fromtimestamp((folder / PARITY).stat().st_mtime, UTC),
        size(folder),
    )


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none that can be read."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
