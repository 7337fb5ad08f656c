"""What `docutune dataset list` shows."""

from __future__ import annotations

from dataclasses import dataclass

from docutune.datasets.uses import Users, Uses
from docutune.version_names import folders
from docutune.versions import Version, versions
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """A version that is here; `facts` None where its description is damaged."""

    version: str
    facts: Version | None
    uses: Uses


def list_versions(store: Store) -> list[Listed]:
    """Every version whose folder is here, oldest first, damaged ones last."""
    users = Users(store)
    known = {found.version: found for found in versions(store)}
    names = [*known, *(name for name in folders(store) if name not in known)]
    return [Listed(name, known.get(name), users.of(name)) for name in names]
