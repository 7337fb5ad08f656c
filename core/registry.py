"""Kind and name to plugin. The only user of pluggy's PluginManager."""

from __future__ import annotations

import copy
import importlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pluggy
from pydantic import BaseModel

from docutune import hookspecs, offers
from docutune.contracts import ParserRegistration, Registration
from docutune.discovery import OWN_PACKAGE, Failed, Loaded, discover, fail, guarded_stdout
from docutune.environment import absent
from docutune.errors import DocutuneError, PluginError
from docutune.records import JsonValue, Reads
from docutune.suggestions import did_you_mean

KINDS = ("parser", "generator", "curator", "trainer", "runtime", "evaluator", "exporter", "frontend", "hub")


@dataclass(frozen=True, slots=True)
class Entry:
    """A plugin that can be named, and the package that it comes from."""

    kind: str
    registration: Registration
    package: str
    version: str

    @property
    def name(self) -> str:
        """The plugin's name in the pipeline file."""
        return self.registration.name

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The file suffixes that a parser reads; empty for other kinds."""
        return self.registration.suffixes if isinstance(self.registration, ParserRegistration) else ()

    @property
    def claims(self) -> tuple[tuple[Reads, str], ...]:
        """What a parser reads: each suffix, with the kind of source that it reads it from."""
        registration = self.registration
        return (
            tuple((registration.reads, suffix) for suffix in self.suffixes)
            if isinstance(registration, ParserRegistration)
            else ()
        )

    @property
    def facts(self) -> dict[str, JsonValue]:
        """What tells it from the plugin of that name in another environment."""
        facts: dict[str, JsonValue] = {"kind": self.kind, "name": self.name}
        return {**facts, "package": self.package, "version": self.version, "revision": self.registration.revision}

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that the plugin needs and this environment lacks."""
        return absent(self.registration.requires)

    @property
    def install(self) -> str:
        """The command that installs what the plugin needs."""
        return (
            f"pip install '{self.registration.extra}'"
            if self.registration.extra
            else (f"pip install {' '.join(self.registration.requires)}")
        )

    @property
    def full_name(self) -> str:
        """The plugin and its package, as a message names them: "curator 'short' of acme 1.0"."""
        return f"{self} of {self.package} {self.version}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    def lacks(self) -> str | None:
        """One line on the libraries that are missing and what to do about it; None when nothing is."""
        missing = self.missing
        if not missing:
            return None
        line = f"{self} needs {', '.join(missing)}: install with {self.install}"
        return f"{line}, or {self.detour}" if self.detour else line

    @property
    def detour(self) -> str | None:
        """What to write where this plugin cannot run."""
        instead = self.registration.instead
        return f"write `uses: {instead}`, which takes the same options" if instead else None


@dataclass(frozen=True, slots=True)
class Observer:
    """One package's implementation of one observer hook."""

    hook: str
    package: str
    version: str
    function: Callable[..., object]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Registry:
    """The plugins of this environment: those that can be used, and what failed."""

    entries: tuple[Entry, ...]
    failed: tuple[Failed, ...]
    observers: tuple[Observer, ...] = ()
    clashes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Registry:
        """Find and ask every installed plugin. A broken one is listed in `failed` and stops nothing."""
        discovery = discover()
        collector = _Collector(list(discovery.failed))
        for loaded in discovery.loaded:
            collector.add(loaded)
        return collector.registry()

    def registrations(self, kind: str) -> tuple[Entry, ...]:
        """Every plugin of that kind, in order of its name."""
        return tuple(entry for entry in self.entries if entry.kind == kind)

    def names(self, kind: str) -> tuple[str, ...]:
        """The names of the plugins of that kind."""
        return tuple(entry.name for entry in self.registrations(kind))

    def get(self, kind: str, name: str) -> Entry:
        """The plugin of that kind and name; PluginError says which names there are, or what stands in the way."""
        for entry in self.registrations(kind):
            if entry.name == name:
                return entry
        raise self._unknown(kind, name)

    def create(self, entry: Entry, config: BaseModel) -> Any:
        """Import the plugin's class and call it with its config. PluginError in one line when it cannot be had."""
        lacks = entry.lacks()
        if lacks:
            raise PluginError(lacks)
        try:
            with guarded_stdout():
                return _resolve(entry.registration.load)(config)
        except DocutuneError:
            raise
        except (Exception, SystemExit) as error:
            if os.environ.get("DOCUTUNE_STRICT") == "1":
                raise
            failed = fail(entry.name, entry.package, entry.version, error)
            raise PluginError(f"{entry.full_name} cannot be used: {failed.cause}", failed.hint) from error

    def notify(self, event: str, **facts: object) -> tuple[str, ...]:
        """Tell every observer of "step_started" or "step_finished"; each gets its own copy of the facts.

        Returns one line for each observer that failed.
        """
        observers = (observer for observer in self.observers if observer.hook == f"docutune_{event}")
        return tuple(problem for observer in observers if (problem := _tell(observer, facts)))

    def _unknown(self, kind: str, name: str) -> PluginError:
        if (kind, name) in self.clashes:
            return PluginError(self.clashes[kind, name], "uninstall one of the packages")
        for failed in self.failed:
            if name == failed.entry_point:
                package = f"package {failed.package} {failed.version}"
                return PluginError(f"no {kind} is called {name!r}: {package} failed: {failed.cause}", failed.hint)
        names = self.names(kind)
        guess = did_you_mean(name, names)
        hint = f"installed {kind}s: {', '.join(names) or 'none'}"
        if self.failed and not guess:
            hint += f"; {len(self.failed)} failed, see `docutune plugins list`"
        return PluginError(f"no {kind} is called {name!r}{guess}", hint)


