"""Binds the chat model of a step to a name: the model of this machine is by default what the file trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutune.chat.options import LOCAL, ChatConfig, cannot_write
from docutune.config.yaml_lines import KeyPath
from docutune.hubs import Hubs

_WAYS = f"write model: {LOCAL}:NAME_OR_FOLDER, or provider:name such as openai:gpt-4o-mini"


def bound(options: ChatConfig, tree: Any, folder: Path, hubs: Hubs) -> ChatConfig | str:
    """The options with the name of the base model that `local` stands for, or what is wrong with it.

    `tree` is the pipeline file as it is written. A training that names no base is a problem of its own; until it is
    mended the options stay as they are.
    """
    if not options.is_local:
        return options
    if options.base:
        return hubs.mistake(options.base, folder) or options
    if not _trainings(tree):
        return f"no chat model is named, and nothing is trained whose base could be asked; {_WAYS}"
    base = _first_base(tree)
    if not isinstance(base, str) or not base:
        return options
    problem = cannot_write(base)
    return problem or options.model_copy(update={"model": f"{LOCAL}:{base}"})


def place_of_model(path: KeyPath, written: Any) -> KeyPath:
    """Where the model of a step stands that begins at `path`, or where it would."""
    options = written.get("with") if isinstance(written, dict) else None
    if not isinstance(options, dict):
        return path
    return (*path, "with", "model") if "model" in options else (*path, "with")


def _trainings(tree: Any) -> Any:
    return tree.get("train") if isinstance(tree, dict) else None


def _first_base(tree: Any) -> Any:
    """What the first entry of `train:` names, as far as the file is right there."""
    trainings = _trainings(tree)
    first = trainings[0] if isinstance(trainings, list) else None
    options = first.get("with") if isinstance(first, dict) else None
    return options.get("model") if isinstance(options, dict) else None
