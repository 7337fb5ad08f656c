"""What --json says of a trained model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutune.model_registry.listing import Listed


def facts(model: Listed) -> dict[str, Any]:
    """The facts that list and info share."""
    return {
        "name": model.name if model.facts else None,
        "key": model.key,
        "form": model.form,
        "base": model.facts.get("base"),
        "dataset": model.dataset or None,
        "trainer": model.facts.get("trainer"),
        "trained_in": model.run or None,
        "runs": list(model.runs),
        "made": model.made.isoformat(),
        "bytes": model.bytes,
        "figures": model.figures,
        "folder": str(model.folder),
    }
