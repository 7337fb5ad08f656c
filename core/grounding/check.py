"""What is wrong with a sample as far as the symbol table and Python's grammar can tell."""

from __future__ import annotations

from collections.abc import Iterator

from docutune.contracts import Library
from docutune.grounding.denial import is_denied
from docutune.grounding.existence import is_invented, shown
from docutune.grounding.uses import prose_of, uses
from docutune.records import Role, Sample

REVISION = 3
"""Raised whenever the same sample and library would give other complaints."""

_ASKED = frozenset(("negative", "bug-fix"))
_TOLD = "migration"


def complaints(sample: Sample, library: Library, source: str = "") -> tuple[str, ...]:
    """One line per dotted name of this library that certainly does not exist, sorted, and one for code that is none.

    A name belongs to the library when its first part is one of its top-level modules. Certain is what would stand in
    a module or in a class without foreign bases. Names that do not exist may be spoken of in samples of three kinds:
    what the question names ("negative", "bug-fix"), and what the sources name (`source`, "migration"); and only to say
    that it is not there, or no more. In the code of an answer they never stand.
    """
    found = dict.fromkeys((*_of_code(sample, library), *_of_prose(sample, library, source)))
    found.update(dict.fromkeys(_of_questions(sample, library, source)))
    return (*sorted(found), *_unreadable(sample))


def used(sample: Sample) -> frozenset[str]:
    """The names in a sample that the library is asked for."""
    return frozenset[str]().union(*(uses(message.content).names for message in sample.messages))


def _of_code(sample: Sample, library: Library) -> Iterator[str]:
    for text in _said(sample, "assistant"):
        yield from (shown(name, library) for name in uses(text).code if is_invented(name, library))


def _of_prose(sample: Sample, library: Library, source: str) -> Iterator[str]:
    """Names in the prose of answers: those that may be spoken of are denied wherever they stand."""
    for text in _said(sample, "assistant"):
        for name in uses(text).prose:
            if is_invented(name, library):
                if not _is_excused(name, sample, source):
                    yield shown(name, library)
                elif not is_denied(name, prose_of(text)):
                    yield f"`{name}` is not in the library, and the answer does not say so wherever it names it"


def _of_questions(sample: Sample, library: Library, source: str) -> Iterator[str]:
    """Names in questions: an answer that takes them as given teaches them, too."""
    if sample.kind == "bug-fix":
        return
    answers = "\n".join(prose_of(text) for text in _said(sample, "assistant"))
    told = frozenset[str]().union(*(uses(text).names for text in _said(sample, "assistant")))
    for text in _said(sample, "user"):
        for name in uses(text).names:
            if not is_invented(name, library) or (name in told and sample.kind != "negative"):
                continue
            if not _is_excused(name, sample, source):
                yield f"the question names what does not exist: {shown(name, library)}"
            elif sample.kind == "negative" and not is_denied(name, answers):
                yield f"the answer does not say that there is no `{name}`"


def _is_excused(name: str, sample: Sample, source: str) -> bool:
    """Whether the kind allows to speak of it; an argument or an instance's member is spoken of without its owner."""
    if "(" in name:
        return False
    if sample.kind in _ASKED:
        return any(name in uses(text).names for text in _said(sample, "user"))
    return sample.kind == _TOLD and _is_told(name, source)


def _is_told(name: str, source: str) -> bool:
    """Whether the sources write the name in full, or the end of it as inline code."""
    parts = name.split(".")
    tails = (".".join(parts[place:]) for place in range(1, len(parts)))
    return name in uses(source).names or any(f"`{tail}`" in source or f"`{tail}(" in source for tail in tails)


def _unreadable(sample: Sample) -> Iterator[str]:
    for text in _said(sample, "assistant"):
        if problem := uses(text).unreadable:
            yield f"the code is no Python: {problem}"
            return


def _said(sample: Sample, role: Role) -> Iterator[str]:
    return (message.content for message in sample.messages if message.role == role)
