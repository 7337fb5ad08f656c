"""The encoding of a text file, from its bytes: UTF-8, UTF-16 as Excel writes it, GB18030 as Chinese Windows does."""

from __future__ import annotations

import codecs
from itertools import islice

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 20_000
_MOST_UNUSUAL = 0.1
_FEW_ZEROS = 0.05


def decoded(content: bytes, chosen: str | None = None) -> tuple[str, str]:
    """The text and the name of its encoding; ValueError in one line when it is none of those that are known.

    `chosen` is what the user says it is.
    """
    name = chosen or _named_by_its_bytes(content)
    if name is not None:
        try:
            return content.decode(name), _shown(name)
        except LookupError:
            raise ValueError(f"no text encoding is called {name!r}") from None
        except UnicodeError as error:
            place = f"byte {error.start:,}" if isinstance(error, UnicodeDecodeError) else "the content"
            raise ValueError(f"{place} is not {_shown(name)}; another encoding may be named") from None
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        return _chinese(content, error)


def _named_by_its_bytes(content: bytes) -> str | None:
    """By its mark, or by the zeros that UTF-16 has beside every Latin letter and digit."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    zeros = [content[start:_LOOKED_AT:2].count(0) for start in (0, 1)]
    few = sum(zeros) <= _FEW_ZEROS * min(len(content), _LOOKED_AT)
    if not any(zeros) or (few and _is_utf8(content)):  # a stray zero makes no UTF-16 of a text
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _chinese(content: bytes, error: UnicodeDecodeError) -> tuple[str, str]:
    """GB18030, if what it gives is Chinese as it is written: most other bytes give rare characters there."""
    line = content.count(b"\n", 0, error.start) + 1
    problem = f"line {line}: neither UTF-8 nor UTF-16 nor GB18030; save the file as UTF-8, or name its encoding"
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        raise ValueError(problem) from None
    wide = list(islice((character for character in text if not character.isascii()), _LOOKED_AT))
    unusual = sum(not _is_usual(character) for character in wide)
    if unusual > _MOST_UNUSUAL * len(wide):
        raise ValueError(problem)
    return text, "GB18030"


def _is_usual(character: str) -> bool:
    """Whether it is one of the 7,000 characters that the oldest of these standards has."""
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    return {"utf-8-sig": "UTF-8 with a mark", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}.get(
        name, name.upper()
    )
