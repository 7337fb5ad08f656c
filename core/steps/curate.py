"""Steps "curate:<plugin>" and "dataset": which samples to leave out, then the splits and the dataset version."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from operator import index
from pathlib import Path
from typing import Any

from docutune.config import SplitConfig, StepConfig
from docutune.contracts import Chat, Curator
from docutune.corpus import DESCRIPTION, Dataset, assemble, described, split_files, with_replay
from docutune.errors import DocutuneError, Unanswered
from docutune.guard import a, awaited, guarded, mistake, series
from docutune.reasons import kind_of
from docutune.records import RECORDS_VERSION, JsonValue, Made, canonical, fingerprint, from_json, to_json
from docutune.registry import Registry
from docutune.sensitive import cleaned_sample
from docutune.steps.asking import Asking
from docutune.steps.base import Count, Products, Rejection, StepContext, Tools, plugin_identity, rejected_lines
from docutune.steps.replay import spared
from docutune.versions import is_whole, publish
from docutune.workspace import Store

_REASONS = 3
_ID = re.compile(r"\b[0-9a-f]{16}\b")


@dataclass(frozen=True, slots=True)
class Decided:
    """What a curator decided: id of a rejected sample -> the reason, and the keys of the replies that it stands on.

    Not `lasting` where questions to the chat model were not answered, or not sent: the next run tries them again.
    """

    reasons: Mapping[str, str]
    replies: tuple[str, ...] = ()
    unanswered: int = 0
    withheld: int = 0

    @property
    def lasting(self) -> bool:
        """Whether the next run may use it."""
        return self.unanswered == self.withheld == 0


@dataclass(frozen=True)
class Curate:
    """Lets one curator reject samples; `runtime` opens a chat model of this machine."""

    config: StepConfig
    registry: Registry
    seed: int
    runtime: StepConfig | None = None

    @property
    def name(self) -> str:
        """The step's name."""
        return f"curate:{self.config.name}"

    @property
    def plugin(self) -> str:
        """The curator's name."""
        return self.config.uses

    @property
    def asking(self) -> Asking:
        """How its chat model is asked."""
        return Asking(self.config, self.runtime)

    def key(self, products: Products) -> str | None:
        """The curator, the identities of all samples before it, and the splits that files give them."""
        options = self.asking.options(products)
        if products.samples is None or options is None:
            return None
        identity = plugin_identity(self.config.entry.registration, options)
        ids = sorted(made.sample.id for made in products.samples)
        splits = {name: split for name, split in products.given.items() if split is not None}
        return fingerprint(["curate", RECORDS_VERSION, identity, self.seed, ids, splits])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """The kept decisions, applied to the samples of this walk."""
        value = store.recall("results", key)
        return None if value is None else self._apply(products, from_json(Decided, value))

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Ask the curator; samples go in by their ids' order, so that it cannot depend on another.

        Each id goes in once: rejecting the second copy of a sample would reject the first, too.
        """
        decided = asyncio.run(self._decide(_each_once(products), products, tools))
        if decided.lasting:
            tools.store.keep("results", key, to_json(decided))
        return self._apply(products, decided)

    def count(self, products: Products, store: Store) -> Count | None:
        """A curator sees all samples at once."""
        return None

    async def _decide(self, samples: Sequence[Made], products: Products, tools: Tools) -> Decided:
        """A chat model is lent only to a plugin whose options name one."""
        curator: Curator = self.registry.create(self.config.entry, self.config.options)
        context = StepContext(self.seed, tools.run / "curate" / self.config.name, tools.progress, tools.note)
        async with self.asking.chat(products, tools, f"curate-{self.config.name}") as chat:
            if chat is None:
                return Decided(await self.reasons(curator, samples, context))
            lent = chat.lend(())
            reasons = await self.reasons(curator, samples, replace(context, lent=lent))
            return Decided(reasons, tuple(dict.fromkeys(lent.replies)), lent.unanswered, lent.withheld)

    async def rehearse(self, products: Products, tools: Tools, chat: Chat) -> None:
        """Look through the samples with a chat model that sends nothing, and keep nothing."""
        curator: Curator = self.registry.create(self.config.entry, self.config.options)
        context = StepContext(self.seed, tools.run, tools.progress, tools.note, chat)
        with suppress(Unanswered):
            await self.reasons(curator, _each_once(products), context)

    async def reasons(self, curator: Curator, samples: Sequence[Made], context: StepContext) -> dict[str, str]:
        """Id of a rejected sample -> the reason."""
        plugin = self.config.entry.full_name
        with guarded(plugin, "while it looked through the samples"):
            given = await awaited(plugin, "reject", curator.reject(samples, context))
            found = {samples[place].sample.id: why for place, why in _decisions(plugin, given, len(samples))}
            return dict(sorted(spared(found, samples).items()))

    def _apply(self, products: Products, decided: Decided) -> Products:
        samples, reasons = products.samples or (), decided.reasons
        kept = tuple(made for made in samples if made.sample.id not in reasons)
        made_by_id = {made.sample.id: made for made in samples}
        left_out = ((made_by_id[subject], _placed(reason, made_by_id)) for subject, reason in reasons.items())
        rejected = tuple(
            Rejection(made.sample.id, self.plugin, reason, made.origin.spans, cleaned_sample(made.sample))
            for made, reason in left_out
        )
        return replace(
            products,
            samples=kept,
            rejected=(*products.rejected, *rejected),
            replies=products.replies | frozenset(decided.replies),
            unanswered=products.unanswered + decided.unanswered,
            withheld=(*products.withheld, *([""] * decided.withheld)),
        )


def _placed(reason: str, known: Mapping[str, Made]) -> str:
    """The reason with the first place of each sample that it names: places may move while decisions are kept."""

    def told(name: re.Match[str]) -> str:
        spans = known[name[0]].origin.spans if name[0] in known else ()
        return f"{name[0]} ({spans[0]})" if spans else name[0]

    return _ID.sub(told, reason)


def _each_once(products: Products) -> list[Made]:
    """The samples in the order of their ids, with the splits that files give them."""
    unique = {made.sample.id: made for made in products.samples or ()}
    return [replace(made, split=products.given.get(name)) for name, made in sorted(unique.items())]


def _decisions(plugin: str, given: Any, count: int) -> Iterator[tuple[int, str]]:
    """The pairs of index and reason that a curator gave back; a negative index means no sample."""
    for pair in series("pairs of index and reason", plugin, "reject", given):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise mistake(plugin, f"gave back {a(pair)} from reject() where a pair of index and reason belongs")
        place, reason = pair
        if not hasattr(place, "__index__") or isinstance(place, bool) or not 0 <= index(place) < count:
            raise mistake(plugin, f"rejected the sample {place!r}, but their indexes run from 0 to {count - 1}")
        if not isinstance(reason, str):
            raise mistake(plugin, f"rejected the sample {index(place)} and gave {a(reason)} as the reason, not text")
        canonical(reason)  # lone surrogates cannot be written
        yield index(place), reason


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
        replayed = [[item.share, [made.sample.id for made in item.samples]] for item in products.replay]
        identity = ["dataset", self.split.model_dump(mode="json"), ids, dict(products.given)]
        return fingerprint([*identity, replayed] if replayed else identity)

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """Splitting is quick and sure: only the written files decide whether there is work."""
        dataset, files = self._assemble(key, products)
        folder = store.dataset_folder(dataset.version)
        whole = all(_holds(folder / name, content) for name, content in files.items())
        whole = whole and _tells(folder / DESCRIPTION, described(dataset, self.project))
        return replace(products, dataset=dataset) if whole and is_whole(folder) else None

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Write the version's files."""
        dataset, _ = self._assemble(key, products)
        publish(dataset, self.project, tools.store, rejected_lines(products.rejected))
        return replace(products, dataset=dataset)

    def count(self, products: Products, store: Store) -> Count | None:
        """Not made of items."""
        return None

    def _assemble(self, key: str, products: Products) -> tuple[Dataset, Mapping[str, str]]:
        """The dataset and its files, computed once a walk."""
        if key not in self._assembled:
            dataset = self._split(products)
            if not dataset.of("train"):
                raise _nothing_left(products)
            self._assembled[key] = dataset, split_files(dataset)
        return self._assembled[key]

    def _split(self, products: Products) -> Dataset:
        """The samples with their splits, and so many of those to replay as their shares want."""
        samples = {made.sample.id: made for made in products.samples or ()}
        groups = [
            (item.share, [samples.pop(made.sample.id, None) for made in item.samples]) for item in products.replay
        ]
        dataset = assemble(samples.values(), self.split, products.given)
        kept = [(share, [made for made in group if made is not None]) for share, group in groups]
        return with_replay(dataset, kept, self.split) if kept else dataset

    @cached_property
    def _assembled(self) -> dict[str, tuple[Dataset, Mapping[str, str]]]:
        return {}


