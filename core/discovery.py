"""Which plugins are installed, and did they load. The only importer of stevedore."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, EntryPoint
from typing import Any, TypeAlias

from stevedore.extension import Extension, ExtensionManager

from docutune.environment import has_module
from docutune.errors import PluginError
from docutune.hookspecs import ENTRY_POINT_GROUP

OWN_PACKAGE = "docutune"

_Failure: TypeAlias = "tuple[str, str, str, str | BaseException, str | None]"


@dataclass(frozen=True, slots=True)
class Loaded:
    """An entry point and the object it names, which holds hook implementations."""

    entry_point: str
    package: str
    version: str
    module: object


@dataclass(frozen=True, slots=True)
class Failed:
    """What an installed package cannot offer, why, and what to do about it."""

    entry_point: str
    package: str
    version: str
    cause: str
    hint: str

    def __str__(self) -> str:
        return f"{self.package} {self.version} ({self.entry_point}): {self.cause}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """Everything found in the entry point group, in order of package and name."""

    loaded: tuple[Loaded, ...]
    failed: tuple[Failed, ...]


def discover() -> Discovery:
    """Load every entry point of the plugin group. Raises only when the environment says DOCUTUNE_STRICT=1."""
    manager = _Manager()
    loaded = (
        Loaded(extension.name, *_package(extension.entry_point), extension.plugin) for extension in manager.extensions
    )
    return Discovery(tuple(loaded), tuple(fail(*failure) for failure in manager.failures))


def fail(entry_point: str, package: str, version: str, cause: str | BaseException, hint: str | None = None) -> Failed:
    """Record a failure, or raise it when the environment says DOCUTUNE_STRICT=1."""
    failed = Failed(entry_point, package, version, _describe(cause), hint or _advice(cause, package))
    if os.environ.get("DOCUTUNE_STRICT") == "1":
        raise cause if isinstance(cause, Exception) else PluginError(str(failed), failed.hint)
    return failed


@contextlib.contextmanager
def guarded_stdout() -> Iterator[None]:
    """Send what plugins print to stderr, also by other means than Python's: stdout belongs to the command's answer."""
    with contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError):  # a process may have no stdout at all
            kept = os.dup(1)
            undo.callback(os.close, kept)
            if sys.stdout:
                sys.stdout.flush()
            os.dup2(2, 1)
            undo.callback(os.dup2, kept, 1)
        undo.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


class _Manager(ExtensionManager[Any]):
    """stevedore, minus three surprises.

    Its own list comes from a disk cache that can be older than the last installation and whose entry points do not
    know their package; and its loop lets SystemExit and AssertionError through, so that one package stops all.
    """

    def __init__(self) -> None:
        self.failures: list[_Failure] = []  # judged at the end: stevedore swallows what is raised while it loads
        super().__init__(ENTRY_POINT_GROUP)

    def list_entry_points(self) -> list[EntryPoint]:
        found = sorted(self._installed(), key=_order)
        return [entry_point for entry_point in found if not self._is_duplicate(entry_point, found)]

    def _installed(self) -> Iterator[EntryPoint]:
        seen: set[str] = set()
        for distribution in importlib.metadata.distributions():
            try:
                text = distribution.read_text("entry_points.txt") or ""
                if ENTRY_POINT_GROUP not in text:
                    continue
                name = _normalized(_name_and_version(distribution)[0])
                entry_points = distribution.entry_points.select(group=ENTRY_POINT_GROUP)
            except Exception as error:  # damaged metadata: this package alone is left out
                self.failures.append(("entry_points.txt", *_name_and_version(distribution), error, None))
                continue
            if name not in seen:  # the same package twice on the path: Python imports the first
                seen.add(name)
                yield from entry_points

    def _is_duplicate(self, entry_point: EntryPoint, found: list[EntryPoint]) -> bool:
        """Whether another entry point takes its place: the built-in one wins, two strangers both lose."""
        others = [other for other in found if other is not entry_point]
        same_name = [other for other in others if other.name == entry_point.name]
        own = _is_own(entry_point)
        if same_name and not (own and not any(map(_is_own, same_name))):
            self._reject(entry_point, f"entry point {entry_point.name!r} is also published by", same_name)
            return True
        earlier = found[: next(index for index, other in enumerate(found) if other is entry_point)]
        same_module = [other for other in earlier if other.value == entry_point.value]
        if same_module:
            self._reject(entry_point, f"{entry_point.value!r} is already loaded by", same_module)
        return bool(same_module)

    def _reject(self, entry_point: EntryPoint, reason: str, others: Iterable[EntryPoint]) -> None:
        names = ", ".join(sorted({" ".join(_package(other)) for other in others}))
        package, version = _package(entry_point)
        hint = f"uninstall one of the packages: pip uninstall {package}"
        self.failures.append((entry_point.name, package, version, f"{reason} {names}", hint))

    def _load_one_plugin(self, ep: EntryPoint, *_: Any, **__: Any) -> Extension[Any] | None:
        try:
            with guarded_stdout():
                return Extension(ep.name, ep, ep.load(), None)
        except (Exception, SystemExit) as error:
            self.failures.append((ep.name, *_package(ep), error, None))
            return None


def _order(entry_point: EntryPoint) -> tuple[bool, str, str]:
    return not _is_own(entry_point), _package(entry_point)[0], entry_point.name


def _is_own(entry_point: EntryPoint) -> bool:
    return _normalized(_package(entry_point)[0]) == OWN_PACKAGE


def _package(entry_point: EntryPoint) -> tuple[str, str]:
    distribution = entry_point.dist
    return _name_and_version(distribution) if distribution else ("unknown package", "")


@cache
def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    """Read once for each: a README stands in the same file and is parsed along with it."""
    try:
        metadata = distribution.metadata
    except (OSError, ValueError, TypeError):
        return _folder_name(distribution), "of unknown version"
    known = set(metadata)
    name = metadata["Name"] if "Name" in known else _folder_name(distribution)
    return name, metadata["Version"] if "Version" in known else "of unknown version"


def _folder_name(distribution: Distribution) -> str:
    folder = getattr(distribution, "_path", None)
    return folder.name.partition("-")[0] if folder is not None else "unknown package"


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _describe(cause: str | BaseException) -> str:
    if isinstance(cause, str):
        return cause
    if isinstance(cause, SystemExit):
        return f"ended the program with exit code {cause.code!r}"
    text = " ".join(str(cause).split())
    return f"{type(cause).__name__}: {text[:300]}" if text else type(cause).__name__


def _advice(cause: str | BaseException, package: str) -> str:
    missing = (cause.name or "").partition(".")[0] if isinstance(cause, ModuleNotFoundError) else ""
    if missing and not has_module(missing):
        return f"install the module {missing!r}, or remove the package: pip uninstall {package}"
    return f"update or remove the package: pip uninstall {package}; DOCUTUNE_STRICT=1 shows the traceback"
