"""Steps "curate:<plugin>" and "dataset": which samples to leave out, then the splits and the dataset version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from docutune import atomic
from docutune.config import SplitConfig, StepConfig
from docutune.contracts import Curator
from docutune.corpus import DESCRIPTION, Dataset, assemble, described, split_files
from docutune.errors import DocutuneError
from docutune.records import RECORDS_VERSION, JsonValue, fingerprint
from docutune.registry import Registry
from docutune.steps.base import Count, Products, Rejection, StepContext, Tools, plugin_identity
from docutune.workspace import Store


@dataclass(frozen=True)
class Curate:
    """Lets one curator reject samples."""

    config: StepConfig
    registry: Registry
    seed: int

    @property
    def name(self) -> str:
        """The step's name."""
        return f"curate:{self.config.name}"

    @property
    def plugin(self) -> str:
        """The curator's name."""
        return self.config.uses

    def key(self, products: Products) -> str | None:
        """The curator and the identities of all samples before it."""
        if products.samples is None:
            return None
        identity = plugin_identity(self.config.entry.registration, self.config.options)
        ids = sorted(made.sample.id for made in products.samples)
        return fingerprint(["curate", RECORDS_VERSION, identity, self.seed, ids])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """The kept decisions, applied to the samples of this walk."""
        value = store.recall("results", key)
        return None if value is None else self._apply(products, dict(value))

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Ask the curator; samples go in by their ids' order, so that it cannot depend on another.

        Each id goes in once: rejecting the second copy of a sample would reject the first, too.
        """
        unique = {made.sample.id: made for made in products.samples or ()}
        samples = [made for _, made in sorted(unique.items())]
        curator: Curator = self.registry.create(self.config.entry, self.config.options)
        context = StepContext(self.seed, tools.run / "curate" / self.config.name, tools.progress)
        reasons = {samples[index].sample.id: why for index, why in asyncio.run(curator.reject(samples, context))}
        tools.store.keep("results", key, [[subject, reason] for subject, reason in sorted(reasons.items())])
        return self._apply(products, reasons)

    def count(self, products: Products, store: Store) -> Count | None:
        """A curator sees all samples at once."""
        return None

    def _apply(self, products: Products, reasons: dict[str, str]) -> Products:
        samples = products.samples or ()
        kept = tuple(made for made in samples if made.sample.id not in reasons)
        spans = {made.sample.id: made.origin.spans for made in samples}
        rejected = tuple(
            Rejection(subject, self.plugin, reason, spans.get(subject, ())) for subject, reason in reasons.items()
        )
        return replace(products, samples=kept, rejected=(*products.rejected, *rejected))


@dataclass(frozen=True)
class Assemble:
    """Splits the samples and writes the dataset version."""

    split: SplitConfig
    project: str
    name: str = "dataset"
    plugin: str = "core"

    def key(self, products: Products) -> str | None:
        """The samples' identities, and what `split:` and their files say of splits."""
        if products.samples is None:
            return None
        ids = sorted(made.sample.id for made in products.samples)
        return fingerprint(["dataset", self.split.model_dump(mode="json"), ids, dict(products.given)])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """Splitting is quick and sure: only the written files decide whether there is work."""
        dataset = self._assemble(products)
        folder = store.dataset_folder(dataset.version)
        whole = all(_holds(folder / name, content) for name, content in split_files(dataset).items())
        whole = whole and _tells(folder / DESCRIPTION, described(dataset, self.project))
        return replace(products, dataset=dataset) if whole else None

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Write the version's files."""
        dataset = self._assemble(products)
        with tools.store.staging(tools.store.dataset_folder(dataset.version)) as folder:
            for name, content in split_files(dataset).items():
                atomic.write_text(folder / name, content)
            told = json.dumps(described(dataset, self.project), indent=2, ensure_ascii=False)
            atomic.write_text(folder / DESCRIPTION, told + "\n")
        return replace(products, dataset=dataset)

    def count(self, products: Products, store: Store) -> Count | None:
        """Not made of items."""
        return None

    def _assemble(self, products: Products) -> Dataset:
        dataset = assemble(products.samples or (), self.split, products.given)
        if not dataset.of("train"):
            raise _nothing_left(products)
        return dataset


def _holds(path: Path, content: str) -> bool:
    try:
        return path.read_bytes() == content.encode()
    except OSError:
        return False


def _tells(path: Path, expected: Mapping[str, JsonValue]) -> bool:
    """Whether a dataset.json fits; the project's name may have changed since."""
    try:
        told = json.loads(path.read_bytes())
        return isinstance(told, dict) and {**expected, "project": None} == {**told, "project": None}
    except (OSError, ValueError):
        return False


def _nothing_left(products: Products) -> DocutuneError:
    """Where the samples went, or why there were none."""
    documents = len(products.documents)
    public = 0 if products.library is None else sum(1 for _ in products.library.public())
    sections = sum(document.sections for document in products.documents)
    if products.samples or products.rejected:
        found = f"{len(products.samples or ())} are held out, {len(products.rejected)} were rejected"
        hint = "lower the shares in `split:`, or see why in .docutune/runs/latest/rejected.jsonl"
    else:
        found = f"{documents} documents gave {sections} sections and {public} public symbols, and none of them a sample"
        hint = "name folders with more text or code in `sources:`; runs/latest/api.json lists the symbols"
    return DocutuneError(f"no sample to train on: {found}", hint)
