"""Inline markup of reStructuredText, MyST and Markdown, turned into plain Markdown without links and roles."""

from __future__ import annotations

import re

_ROLE = re.compile(r"(?<![\w`])(?::(?P<rst>[a-zA-Z][\w:+.-]*):|\{(?P<myst>[a-zA-Z][\w:+.-]*)\})`(?P<body>[^`]+)`")
_TITLED = re.compile(r"^(?P<title>.+?)\s*<(?P<target>[^<>]+)>$", re.DOTALL)
_LITERAL = re.compile(r"``\s?([^`\n]+?)\s?``")
_CODE = re.compile(r"(?<!`)(`{1,4})(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_HELD = re.compile("\x00(\\d+)\x00")
_NAME = re.compile(r"[A-Za-z_@.-][\w.\-\[\]()*=, ]*")
_TEXT_ROLES = {"ref", "doc", "term", "abbr", "numref", "any", "emphasis", "strong", "title", "download", "guilabel"}
_DROPPED_ROLES = {"issue", "pr", "gh", "user", "commit", "eq", "cite", "footcite"}
_REPLACEMENTS = (
    (re.compile(r"!\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),
    (re.compile(r"\[([^\[\]]+)\]\(<?[^()\s]*(?:\([^()\s]*\)[^()\s]*)?>?(?:\s+[\"'][^\"']*[\"'])?\)"), r"\1"),
    (re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]"), r"\1"),
    (re.compile(r"\[([*\x00][^\[\]]+[*\x00])\](?![(\[:])"), r"\1"),
    (re.compile(r"\s?\[(?:#?\w+|\*)\]_(?!\w)"), ""),
    (re.compile(r"\s?\[\^[\w-]+\]"), ""),
    (re.compile(r"<((?:https?|mailto):[^<>\s]+)>"), r"\1"),
    (re.compile(r"\|([A-Za-z][\w ]*)\|_?"), r"\1"),
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"<br\s*/?>"), " "),
    (re.compile(r"</?(?:a|b|em|i|p|div|span|img|sub|sup|strong|kbd|picture|center|details)\b[^<>]*>"), ""),
    (re.compile(r"\\([*_`<>|\[\]])"), r"\1"),
)
_RST_LINK = re.compile(r"(?<![\w`])`([^`<>]+?)\s*(?:<[^`<>]+>)?`__?(?!\w)")
_TARGETED = re.compile(r"(?<!`)`([^`<>]+?)\s+<[\w:.#/-]+>`(?!`)")
_TERM = re.compile(r"(?<!`)`(?P<title>[^`<>]+?)\s+<(?P<target>[\w-]+(?: [\w-]+)+)>`(?!`)")
_GLUE = re.compile(r"(?<=`)\\ ?(?=\w)|(?<=\w)\\ (?=`)")
_CJK = "\u3000-\u303f\u3400-\u9fff\uff00-\uffef"
_BREAK = re.compile(rf"(?<=[{_CJK}])\s*\n\s*(?=[{_CJK}])|\s*\n\s*")


def plain(text: str) -> str:
    """One paragraph as a reader should see it: one line, names in backticks, no roles, link targets or HTML."""
    text = _join_lines(text)
    text = _ROLE.sub(_role, text)
    text = _RST_LINK.sub(r"\1", text)
    text = _TARGETED.sub(r"\1", text)
    text = _TERM.sub(_term, text)
    text = _LITERAL.sub(r"`\1`", text)
    text = _GLUE.sub("", text)
    kept: list[str] = []

    def hold(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x00{len(kept) - 1}\x00"

    text = _CODE.sub(hold, text)
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    text = re.sub(r"[ \t]{2,}", " ", text)
    return _HELD.sub(lambda match: kept[int(match[1])], text).strip()


def _term(match: re.Match[str]) -> str:
    """A reference to a term of a glossary, known by its words: `git add <path of a file>` is code and stays."""
    title, target = match["title"].lower(), match["target"].lower()
    return match["title"] if title in target or target in title else match[0]


def is_cjk(text: str) -> bool:
    """Whether the text is mainly Chinese (or Japanese): it has no spaces between words."""
    wide = len(re.findall(rf"[{_CJK}]", text))
    return wide * 3 > len(re.findall(r"\w", text))


def _join_lines(text: str) -> str:
    return _BREAK.sub(lambda match: " " if match.start() == 0 or not _wide(text, match) else "", text.strip())


def _wide(text: str, match: re.Match[str]) -> bool:
    before, after = text[match.start() - 1], text[match.end() : match.end() + 1]
    return bool(re.match(rf"[{_CJK}]", before) and re.match(rf"[{_CJK}]", after))


def _role(match: re.Match[str]) -> str:
    role = (match["rst"] or match["myst"]).split(":")[-1]
    body = match["body"].strip().lstrip("!~")
    titled = _TITLED.match(body)
    if role in _DROPPED_ROLES:
        return ""
    if role in ("pep", "rfc"):
        return titled["title"] if titled else f"{role.upper()} {body}"
    if titled:
        title = titled["title"]
        return f"`{title}`" if _NAME.fullmatch(title) and role not in _TEXT_ROLES else title
    return body if role in _TEXT_ROLES else f"`{body.lstrip('.')}`"