class _Collector:
    """Asks each plugin alone, so that one that raises does not silence the others."""

    def __init__(self, failed: list[Failed]) -> None:
        self.failed = failed
        self.offered: dict[tuple[str, str], list[tuple[Entry, Loaded]]] = defaultdict(list)
        self.observers: list[Observer] = []
        self._manager = pluggy.PluginManager("docutune")
        self._manager.add_hookspecs(hookspecs)

    def add(self, loaded: Loaded) -> None:
        """Register one plugin with pluggy and take what it offers."""
        try:
            name = self._manager.register(loaded.module, name=f"{loaded.package}:{loaded.entry_point}")
            self._manager.check_pending()
            implementations = list(self._implementations(loaded.module))
        except (Exception, SystemExit) as error:
            self._fail(loaded, error)
            if self._manager.is_registered(loaded.module):
                self._manager.unregister(loaded.module)
            return
        if not implementations:
            self._fail(loaded, f"{name} implements no docutune hook", "decorate its hooks with docutune.hookimpl")
        for hook, implementation in implementations:
            self._take(loaded, hook, implementation)

    def registry(self) -> Registry:
        """What was collected. Of two plugins of one kind and name the built-in one stays; two strangers both go."""
        entries, clashes = [], {}
        for key, offered in self.offered.items():
            own = [(entry, loaded) for entry, loaded in offered if entry.package == OWN_PACKAGE]
            kept = own if len(own) == 1 else offered
            if len(kept) == 1:
                entries.append(kept[0][0])
            else:
                clashes[key] = _clash(entry for entry, _ in offered)
            for entry, loaded in offered:
                if len(kept) != 1 or entry is not kept[0][0]:
                    hint = f"uninstall one of the packages: pip uninstall {entry.package}"
                    self._fail(loaded, _clash(entry for entry, _ in offered), hint)
        entries.sort(key=lambda entry: (KINDS.index(entry.kind), entry.name))
        return Registry(tuple(entries), tuple(self.failed), tuple(self.observers), clashes)

    def _implementations(self, module: object) -> Iterator[tuple[str, pluggy.HookImpl]]:
        for caller in self._manager.get_hookcallers(module) or []:
            for implementation in caller.get_hookimpls():
                if implementation.plugin is module:
                    if implementation.wrapper or implementation.hookwrapper:
                        raise TypeError(f"{caller.name} is a wrapper; plugins add to the pipeline and change nothing")
                    yield caller.name, implementation

    def _take(self, loaded: Loaded, hook: str, implementation: pluggy.HookImpl) -> None:
        kind = hook.removeprefix("docutune_").removesuffix("s")
        if kind not in KINDS:
            arguments = tuple(implementation.argnames)
            observer = Observer(hook, loaded.package, loaded.version, implementation.function, arguments)
            self.observers.append(observer)
            return
        try:
            with guarded_stdout():
                items = offers.as_registrations(kind, implementation.function())
        except (Exception, SystemExit) as error:
            self._fail(loaded, error)
            return
        for item in items:
            self._offer(loaded, kind, item)

    def _offer(self, loaded: Loaded, kind: str, item: Any) -> None:
        mistakes = offers.mistakes(kind, item)
        if mistakes:
            self._fail(loaded, "; ".join(mistakes), f"update {loaded.package} or tell its authors")
        else:
            entry = Entry(kind, item, loaded.package, loaded.version)
            self.offered[kind, item.name].append((entry, loaded))

    def _fail(self, loaded: Loaded, cause: str | BaseException, hint: str | None = None) -> None:
        self.failed.append(fail(loaded.entry_point, loaded.package, loaded.version, cause, hint))


def _clash(entries: Iterable[Entry]) -> str:
    found = list(entries)
    packages = " and ".join(f"{entry.package} {entry.version}" for entry in found)
    return f"{found[0]} is offered by {packages}"


def _resolve(load: str) -> Callable[[BaseModel], object]:
    module, _, attribute = load.partition(":")
    found: Callable[[BaseModel], object] = getattr(importlib.import_module(module), attribute)
    return found


def _tell(observer: Observer, facts: Mapping[str, object]) -> str | None:
    try:
        with guarded_stdout():
            observer.function(**{name: copy.deepcopy(facts[name]) for name in observer.arguments})
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {error}"
        return f"observer {observer.hook} of {observer.package} {observer.version} failed: {cause}"
    return None
