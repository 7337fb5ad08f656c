"""A merged model, and what an exporter makes of it: built beside its place, compared with its source, then renamed."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune import atomic, model_names, models
from docutune.atomic import writing
from docutune.environment import absent
from docutune.errors import Cancelled, DocutuneError, PluginError, UsageError
from docutune.held import held, holding
from docutune.hubs import Hubs
from docutune.jobs import run_job
from docutune.model_registry import card
from docutune.model_registry.questions import questions_of
from docutune.named import described
from docutune.parity import BITS, Parity
from docutune.records import JsonValue, ModelRef, from_json, to_json
from docutune.registry import Registry
from docutune.workspace import Store

if TYPE_CHECKING:
    from docutune.model_names import Named
    from docutune.registry import Entry

PARITY = "parity.json"
PROVENANCE = "provenance.json"
_NEEDED = ("torch", "transformers", "peft", "accelerate")
_FACTS = ("name", "project", "docutune", "run", "key", "trainer", "base", "dataset", "options")


class Occupied(UsageError):
    """An earlier export stands where this one would."""


@dataclass(frozen=True)
class ExportRequest:
    """What to write where. `exporter` None is the merged model alone.

    `numbers` are those that weights are written in, None for the base's own; `base` names an unquantized base in place
    of the one that was trained on.
    """

    model: str | None = None
    exporter: str | None = None
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    output: Path | None = None
    numbers: str | None = None
    base: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What stands in `output` now; `advice` says how to use it, a line each."""

    model: str
    output: Path
    bytes: int
    numbers: str
    parity: Parity
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """The model to write: its folders, and what is known of where it comes from."""

    named: Named
    ref: ModelRef
    facts: Mapping[str, Any]

    @property
    def weights(self) -> Path:
        """The folder with the largest part of its weights."""
        whole = self.ref.adapter is not None and models.is_whole(self.ref.adapter)
        return self.ref.adapter if whole and self.ref.adapter is not None else self.ref.folder


def export(
    project: Path,
    store: Store,
    registry: Registry,
    request: ExportRequest,
    moved: Callable[[int, int | None], None],
    note: Callable[[str], None],
    abandoned: Callable[[], bool],
) -> Exported:
    """See api.Models.export."""
    source = _find(project, store, registry, request)
    entry = registry.get("exporter", request.exporter) if request.exporter else None
    options = _options(entry, request.options)
    _refuse_incomplete(entry, source.named)
    _refuse_quantized(source)
    output = _output(project, source.named, request)
    for told in _warnings(source):
        note(told)
    numbers = request.numbers or numbers_of(source.weights)
    questions = questions_of(store, str(source.facts.get("dataset", "")))
    with _working(output) as work, _job(store) as job:
        spec: dict[str, JsonValue] = {
            "model": to_json(source.ref),
            "work": str(work),
            "folder": str(work / "result"),
            "output": str(output),
            "numbers": numbers,
            "weights": _bytes(source.weights, numbers),
            "questions": [to_json(messages) for messages in questions.conversations],
            "exporter": request.exporter,
            "config": options,
        }
        facts = entry.facts if entry else None
        python = source.named.runtime.python
        result = run_job("export", spec, job, _listener(moved, note), python, facts, abandoned)
        parity = from_json(Parity, {**result["parity"], "held_out": questions.held_out})
        with writing(work):
            _describe(work / "result", source, numbers, parity, request.exporter or "merge")
            _let_read(work / "result")
            atomic.publish_folder(work / "result", output)
    return Exported(source.named.name, output, atomic.size(output), numbers, parity, tuple(result["advice"]))


def numbers_of(folder: Path) -> str:
    """In which numbers a model's weights lie on the disk; float32 where its config does not say."""
    config = _json(folder / "config.json")
    named = str(config.get("dtype") or config.get("torch_dtype") or "float32")
    return named if named in BITS else "float32"


def _find(project: Path, store: Store, registry: Registry, request: ExportRequest) -> _Source:
    named = model_names.find(request.model, None, model_names.Place(store, registry, Path.cwd()))
    ref, adapter = named.ref, named.ref.adapter
    if adapter is None:
        raise UsageError(f"{named.name} is a base model: nothing was trained that could be merged", "name a training")
    if request.base is not None:
        base = Hubs(registry).resolve(request.base, Path.cwd())
        ref = ModelRef(base.folder, base.digest, adapter)
    facts = described(store.model_folder(named.key)) if named.key else {}
    return _Source(named, ref, facts or _json(adapter / PROVENANCE))


