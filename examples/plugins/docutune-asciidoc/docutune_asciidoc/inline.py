"""AsciiDoc's marks inside a paragraph, turned into Markdown."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"([\"'])`([^`\n]+)`\1")
_LITERAL = re.compile(r"`\+([^`\n]*)\+`")
_CODE = re.compile(r"`{1,2}([^`\n]+)`{1,2}")
_HELD = re.compile("\x00(\\d+)\x00")
_LINK = re.compile(
    r"\b(?:link|xref|mailto):([^\s\[\]]{0,500})\[([^\[\]]*)\]|(https?://[^\s\[\]<>]{1,500})\[([^\[\]]*)\]"
)
_REPLACEMENTS = (
    (re.compile(r"\+\+\+([^+\n]+)\+\+\+|pass:\w*\[([^\[\]]*)\]"), lambda match: match[1] or match[2]),
    (_LINK, lambda match: _label(match[2] or match[4] or "") or match[1] or match[3] or ""),
    (re.compile(r"<<([^<>,\n]+)(?:,([^<>]*))?>>"), lambda match: (match[2] or match[1].lstrip("#")).strip()),
    (re.compile(r"\b(?:image|icon):[^\s\[\]:]{1,500}\[([^\[\]]*)\]"), lambda match: _label(match[1])),
    (re.compile(r"\b(?:kbd|btn):\[([^\[\]]*)\]"), lambda match: match[1]),
    (re.compile(r"\bmenu:([^\s\[\]]{1,100})\[([^\[\]]*)\]"), lambda match: f"{match[1]} > {match[2]}"),
    (re.compile(r"\s?\bfootnote(?:ref)?:[\w-]{0,100}\[[^\[\]]*\]"), lambda match: ""),
    (re.compile(r"\[\[[^\[\]]*\]\]|\(\(\([^()]*\)\)\)"), lambda match: ""),
    (re.compile(r"\(\(([^()]+)\)\)"), lambda match: match[1]),
    (re.compile(r"(?:\[[^\[\]\s]*\])?(?<![\w#&])#([^#\s][^#\n]*)#(?![\w#])"), lambda match: match[1]),
    (re.compile(r"(?<![\w*\\])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"), lambda match: f"**{match[1]}**"),
    (re.compile(r"[ \t]\+$", re.MULTILINE), lambda match: ""),
    (re.compile(r"\\([*_#<`\[])"), lambda match: match[1]),
)


def markdown(text: str) -> str:
    """A paragraph in Markdown; code keeps its backticks, links keep their words."""
    text = text.replace("\x00", "\ufffd")
    kept: list[str] = []

    def release(match: re.Match[str]) -> str:
        return kept[int(match[1])]

    def hold(code: str) -> str:
        kept.append(_HELD.sub(release, code))
        return f"\x00{len(kept) - 1}\x00"

    text = _QUOTED.sub(r"\1\2\1", text)
    text = _LITERAL.sub(lambda match: hold(f"`{match[1]}`"), text)
    text = _CODE.sub(lambda match: hold(f"`{match[1]}`"), text)
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return _HELD.sub(release, text).strip()


def plain(text: str) -> str:
    """A title: one line, without marks."""
    return " ".join(re.sub(r"[`]|\*\*", "", markdown(text)).split())


def _label(inside: str) -> str:
    """The words in a macro's brackets, without the options after them."""
    quoted = re.match(r'\s*"([^"]*)"', inside)
    words = quoted[1] if quoted else re.split(r",\s*\w+\s*=", inside)[0]
    return words.strip().removesuffix("^").strip()
