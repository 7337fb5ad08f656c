"""Everything that may be done with the dataset versions of one workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docutune import tags
from docutune.registry import Registry
from docutune.version_names import Chosen, resolve
from docutune.workspace import Store

if TYPE_CHECKING:
    from docutune.datasets.adding import Adding
    from docutune.datasets.checking import Checked
    from docutune.datasets.diff import Diff
    from docutune.datasets.export import Exported, ExportRequest
    from docutune.datasets.importing import Importing
    from docutune.datasets.listing import Listed
    from docutune.datasets.log import Entry
    from docutune.datasets.rating import Item, Walk
    from docutune.datasets.show import LeftOut, Shown, Wanted
    from docutune.datasets.uses import Uses
    from docutune.ratings import Ratings
    from docutune.report.quality import Quality


@dataclass(frozen=True)
class Datasets:
    """The dataset versions of a workspace, and the files of samples beside its pipeline file."""

    project: Path
    store: Store
    registry: Registry

    def list(self) -> list[Listed]:
        """Every version, oldest first, damaged ones last."""
        from docutune.datasets.listing import list_versions

        return list_versions(self.store)

    def log(self, limit: int | None = None) -> Sequence[Entry]:
        """How the dataset changed from run to run, newest first."""
        from docutune.datasets.log import log

        return log(self.store, limit)

    def choose(self, name: str) -> Chosen:
        """The version of that name: a hash, its first digits, a tag, `latest` or a run's id; UsageError for others."""
        return resolve(self.store, name)

    def show(self, version: str, wanted: Wanted) -> Shown:
        """A version's facts and some of its samples; DocutuneError when it is gone or was changed."""
        from docutune.datasets.show import show

        return show(self.store, self.choose(version), wanted)

    def left_out(self, version: str, reason: str | None = None) -> Sequence[LeftOut]:
        """What was left out when a version was made, or by the run that is named; with `reason` only what fits it."""
        from docutune.datasets.show import left_out

        return left_out(self.store, self.choose(version), reason)

    def diff(self, before: str, after: str) -> Diff:
        """Every difference between two versions, with its cause."""
        from docutune.datasets.diff import diff

        return diff(self.store, before, after)

    def tag(self, name: str, version: str, force: bool = False) -> tuple[str, str | None]:
        """Let a tag name a version; the version, and the one that it named before. With `force` it may be moved."""
        chosen = self.choose(version).version
        return chosen, tags.add_tag(self.store, name, chosen, force)

    def untag(self, name: str) -> str:
        """Take a tag away; the version that it named."""
        return tags.remove_tag(self.store, name)

    def removable(self, version: str, force: bool) -> tuple[str, int, Uses]:
        """The version of that name, its bytes and who names it; UsageError when somebody does and not `force`."""
        from docutune.datasets.removal import removable

        return removable(self.store, version, force)

    def remove(self, version: str, force: bool = False) -> str:
        """Remove a version with its tags; the version. Errors as `removable`, and when a run is at work."""
        from docutune.datasets.removal import remove

        return remove(self.store, version, force)

    def export(self, request: ExportRequest) -> Exported:
        """Write a version into a file or folder, whole or not at all."""
        from docutune.datasets.export import export

        return export(self.store, request)

    def importing(self, pipeline: Path) -> Importing:
        """What brings question-answer files into the samples of a pipeline file."""
        from docutune.datasets.importing import Importing

        return Importing(pipeline, self.store, self.registry)

    def adding(self, pipeline: Path, to: Path | None = None) -> Adding:
        """What adds samples that somebody types to a samples file of a pipeline."""
        from docutune.datasets.adding import Adding

        return Adding(pipeline, self.store, self.registry, to)

    def check(self, pipeline: Path, files: Sequence[Path]) -> Checked:
        """Every problem in the named files of samples, or in all that the pipeline file reads."""
        from docutune.datasets.checking import check

        return check(pipeline, files, self.registry)

    def report(self, version: str, pipeline: Path | None, note: Callable[[str], None]) -> tuple[Quality, Path]:
        """The report on the quality of a version, and its page. See datasets.quality.Reporting."""
        from docutune.datasets.quality import Reporting

        return Reporting(self.project, self.store, self.registry, note).report(version, pipeline)

    def samples_to_rate(self, version: str, walk: Walk) -> Sequence[Item]:
        """The samples of a version, one by one for a person to judge."""
        from docutune.datasets.rating import samples

        return samples(self.store, version, walk)

    def answers_to_rate(self, model: str | None, walk: Walk) -> Sequence[Item]:
        """Both answers to each held-out question of the newest evaluation, likewise."""
        from docutune.datasets.rating import answers

        return answers(self.store, model, walk)

    @property
    def ratings(self) -> Ratings:
        """What was judged so far."""
        from docutune.ratings import Ratings

        return Ratings(self.store)
