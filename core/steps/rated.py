"""Step "curate:ratings": what people called bad is left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from docutune.rated import rejected
from docutune.records import fingerprint
from docutune.steps.base import Count, Products, Rejection, Tools
from docutune.workspace import Store


@dataclass(frozen=True)
class LeaveOut:
    """Leaves out the samples that a file of ratings calls bad. One that says something else by now has another id."""

    file: Path
    name: str = "curate:ratings"
    plugin: str = "core"

    def key(self, products: Products) -> str | None:
        """The samples, and which of them the file calls bad."""
        if products.samples is None:
            return None
        ids = sorted(made.sample.id for made in products.samples)
        known = set(ids)
        return fingerprint(["ratings", ids, {name: note for name, note in self._bad.items() if name in known}])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """As quick as reading what was kept would be."""
        samples = products.samples or ()
        rejections = tuple(
            Rejection(made.sample.id, "ratings", _reason(self._bad[made.sample.id]), made.origin.spans, made.sample)
            for made in {made.sample.id: made for made in samples}.values()
            if made.sample.id in self._bad
        )
        kept = tuple(made for made in samples if made.sample.id not in self._bad)
        return replace(products, samples=kept, rejected=(*products.rejected, *rejections))

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """The same."""
        made = self.recall(key, products, tools.store)
        assert made is not None
        return made

    def count(self, products: Products, store: Store) -> Count | None:
        """Not made of items."""
        return None

    @cached_property
    def _bad(self) -> dict[str, str]:
        return rejected(self.file)


def _reason(note: str) -> str:
    return f"rated bad: {note}" if note else "rated bad"
