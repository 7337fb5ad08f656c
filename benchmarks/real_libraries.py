"""Parses, links and questions real libraries from their source archives, and checks that nothing is lost.

    python benchmarks/real_libraries.py                       # downloads click and attrs, pinned, with pip
    python benchmarks/real_libraries.py path/to/library ...   # folders of one's own

Exits with 1 when a document is neither parsed nor listed with a reason, when something crashes, when a function or
class that `ast` finds is missing from the symbol table, or when a name that a package re-exports does not resolve.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from docutune.contracts import Generator, Library, Parser
from docutune.grounding import complaints
from docutune.records import Parsed, Task
from docutune.registry import Registry
from docutune.symbols import SymbolTable, link

PINNED = ("click==8.3.1", "attrs==25.4.0")
ASIDE = frozenset({"tests", "docs", "examples", "bench", "scripts"})


@dataclass(frozen=True)
class Context:
    """What core lends to a generator."""

    folder: Path
    seed: int = 0

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        """Nobody watches."""


@dataclass
class Result:
    """What one library came to; `faults` are what must not happen."""

    name: str
    figures: dict[str, str] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="*", type=Path, help="unpacked libraries; none: click and attrs")
    arguments.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "docutune-benchmarks")
    options = arguments.parse_args()
    registry = Registry.load()
    results = [measure(folder, registry) for folder in options.folders or download(options.cache)]
    show(results)
    return 1 if any(result.faults for result in results) else 0


def download(cache: Path) -> list[Path]:
    """The unpacked source archives. pip asks their build backends for metadata, which come as wheels."""
    cache.mkdir(parents=True, exist_ok=True)
    folders = [cache / pin.replace("==", "-") for pin in PINNED]
    if not all(folder.is_dir() for folder in folders):
        names = ",".join(pin.partition("==")[0] for pin in PINNED)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", names, "--dest"]
        subprocess.run([*pip, str(cache), *PINNED], check=True)
        for folder in folders:
            with tarfile.open(f"{folder}.tar.gz") as archive:
                archive.extractall(cache, filter="data")
    return folders


def measure(folder: Path, registry: Registry) -> Result:
    result = Result(folder.name)
    started = time.perf_counter()
    parsed = list(parse(folder, registry, result))
    parse_seconds = time.perf_counter() - started
    started = time.perf_counter()
    table = link(parsed)
    link_seconds = time.perf_counter() - started
    sections = list(table.sections())
    shown = sum(len(section.examples) for section in sections if section.kind != "docstring")
    shown += sum(len(symbol.examples) for symbol in table.symbols())
    result.figures |= {
        "sections": str(len(sections)),
        "code examples": str(shown),
        "symbols": str(sum(1 for _ in table.symbols())),
        "public symbols": str(sum(1 for _ in table.public())),
        "seconds to parse": f"{parse_seconds:.2f}",
        "seconds to link": f"{link_seconds:.2f}",
    }
    check_definitions(folder, table, result)
    check_exports(parsed, table, result)
    generate(table, registry, result)
    return result


def parse(folder: Path, registry: Registry, result: Result) -> Iterator[Parsed]:
    parsers: dict[str, Parser] = {}
    for entry in registry.registrations("parser"):
        parser = registry.create(entry, entry.registration.config())
        parsers |= dict.fromkeys(entry.suffixes, parser)
    read = Counter[str]()
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        parser = parsers.get(path.suffix)
        if parser is None:
            result.unread[path.suffix or path.name] += 1
            continue
        source = path.relative_to(folder).as_posix()
        try:
            found = parser.parse(path.read_bytes(), source)
        except Exception:
            result.faults.append(f"{source}: {traceback.format_exc(limit=-1).strip()}")
            continue
        read[path.suffix] += 1
        result.problems += [f"{source}: {problem}" for problem in found.problems]
        if not (found.sections or found.symbols or found.problems) and path.read_bytes().strip():
            result.faults.append(f"{source}: nothing found, and no reason given")
        yield found
    result.figures["files parsed"] = ", ".join(f"{count} {suffix}" for suffix, count in sorted(read.items()))
    result.figures["files without a parser"] = str(result.unread.total())


def definitions(path: Path) -> Iterator[str]:
    """Module-level functions and classes by `ast` alone, inside conditions too."""
    stack: list[ast.AST] = [ast.parse(path.read_bytes())]
    while stack:
        for child in ast.iter_child_nodes(stack.pop()):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield child.name
            elif isinstance(child, (ast.If, ast.Try, ast.ExceptHandler, ast.With)) and not is_main(child):
                stack.append(child)


def is_main(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def check_definitions(folder: Path, table: SymbolTable, result: Result) -> None:
    """Every one must be in the table; the figures also say how many of those without an underscore are public."""
    counts = Counter[str]()
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        parts = list(relative.with_suffix("").parts)
        parts = parts[1:] if parts[0] in ("src", "lib") else parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not all(part.isidentifier() for part in parts):
            continue
        for name in definitions(path):
            full = ".".join([*parts, name])
            counts["all"] += 1
            symbol = table.find(full)
            if symbol is None:
                result.faults.append(f"{relative}: {full} is not in the symbol table")
            elif len(parts) > 1 or relative.parts[0] == "src":
                hidden = parts[0] in ASIDE or "tests" in parts or any(part.startswith("_") for part in [*parts, name])
                counts["open"] += int(not hidden)
                counts["public"] += int(not hidden and table.is_public(full))
    result.figures["functions and classes that ast finds"] = str(counts["all"])
    missing = sum("is not in the symbol table" in fault for fault in result.faults)
    result.figures["of these in the symbol table"] = str(counts["all"] - missing)
    result.figures["public by their path"] = str(counts["open"])
    result.figures["of these public in the table"] = str(counts["public"])


def check_exports(parsed: list[Parsed], table: SymbolTable, result: Result) -> None:
    """Names in `__all__`, and what packages import from their own modules, must resolve."""
    modules = [file.symbols[0] for file in parsed if file.symbols]
    known = {module.name for module in modules}
    names = {f"{module.name}.{name}" for module in modules for name in module.exports or () if not name.endswith(".*")}
    packages = {module.name for module in modules if Path(module.span.source).stem == "__init__"}
    for alias in (alias for file in parsed for alias in file.aliases if not alias.name.endswith(".*")):
        inside = alias.target.rpartition(".")[0] in known
        if inside and alias.name.rpartition(".")[0] in packages and "._" not in alias.name:
            names.add(alias.name)
    lost = sorted(name for name in names if table.find(name) is None and "__" not in name)
    result.figures["re-exported names"] = str(len(names))
    result.figures["of these resolved"] = str(len(names) - len(lost))
    result.faults += [f"{name} is re-exported but does not resolve" for name in lost]


def generate(library: Library, registry: Registry, result: Result) -> None:
    if "grounded" not in registry.names("generator"):
        result.figures["tasks"] = "no generator"
        return
    entry = registry.get("generator", "grounded")
    generator: Generator = registry.create(entry, entry.registration.config())
    started = time.perf_counter()
    try:
        tasks = list(generator.tasks(library))
        samples = asyncio.run(run_all(generator, library, result, tasks))
    except Exception:
        result.faults.append(f"grounded: {traceback.format_exc(limit=-2).strip()}")
        return
    result.figures |= {
        "generator tasks": str(len(tasks)),
        "samples": str(samples),
        "seconds to generate": f"{time.perf_counter() - started:.2f}",
    }


async def run_all(generator: Generator, library: Library, result: Result, tasks: list[Task]) -> int:
    count = ungrounded = 0
    with tempfile.TemporaryDirectory() as folder:
        for task in tasks:
            for sample in await generator.run(task, Context(Path(folder))):
                count += 1
                ungrounded += bool(complaints(sample, library))
    result.figures["samples that name an unknown API"] = str(ungrounded)
    return count


def show(results: list[Result]) -> None:
    labels = list(dict.fromkeys(label for result in results for label in result.figures))
    print("| |", " | ".join(result.name for result in results), "|")
    print("| --- |", " | ".join("---:" for _ in results), "|")
    for label in labels:
        print(f"| {label} |", " | ".join(result.figures.get(label, "") for result in results), "|")
    print("| crashes and losses |", " | ".join(str(len(result.faults)) for result in results), "|")
    for result in results:
        unread = ", ".join(f"{count} {suffix}" for suffix, count in result.unread.most_common())
        print(f"\n{result.name}: no parser for {unread or 'nothing'}")
        for line in [*result.problems, *(f"FAULT {fault}" for fault in result.faults)]:
            print(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
