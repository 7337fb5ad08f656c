"""docutune turns the documents and source code of a library into a fine-tuned model that knows that library."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.chat.options import ChatConfig
    from docutune.contracts import ParserRegistration, Registration
    from docutune.errors import DocutuneError
    from docutune.hookspecs import hookimpl
    from docutune.training import TrainingConfig

_HOMES = {
    "ChatConfig": "docutune.chat.options",
    "DocutuneError": "docutune.errors",
    "ParserRegistration": "docutune.contracts",
    "Registration": "docutune.contracts",
    "TrainingConfig": "docutune.training",
    "Workspace": "docutune.api",
    "hookimpl": "docutune.hookspecs",
}

__all__ = [
    "ChatConfig",
    "DocutuneError",
    "ParserRegistration",
    "Registration",
    "TrainingConfig",
    "Workspace",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'docutune' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
