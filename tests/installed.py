"""The environment that the fixtures of conftest.py give, as tests see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class Installed(Protocol):
    """Packages in `site`, a folder to work in, and Python and docutune with those packages on their path."""

    site: Path
    work: Path

    def install(self, package: str, files: dict[str, str], entry_points: str | None = None, **more: Any) -> Path: ...
    def answer(self, *arguments: str, **variables: str) -> Any: ...
    def docutune(self, *arguments: str, **variables: str) -> Any: ...
    def python(self, code: str, *arguments: str, **variables: str) -> Any: ...