def _holds(path: Path, content: str) -> bool:
    try:
        return path.read_bytes() == content.encode()
    except OSError:
        return False


def _tells(path: Path, expected: Mapping[str, JsonValue]) -> bool:
    """Whether a dataset.json fits; the project's name may have changed since."""
    try:
        told = json.loads(path.read_bytes())
        return isinstance(told, dict) and {**told, **expected, "project": None} == {**told, "project": None}
    except (OSError, ValueError):
        return False


def _nothing_left(products: Products) -> DocutuneError:
    """Where the samples went, or why there were none."""
    public = 0 if products.library is None else sum(1 for _ in products.library.public())
    sections = sum(document.sections for document in products.documents)
    if products.samples or products.rejected:
        reasons = Counter(f"{item.producer}: {kind_of(item.reason)}" for item in products.rejected)
        why = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common(_REASONS))
        found = f"{len(products.samples or ()):,} held out, {len(products.rejected):,} left out{why and f' ({why})'}"
        listed = "change what left samples out: runs/latest/rejected.jsonl names each with its places"
        ways = (products.samples and "lower the shares in `split:`", why and listed)
        hint = ", or ".join(way for way in ways if way)
    else:
        counts = {"document": len(products.documents), "section": sections, "public symbol": public}
        given, *rest = (f"{count:,} {thing}{'' if count == 1 else 's'}" for thing, count in counts.items())
        found = f"{given} gave {' and '.join(rest)}, and none of them a sample"
        hint = "name folders with more text or code in `sources:`; runs/latest/api.json lists the symbols"
    return DocutuneError(f"no sample to train on: {found}", hint)
