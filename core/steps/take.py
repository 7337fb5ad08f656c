"""Step "dataset" of a pipeline that names a version: the version as it lies in the workspace, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from docutune.corpus import Dataset
from docutune.records import Sample, fingerprint, from_json
from docutune.steps.base import Count, Products, Rejection, Tools
from docutune.version_names import Chosen
from docutune.versions import read, read_rejected
from docutune.workspace import Store


@dataclass(frozen=True)
class Take:
    """Takes the chosen version. What was parsed stays beside it, for coverage and grounding."""

    chosen: Chosen
    name: str = "dataset"
    plugin: str = "core"

    def key(self, products: Products) -> str | None:
        """The version alone."""
        return fingerprint(["take", self.chosen.version])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """The version with what was left out of it; DocutuneError when it is gone or was changed."""
        dataset = read(store, self.chosen.version)
        rejected = tuple(from_json(Rejection, item) for item in read_rejected(store, self.chosen.version))
        texts = products.texts or tuple(_texts(dataset))
        return replace(products, dataset=dataset, rejected=rejected, texts=texts, samples=None)

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """There is nothing to make: a version that is named stands."""
        taken = self.recall(key, products, tools.store)
        assert taken is not None
        return taken

    def count(self, products: Products, store: Store) -> Count | None:
        """Not made of items."""
        return None


def _texts(dataset: Dataset) -> list[str]:
    """What the embedded base reads where there are no sources: what is said in the samples that are trained on."""
    return [_text(made.sample) for made in dataset.of("train")]


def _text(sample: Sample) -> str:
    return "\n\n".join(message.content for message in sample.messages)


def facts_of(chosen: Chosen) -> Mapping[str, Any]:
    """What the manifest says of a version that was taken by name."""
    return {"name": chosen.name, "version": chosen.version, "tag": chosen.tag, "run": chosen.run}
