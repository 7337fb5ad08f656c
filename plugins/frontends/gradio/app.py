"""The page in every language as one ASGI application, behind the guard."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response

from docutune.plugins.frontends.gradio.guard import Guard
from docutune.plugins.frontends.gradio.page import build as build_page
from docutune.plugins.frontends.gradio.words import LANGUAGES, words

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.contracts import Address

_HERE = Path(__file__).parent


def build(
    workspace: Workspace, address: Address, port: int, files: Sequence[Path], largest: int, closing: ExitStack
) -> Guard:
    """`files` are the folders that may be downloaded from, `largest` the bytes that one upload may have."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/")
    def first() -> RedirectResponse:
        return RedirectResponse(f"/{address.language}/")

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status_code=204)

    for language in LANGUAGES:
        page = build_page(workspace, words(language), closing)
        gr.mount_gradio_app(
            app,
            page,
            path=f"/{language}",
            server_name=address.host,
            server_port=port,
            footer_links=[],
            run_history=False,
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
            allowed_paths=[str(folder) for folder in files],
            show_error=False,
            max_file_size=largest,
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            theme=_theme(),
            css_paths=[_HERE / "page.css"],
        )
    return Guard(app, address.host, port, address.password, [folder.resolve() for folder in files], largest)


def _theme() -> gr.Theme:
    """Fonts of the user's own system: none is fetched from anywhere."""
    fonts = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Noto Sans CJK SC", "sans-serif")
    mono = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
    return gr.themes.Default(primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=mono)