def _options(entry: Entry | None, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The exporter's options as its worker takes them; UsageError names every one that is wrong."""
    from pydantic import ValidationError

    if entry is None:
        return {}
    try:
        config = entry.registration.config.model_validate(dict(given))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise UsageError(f"{entry}: {wrong}", f"docutune plugins info {entry.name} shows its options") from None
    return dict(config.model_dump(mode="json"))


def _refuse_incomplete(entry: Entry | None, named: Named) -> None:
    if named.runtime.python is not None:
        return  # that environment is asked when its worker starts
    if entry is not None and (lacks := entry.lacks()):
        raise PluginError(lacks)
    if missing := absent(_NEEDED):
        raise PluginError(f"to merge a model takes {', '.join(missing)}", "pip install 'docutune[trl]'")


def _refuse_quantized(source: _Source) -> None:
    """Never into quantized weights: what an adapter adds is smaller than the steps between their numbers."""
    held_as = _json(source.weights / "config.json").get("quantization_config")
    if held_as is not None:
        method = held_as.get("quant_method") if isinstance(held_as, dict) else None
        raise DocutuneError(
            f"{source.weights}: these weights are quantized{f' ({method})' if method else ''}, and an adapter goes into"
            " full precision only",
            "name the model that they were made from, as a folder or hub name: --base NAME",
        )


def _output(project: Path, named: Named, request: ExportRequest) -> Path:
    """Where it will stand; UsageError when something stands there that must not go."""
    default = project / "exports" / f"{Path(named.name).name}-{request.exporter or 'merged'}"
    output = (request.output or default).expanduser().absolute()
    if not output.exists() and not output.is_symlink():
        return output
    if not output.is_dir() or output.is_symlink():
        raise UsageError(f"{output} is no folder", "name another place with --output")
    if any(output.iterdir()):
        if not (output / PARITY).is_file():
            raise UsageError(f"{output} holds something that is no export", "name another folder with --output")
        if not request.force:
            raise Occupied(f"{output} is there already", "--force replaces it; --output names another folder")
    return output


def _warnings(source: _Source) -> Iterator[str]:
    held_in = (source.facts.get("options") or {}).get("quantization")
    if held_in in ("nf4", "int8"):
        yield (
            f"it was trained and measured on a base held in {held_in}; here it goes into the base at full precision, "
            "which may answer a little otherwise"
        )


@contextmanager
def _working(output: Path) -> Iterator[Path]:
    """A private folder beside the output, gone in the end; those that killed exports left are removed."""
    with writing(output):
        atomic.make_folder(output.parent)
        for left in output.parent.glob(f".{output.name}.????????.tmp"):
            if not held(left):
                shutil.rmtree(left, ignore_errors=True)
        work = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}.tmp")
        (work / "result").mkdir(parents=True)
    try:
        with holding(work):
            yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _job(store: Store) -> Iterator[Path]:
    """The worker's folder. After a failure its log stays, for the error names it."""
    store.create()
    folder = store.folder / "sessions" / f"export-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with writing(folder):
        folder.mkdir(parents=True)
    with holding(folder):
        try:
            yield folder
        except Cancelled:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    shutil.rmtree(folder, ignore_errors=True)


def _listener(
    moved: Callable[[int, int | None], None], note: Callable[[str], None]
) -> Callable[[Mapping[str, JsonValue]], None]:
    def listen(event: Mapping[str, JsonValue]) -> None:
        if event["event"] == "note":
            note(str(event["text"]))
        elif event["event"] == "progress":
            done, total = event["done"], event["total"]
            assert isinstance(done, int)
            moved(done, total if isinstance(total, int) else None)

    return listen


def _describe(folder: Path, source: _Source, numbers: str, parity: Parity, form: str) -> None:
    """The card, where it comes from, and the comparison."""
    facts = {name: source.facts[name] for name in _FACTS if name in source.facts}
    told = {"outcome": parity.outcome, **asdict(parity)}
    atomic.write_text(folder / PARITY, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    atomic.write_text(folder / PROVENANCE, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    text = card.write(source.named, facts, numbers, parity, form)
    atomic.write_text(folder / "README.md", text)


def _let_read(folder: Path) -> None:
    """Whoever may read what this user writes may read the weights, too: their library makes files for one user."""
    readme = (folder / "README.md").stat().st_mode & 0o777
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(readme)


def _bytes(folder: Path, numbers: str) -> int:
    """What the weights will take."""
    stored = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return stored * BITS[numbers] // BITS[numbers_of(folder)]


def _json(path: Path) -> dict[str, Any]:
    """A JSON object of a model's; empty where there is none that can be read: whoever loads it tells of it."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
