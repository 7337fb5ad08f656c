"""The trained models as a table, the choice of one, and all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from docutune.errors import DocutuneError
from docutune.plugins.frontends.gradio import show
from docutune.plugins.frontends.gradio.room import Room

if TYPE_CHECKING:
    from docutune.model_registry.listing import Listed
    from docutune.plugins.frontends.gradio.words import Words
    from docutune.trace import ModelTrace

_SHOWN = 30  # documents of one model
_TRAINING = ("samples", "left_out", "trainable_parameters", "loss", "eval_loss", "best_step", "best_eval_loss")


def table(room: Room) -> str:
    """Every trained model, the newest first."""
    words, found = room.words, room.workspace.models.list()
    if not found:
        key = "models_none_kept" if room.workspace.store.runs() else "models_none"
        return show.to_do(words(key, tab=words("tab_train")))
    columns = ("model", "key", "base", "dataset", "figures", "made", "size")
    heads = [words(f"models_{name}") for name in columns]
    return show.table(heads, (_row(words, model) for model in found), numbers=(6,))


def choices(room: Room) -> list[tuple[str, str]]:
    """What can be loaded, as it is shown and as it is named."""
    words = room.words
    return [
        (
            f"{item.shown} · {item.name} · {item.made:%Y-%m-%d %H:%M}"
            if item.made is not None
            else f"{item.shown} · {words(f'models_origin_{item.origin}')}",
            item.name,
        )
        for item in room.workspace.desk.offered_models()
    ]


def about(room: Room, name: str) -> str:
    """Base, data, options, figures and lineage of a trained model; for any other what to do to see more of it."""
    words, models = room.words, room.workspace.models
    if not name:
        return ""
    try:
        model = models.choose(name)
    except DocutuneError:
        return show.to_do(words("models_not_trained", model=name, load=words("models_load")))
    if not model.facts:
        return show.bad(words("models_damaged", file=model.folder / "model.json"))
    lineage = models.lineage(model)
    parts = [
        show.heading(words("models_about_one", model=model.name, digits=model.key)),
        show.table(["", ""], _facts(words, model, lineage)),
        _measured(words, model),
        _folded(words, "models_options", model.facts.get("options")),
        _folded(words, "models_training", _training(model)),
    ]
    if lineage is not None:
        parts.append(_documents(words, lineage))
    return "".join(parts)


def _row(words: Words, model: Listed) -> tuple[str, ...]:
    made = f"{model.made:%Y-%m-%d %H:%M}"
    if not model.facts:
        return "?", model.key, words("models_form_damaged"), "", "", made, show.size(model.bytes)
    figures = "; ".join(_figure(item) for entries in model.figures.values() for item in entries)
    return model.name, model.key, model.base, model.dataset, figures, made, show.size(model.bytes)


def _figure(item: Mapping[str, Any]) -> str:
    return f"{item['metric']} {item['base']:.3g} → {item['tuned']:.3g}"


def _facts(words: Words, model: Listed, lineage: ModelTrace | None) -> Iterator[tuple[str, str]]:
    base = model.facts.get("base") or {}
    yield words("models_form"), words(f"models_form_{model.form}")
    yield words("models_base"), f"{model.base} ({str(base.get('digest', ''))[:16]})"
    trained = words("models_trained_by", when=f"{model.made:%Y-%m-%d %H:%M}", trainer=model.facts.get("trainer"))
    yield words("models_trained"), trained
    yield words("models_dataset"), f"{model.dataset}{_splits(lineage)}"
    yield words("models_runs"), ", ".join(model.runs) or words("models_no_runs")
    yield words("models_adapter_folder"), str(model.adapter)
    yield words("models_size"), show.size(model.bytes)


def _splits(lineage: ModelTrace | None) -> str:
    if lineage is None:
        return ""
    return f": {', '.join(f'{count:,} {split}' for split, count in lineage.dataset.splits.items())}"


def _measured(words: Words, model: Listed) -> str:
    if not model.figures:
        return show.to_do(words("models_not_measured"))
    heads = [words(f"models_{name}") for name in ("evaluator", "metric", "is_base", "is_tuned", "interval", "verdict")]
    rows = [
        (
            evaluator,
            str(item["metric"]),
            f"{item['base']:.3g}",
            f"{item['tuned']:.3g}",
            f"{item['low']:+.3g} … {item['high']:+.3g}",
            words.either(f"models_verdict_{item['verdict']}", str(item["verdict"])),
        )
        for evaluator, entries in model.figures.items()
        for item in entries
    ]
    return show.heading(words("models_figures")) + show.table(heads, rows, numbers=(2, 3, 4))


def _training(model: Listed) -> dict[str, Any]:
    found = model.facts.get("figures") or {}
    return {name: _number(found[name]) for name in _TRAINING if name in found}


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) or value == int(value) else f"{value:.3g}"


def _folded(words: Words, title: str, values: Mapping[str, Any] | None) -> str:
    if not values:
        return ""
    rows = ((name, "" if value is None else str(value)) for name, value in values.items())
    return show.folded(words(title), show.table(["", ""], rows))


def _documents(words: Words, lineage: ModelTrace) -> str:
    count, more = len(lineage.documents), len(lineage.documents) - _SHOWN
    rows = [(item.source, item.samples) for item in lineage.documents[:_SHOWN]]
    inside = show.table([words("document"), words("samples")], rows, numbers=(1,))
    if more > 0:
        inside += show.to_do(words("models_more_documents", count=f"{more:,}", digits=lineage.key[:16]))
    return show.folded(words("models_lineage", count=f"{count:,}"), inside)
