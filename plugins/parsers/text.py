"""Bytes to text and lines, the way editors count lines: only CRLF, LF and CR end one."""

from __future__ import annotations

import codecs
import re

_LINE_END = re.compile(r"\r\n|\r|\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])|(?<=[。！？])\s*")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def split_lines(text: str) -> list[str]:
    """The lines without their ends. Form feeds and Unicode separators do not end a line, unlike in `str.splitlines`."""
    return _LINE_END.split(text)


def storable(text: str) -> str:
    """The text without lone surrogates, which escapes can make and no UTF-8 file can hold."""
    return text.encode("utf-8", "replace").decode()


def decode(content: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of a document, without byte order mark, and a problem where bytes had to be replaced."""
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding), ()
    except UnicodeDecodeError as error:
        line = len(split_lines(content[: error.start].decode(encoding, "replace")))
        problem = f"line {line}: not valid {encoding.removesuffix('-sig').upper()}; such bytes are shown as U+FFFD"
        return content.decode(encoding, "replace"), (problem,)


def last_sentence(paragraph: str) -> str:
    """The last sentence of a paragraph, in one line."""
    sentences = [sentence for sentence in _SENTENCE_END.split(" ".join(paragraph.split())) if sentence.strip()]
    return sentences[-1].strip() if sentences else ""
