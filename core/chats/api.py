"""Everything that may be done with the chats of one workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docutune.registry import Registry
from docutune.workspace import Store

if TYPE_CHECKING:
    from docutune.chats.conversation import Conversation, Talker
    from docutune.chats.export import Form
    from docutune.chats.index import Listing
    from docutune.chats.learning import Learning
    from docutune.chats.records import Chat
    from docutune.notebook import Exchange


@dataclass(frozen=True)
class Chats:
    """The chats of a workspace; they outlive the models that answered."""

    store: Store
    registry: Registry

    def list(self) -> Listing:
        """Every chat, the one that changed last at the head."""
        from docutune.chats.reading import list_chats

        return list_chats(self.store)

    def show(self, name: str) -> Chat:
        """A chat by its id, the first characters of it, or `latest`; UsageError for others."""
        from docutune.chats.reading import find

        return find(self.store, name)

    def exchanges(self) -> Sequence[Exchange]:
        """Every question that was answered and its answer, of all chats, oldest first."""
        from docutune.chats.reading import exchanges

        return exchanges(self.store)

    def questions(self) -> Sequence[str]:
        """What was asked in the newest chats, the last question at the end."""
        from docutune.chats.reading import questions

        return questions(self.store)

    def export(self, name: str, form: Form) -> tuple[str, int]:
        """A chat as text, and how many of its turns that lacks: see export.exported."""
        from docutune.chats.export import exported, not_exported

        chat = self.show(name)
        return exported(chat, form), not_exported(chat, form)

    def write(self, name: str, file: Path, force: bool = False) -> int:
        """Write a chat into a file, as its name asks for: see export.write."""
        from docutune.chats.export import write

        return write(self.show(name), file, force)

    def remove(self, name: str) -> str:
        """Remove a chat; its id. DocutuneError when it is open somewhere."""
        from docutune.chats.reading import remove

        return remove(self.store, name)

    def rebuild(self) -> int:
        """Make the index of chats again from their files; the number of chats in it."""
        from docutune.chats.index import rebuild

        return rebuild(self.store) if self.store.folder.is_dir() else 0

    @contextmanager
    def conversation(self, talker: Talker, system: str = "", alone: bool = False) -> Iterator[Conversation]:
        """A new chat with a loaded model; it is closed at the end."""
        from docutune.chats.conversation import Conversation

        with closing(Conversation(self.store, talker, system, alone)) as conversation:
            yield conversation

    def resume(self, name: str, talker: Talker) -> Conversation:
        """Go on with a chat; whoever asks closes it. DocutuneError when it is open elsewhere.

        UsageError for one whose several questions were each asked alone.
        """
        from docutune.chats.reading import resume

        return resume(self.store, name, talker)

    def learning(self, pipeline: Path) -> Learning:
        """What makes samples and ratings of answers, for a pipeline file, which need not exist."""
        from docutune.chats.learning import Learning
        from docutune.datasets.adding import Adding
        from docutune.ratings import Ratings

        return Learning(Adding(pipeline, self.store, self.registry), Ratings(self.store))
