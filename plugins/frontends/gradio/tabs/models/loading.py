"""What is loaded, or on its way, or why not, and the memory that it takes: for every tab that asks a model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from docutune.plugins.frontends.gradio import show

if TYPE_CHECKING:
    from docutune.desk.resident import Memory
    from docutune.desk.seat import Freed, Loaded, Loading, State
    from docutune.plugins.frontends.gradio.words import Words


def panel(words: Words, state: State) -> str:
    """The state, with the memory that is in use now."""
    head = show.heading(words("models_loaded"))
    if state.loaded is not None:
        return head + _news(words, state) + _ready(words, state.loaded)
    if told := _news(words, state):
        return head + told
    if state.freed is not None:
        return head + _freed(words, state.freed)
    return head + show.to_do(words("models_none_loaded_yet", load=words("models_load")))


def _news(words: Words, state: State) -> str:
    """What becomes of the model that was asked for last, while it is not loaded."""
    name = state.name or words("models_newest")
    if state.loading is not None:
        return _loading(words, state.loading, name)
    if state.phase == "unloading":
        return show.to_do(words("models_unloading", model=name)) + show.bar(None, None)
    if state.error is not None:
        return show.bad(words("models_failed", model=name, why=state.error.message), state.error.hint)
    return ""


def described(words: Words, state: State) -> str:
    """What the loaded model is; nothing of it changes while it is loaded."""
    if state.loaded is None:
        return ""
    more = show.folded(words("models_more"), show.table(["", ""], _places(words, state.loaded)))
    return show.table(["", ""], _rows(words, state.loaded)) + more


def _loading(words: Words, loading: Loading, name: str) -> str:
    seconds = (datetime.now(UTC) - loading.since).total_seconds()
    told: list[tuple[str, object]] = [(words("models_time"), show.duration(seconds, words))]
    if loading.weights:
        told.append((words("models_worker"), show.size(loading.worker)))
        told.append((words("models_weights_file"), show.size(loading.weights)))
    what = "models_loading" if loading.weights else "models_looking"
    return show.to_do(words(what, model=name)) + show.bar(None, None) + show.facts(told)


def _ready(words: Words, loaded: Loaded) -> str:
    warning = show.bad(loaded.named.warning) if loaded.named.warning else ""
    figures = [
        (words("models_memory_before"), show.size(loaded.before.resident)),
        (words("models_memory_now"), show.size(loaded.memory.resident)),
        (words("models_worker"), show.size(loaded.memory.worker)),
        *_gpu(words, loaded.memory),
    ]
    told = show.good(words("models_ready", model=loaded.named.name))
    return told + warning + show.facts(figures)


def _freed(words: Words, freed: Freed) -> str:
    figures = [
        (words("models_memory_before"), show.size(freed.before.resident)),
        (words("models_memory_loaded"), show.size(freed.loaded.resident)),
        (words("models_memory_after"), show.size(freed.after.resident)),
        *_gpu(words, freed.after),
    ]
    return show.good(words("models_freed", model=freed.name)) + show.facts(figures)


def _gpu(words: Words, memory: Memory) -> list[tuple[str, object]]:
    return [] if memory.gpu is None else [(words("models_gpu"), show.size(memory.gpu))]


def _rows(words: Words, loaded: Loaded) -> Iterator[tuple[str, str]]:
    named, info = loaded.named, loaded.info
    yield words("models_form"), words(f"models_form_{named.form}")
    if named.form != "base":
        yield words("models_base"), named.base
    if info is None:
        return
    yield words("models_architecture"), info.architecture
    yield words("models_parameters"), f"{info.parameters:,}"
    if info.adapter_parameters:
        yield words("models_adapter_parameters"), f"{info.adapter_parameters:,}"
    yield words("models_held"), words.either(f"models_held_{info.quantization}", info.quantization)
    yield words("models_numbers"), info.dtype
    yield words("models_device"), info.device
    yield words("models_weights"), show.size(info.memory)
    yield words("models_context"), f"{info.context:,}" if info.context else words("models_no_limit")


def _places(words: Words, loaded: Loaded) -> Iterator[tuple[str, str]]:
    """Where it comes from, and what tells it from others."""
    named, info = loaded.named, loaded.info
    if named.run:
        yield words("models_trained_in"), named.run
    if named.key:
        yield words("models_key"), named.key
    if info is not None:
        yield words("models_from"), info.origin
        yield words("models_template"), info.template
    yield words("models_base_folder"), str(named.ref.folder)
    if named.ref.adapter is not None:
        yield words("models_adapter_folder"), str(named.ref.adapter)
    yield words("models_digest"), named.ref.digest
