"""Prompt templates of plugins: those of their package, and files beside the pipeline file that take their place.

A template is text for `string.Template`: `$name` is filled in, `$$` is a dollar sign. What is filled in never acts as a
template itself.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from docutune.errors import Problem
from docutune.suggestions import did_you_mean

FOLDER = "prompts"
_SUFFIX = ".md"


@dataclass(frozen=True, slots=True)
class Prompts:
    """Texts by name ("en/how-to"), what is wrong with the files among them, and what their author should know."""

    texts: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def packaged(package: str) -> dict[str, str]:
    """The templates of a package, *.md in a folder per language; raises what reading the package raises."""
    folders = (item for item in importlib.resources.files(package).iterdir() if item.is_dir())
    files = ((folder.name, file) for folder in folders for file in folder.iterdir() if file.name.endswith(_SUFFIX))
    return dict(sorted((f"{name}/{file.name.removesuffix(_SUFFIX)}", file.read_text("utf-8")) for name, file in files))


def with_files(texts: Mapping[str, str], folder: Path, plugin: str) -> Prompts:
    """The templates with those of `prompts/<plugin>/<language>/<name>.md` below `folder` in their place."""
    chosen = dict(texts)
    problems: list[Problem] = []
    notes: list[str] = []
    root = folder / FOLDER / plugin
    for file in sorted(path for path in root.rglob("*") if _counts(path, root)):
        name = file.relative_to(root).as_posix().removesuffix(_SUFFIX)
        if file.suffix != _SUFFIX or name not in texts:
            problems.append(Problem(str(file), None, "", _unknown(file.relative_to(root).as_posix(), plugin, texts)))
            continue
        try:
            text = file.read_text("utf-8-sig")
        except (OSError, ValueError) as error:
            problems.append(Problem(str(file), None, "", f"cannot be read: {error}"))
            continue
        found, lacking = checked(text, texts[name], str(file))
        problems += found
        if not found:
            chosen[name] = text
            notes += [f"{file} {note}" for note in lacking]
    return Prompts(chosen, tuple(problems), tuple(notes))


def own_file(folder: Path, plugin: str, name: str) -> Path:
    """The file below `folder` that takes the place of a packaged template."""
    return folder / FOLDER / plugin / f"{name}{_SUFFIX}"


def checked(text: str, original: str, file: str) -> tuple[tuple[Problem, ...], tuple[str, ...]]:
    """What keeps a text from taking the place of the packaged template, and what its author should know."""
    found = tuple(_mistakes(text, original, file))
    return found, () if found else tuple(_lacking(text, original))


def stray_folders(folder: Path, plugins: Collection[str]) -> Iterator[Problem]:
    """Folders whose names are almost those of plugins with prompts; any other folder is somebody else's."""
    for path in sorted((folder / FOLDER).glob("*/")):
        guess = did_you_mean(path.name, plugins)
        if guess and path.name not in plugins:
            yield Problem(str(path), None, "", f"no plugin with prompts is called {path.name!r}{guess}")


def _counts(path: Path, root: Path) -> bool:
    """Files, without those that editors and file managers leave behind."""
    parts = path.relative_to(root).parts
    return path.is_file() and not path.name.endswith("~") and not any(part.startswith(".") for part in parts)


def _unknown(name: str, plugin: str, texts: Mapping[str, str]) -> str:
    known = [f"{text}{_SUFFIX}" for text in texts]
    return f"{plugin!r} has no prompt of that name{did_you_mean(name, known) or '; known: ' + ', '.join(known)}"


def _mistakes(text: str, original: str, file: str) -> Iterator[Problem]:
    """What keeps a text from being filled in: placeholders that the original does not have, stray dollar signs."""
    if not text.strip():
        yield Problem(file, None, "", "the file is empty; delete it to use the packaged prompt")
    known = Template(original).get_identifiers()
    for match in Template.pattern.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        name = match["named"] or match["braced"]
        if match["invalid"] is not None:
            yield Problem(file, line, "", "a `$` that begins no placeholder; write `$$` for a dollar sign")
        elif name and name not in known:
            placeholders = ", ".join(f"${item}" for item in known)
            guess = did_you_mean(name, known) or f"; there are {placeholders}"
            yield Problem(file, line, "", f"unknown placeholder ${name}{guess}")


def _lacking(text: str, original: str) -> Iterator[str]:
    used = Template(text).get_identifiers()
    lacking = [f"${name}" for name in Template(original).get_identifiers() if name not in used]
    if lacking:
        yield f"leaves out {', '.join(lacking)}, which the packaged prompt has"
