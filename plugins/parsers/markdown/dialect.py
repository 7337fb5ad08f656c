"""The Markdown that is read: CommonMark and the extensions that documentation tools share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock

_COLONS = re.compile(r"(:{3,})[ \t]*([^:\s].*)?$")


def block_parser() -> MarkdownIt:
    """A parser of blocks; inline text is parsed only where it is needed, which saves half of the time.

    Footnotes stay where they are written: moved to the end they would belong to another section.
    """
    parser = MarkdownIt("commonmark").enable("table")
    parser.use(front_matter_plugin).use(admon_plugin).use(deflist_plugin).use(myst_block_plugin)
    parser.use(footnote_plugin, move_to_end=False)
    interrupted = ["paragraph", "reference", "blockquote", "list", "footnote_def"]
    parser.block.ruler.before("fence", "colon_fence", _colon_fence, {"alt": interrupted})
    return parser.disable("inline")


def _colon_fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`:::{note}` to a line of at least as many colons. Unclosed, as in mkdocstrings, the colons are plain text.

    The rule of mdit-py-plugins takes the whole rest of the document when the closing line is missing.
    """
    opening = None if state.is_code_block(start) else _COLONS.match(_line(state, start))
    if not opening or not opening[2]:
        return False
    closing = _closing(state, start, end, len(opening[1]))
    if closing is None:
        return False
    if silent:
        return True
    token = state.push("colon_fence", "code", 0)
    token.info, token.markup = opening[2], opening[1]
    token.content = state.getLines(start + 1, closing, state.sCount[start], True)
    token.map = [start, closing + 1]
    state.line = closing + 1
    return True


def _closing(state: StateBlock, start: int, end: int, colons: int) -> int | None:
    """The line that closes; a search in vain to the end is remembered, or a page of openings would take its square."""
    vain = state.env.setdefault("unclosed_colons", {})
    if vain.get((end, state.blkIndent), colons + 1) <= colons:
        return None
    for line in range(start + 1, end):
        text = _line(state, line).rstrip()
        if text and state.sCount[line] < state.blkIndent:
            return None
        if len(text) >= colons and not text.strip(":"):
            return line
    vain[end, state.blkIndent] = colons
    return None


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
