"""Writes a commented pipeline file from the choices."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from docutune import atomic
from docutune.config import load
from docutune.config.binding import DEFAULTS
from docutune.config.yaml_lines import read_value
from docutune.errors import DocutuneError, UsageError
from docutune.registry import Registry
from docutune.scaffold.suggest import SMALL_MODEL
from docutune.scaffold.templates import LIBRARY, QA, TEMPLATES, TO_COME
from docutune.scaffold.tree import Source
from docutune.scaffold.words import COMMENTS
from docutune.training import TINY

_COLUMN = 42
_PLAIN = re.compile(r"\w[\w./ -]*[\w/]|[\w.]")


@dataclass(frozen=True, slots=True)
class Choices:
    """What to write: `languages` are "en", "zh" or both; without `model` only the dataset is made.

    `folder` is what the sources' paths are relative to. `more` are trained in the same run, one after the other.
    """

    project: str
    languages: tuple[str, ...]
    folder: Path
    sources: tuple[Source, ...]
    model: str | None = None
    trainer: str = "trl"
    more: tuple[str, ...] = ()
    template: str = LIBRARY


@dataclass(frozen=True)
class Draft:
    """The text of a pipeline file that will stand in the folder `beside`."""

    choices: Choices
    beside: Path

    def text(self) -> str:
        """The whole file."""
        parts = [self._head(), self._sources(), self._samples(), self._split(), self._train(), self._evaluate()]
        return "\n".join(filter(None, ("".join(f"{line}\n" for line in part) for part in parts)))

    # ---- the parts, line by line

    def _head(self) -> Iterator[str]:
        names = self.choices.languages
        yield f"# {self._word('head')}"
        if self.choices.template == QA:
            yield f"# {self._word('head_qa')}"
        yield self._line("version: 1", "version")
        yield self._line(f"project: {scalar(self.choices.project)}", "project")
        yield self._line(f"language: {names[0] if len(names) == 1 else '[' + ', '.join(names) + ']'}", "language")

    def _sources(self) -> Iterator[str]:
        yield self._line("sources:", "sources")
        for source in self.choices.sources:
            key = "samples" if source.holds == "samples" else "path"
            yield self._line(f"  - {key}: {scalar(self._place(source.path))}", source.holds)
            if source.split:
                yield self._line(f"    split: {source.split}", "split_of")
            for name, patterns in (("include", source.include), ("exclude", source.exclude)):
                if patterns:
                    yield self._line(f"    {name}: [{', '.join(map(quoted, patterns))}]", name)

    def _samples(self) -> Iterator[str]:
        if self._generates:
            yield self._line("generate:", "generate")
            yield "  - uses: grounded"
            yield self._line("    with: {phrasings: 4}", "phrasings")
        yield self._line("curate:", "curate")
        for name in DEFAULTS["curate"]:
            yield self._line(f"  - uses: {name}", name)

    def _split(self) -> Iterator[str]:
        yield self._line("split:", "split")
        if self._generates:
            yield self._line("  rephrased: 0.1", "rephrased")
        if any(source.holds == "samples" for source in self.choices.sources):
            yield self._line("  test: 0.1", "test")
        yield self._line("  validation: 0.05", "validation")
        yield self._line("  seed: 0", "seed")

    def _train(self) -> Iterator[str]:
        if self.choices.model is not None:
            yield from self._trainings((self.choices.model, *self.choices.more))
            return
        yield f"# {self._word('no_train')}"
        models = TEMPLATES[self.choices.template].models or (SMALL_MODEL,)
        yield from (f"# {line}" for line in self._trainings(models))

    def _trainings(self, models: Sequence[str]) -> Iterator[str]:
        if TINY in models:
            yield f"# {self._word('for_real')}"
        yield self._line("train:", "train")
        for model in models:
            yield from self._training(model)

    def _training(self, model: str) -> Iterator[str]:
        yield self._line(f"  - uses: {self.choices.trainer}", "uses")
        yield "    with:"
        options = _TINY_OPTIONS if model == TINY else self._real_options()
        yield self._line(f"      model: {scalar(model)}", "tiny" if model == TINY else "model")
        for option, value, comment in options:
            yield self._line(f"      {option}: {value}", comment)

    def _real_options(self) -> Iterable[tuple[str, str, str]]:
        yield "lora_rank", "16", "lora_rank_of" if self.choices.template == QA else "lora_rank"
        yield "epochs", "3", "epochs"
        yield "learning_rate", "2.0e-4", "learning_rate"
        yield "max_length", "1024", "max_length"
        yield "batch_size", "8", "batch_size"
        yield "fit", "auto", "fit"

    def _evaluate(self) -> Iterator[str]:
        """The measures of a question-answer dataset; elsewhere those that are usual."""
        if self.choices.template == QA and self.choices.model is not None:
            yield self._line("evaluate:", "evaluate")
            yield "  - uses: text-overlap"
            yield "    with:"
            yield self._line("      metrics: [rougeL, rouge1, rouge2, bleu]", "metrics")
            yield self._line("      max_probes: 200", "max_probes")

    @property
    def _generates(self) -> bool:
        return any(source.holds != "samples" for source in self.choices.sources)

    def _place(self, path: PurePosixPath) -> str:
        return Path(os.path.relpath(self.choices.folder / path, self.beside)).as_posix()

    def _line(self, text: str, comment: str) -> str:
        return f"{text:<{_COLUMN}} # {self._word(comment)}"

    def _word(self, name: str) -> str:
        words = COMMENTS[name]
        return words.zh if self.choices.languages == ("zh",) else words.en


_TINY_OPTIONS = (
    ("lora_rank", "32", "lora_rank"),
    ("learning_rate", "5.0e-3", "tiny_rate"),
    ("max_steps", "200", "max_steps"),
    ("batch_size", "8", "batch_size"),
    ("max_length", "1024", "max_length"),
)


def scalar(text: str) -> str:
    """Text as a YAML value: bare where it is read back as the same text, else in double quotes."""
    return text if _PLAIN.fullmatch(text) and read_value(text) == text else quoted(text)


def quoted(text: str) -> str:
    """Text in double quotes, with escapes for what cannot stand in a YAML file, on one line."""
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9).strip()


def refuse_existing(file: Path) -> None:
    """UsageError when something stands where the file shall be."""
    if file.is_dir():
        raise UsageError(f"{file}: is a folder", "name another file with --file")
    if file.exists() or file.is_symlink():
        raise UsageError(f"{file}: exists already", "--force writes a new one and keeps the old one beside it")


def refuse_unwritable(file: Path) -> None:
    """DocutuneError when the folder of the file is none or may not be written to."""
    folder = file.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder", "make it first, or name another place with --file")
    if not os.access(folder, os.W_OK):
        raise DocutuneError(f"{folder}: cannot be written to", "name another place with --file")


def write(choices: Choices, file: Path, registry: Registry, force: bool = False) -> Path | None:
    """Write the file, known to be valid, whole or not at all. Returns where a former file was kept under `force`.

    ConfigError when what was chosen gives no valid pipeline; nothing is written then.
    """
    if TO_COME in choices.sources:
        _begin(choices.folder / TO_COME.path)
    content = Draft(choices, file.parent.resolve()).text().encode()
    load(file, registry, content=content)
    kept = None
    if force and file.is_file():
        kept = _free_name(file)
        atomic.write_bytes(kept, _former(file))
    else:
        refuse_existing(file)
    atomic.write_bytes(file, content)
    return kept


def _begin(samples: Path) -> None:
    """An empty samples file: what the pipeline reads must be there."""
    if not samples.exists():
        atomic.write_bytes(samples, b"")


def _former(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DocutuneError(f"{file}: cannot be read: {error.strerror}", "so no copy of it can be kept") from error


def _free_name(file: Path) -> Path:
    """pipeline.yaml.bak, or the next number: an older copy stays."""
    first = file.with_name(f"{file.name}.bak")
    numbered = (file.with_name(f"{file.name}.bak{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain((first,), numbered) if not path.exists())
