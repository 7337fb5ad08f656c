"""What a model writes, drawn as Markdown: never as HTML of its own, never with anything fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token


def drawn(text: str) -> str:
    """HTML of a text. Tags in it appear as they were written; a picture becomes a link to it."""
    return str(_MARKDOWN.render(text))


def _link(renderer: Any, tokens: Sequence[Token], place: int, options: Any, env: Any) -> str:
    """A link opens beside the page and does not say where it stood."""
    tokens[place].attrSet("target", "_blank")
    tokens[place].attrSet("rel", "noopener noreferrer nofollow")
    return str(renderer.renderToken(tokens, place, options, env))


def _made() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    made.disable("image")
    made.add_render_rule("link_open", _link)
    return made


_MARKDOWN = _made()
