"""The page in every language as one ASGI application, behind the guard."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from starlette.requests import ClientDisconnect

from docutune.plugins.frontends.gradio.guard import Guard
from docutune.plugins.frontends.gradio.page import build as build_page
from docutune.plugins.frontends.gradio.reported import serve_reports
from docutune.plugins.frontends.gradio.tongues import Tongues
from docutune.plugins.frontends.gradio.words import LANGUAGES, words

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.contracts import Address

log = logging.getLogger("docutune.ui")

_HERE = Path(__file__).parent
_NO_DOCS: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
_MISTAKES = (LookupError, TypeError, ValueError, ClientDisconnect)
"""What gradio stumbles over in requests that no page sends; what the page's own functions raise never comes here."""


def build(
    workspace: Workspace, address: Address, port: int, exports: Path, uploads: Path, largest: int, closing: ExitStack
) -> Guard:
    """`exports` and `uploads` may be downloaded from, both resolved; `largest`: the bytes that one upload may have."""

    def page(language: str) -> FastAPI:
        app: FastAPI = gr.mount_gradio_app(
            FastAPI(**_NO_DOCS),
            build_page(workspace, words(language), closing),
            path=f"/{language}",
            server_name=address.host,
            server_port=port,
            footer_links=[],
            run_history=False,
            app_kwargs={**_NO_DOCS, "exception_handlers": dict.fromkeys(_MISTAKES, _mistaken)},
            allowed_paths=[str(exports), str(uploads)],
            show_error=False,
            max_file_size=largest,
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            theme=_theme(),
            css_paths=[_HERE / "page.css"],
        )
        return app

    app = Tongues(_beside(workspace, address.language), page, tuple(LANGUAGES), address.language)
    return Guard(app, address.host, port, address.password, exports, uploads, largest)


def _beside(workspace: Workspace, first: str) -> FastAPI:
    """What is served beside the pages."""
    app = FastAPI(**_NO_DOCS)

    @app.get("/")
    def start() -> RedirectResponse:
        return RedirectResponse(f"/{first}/")

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status_code=204)

    serve_reports(app, workspace)
    return app


def _mistaken(request: Request, error: Exception) -> Response:
    log.info("%s %s: refused for %r", request.method, request.url.path, error)
    return PlainTextResponse("this cannot be answered", 400)


def _theme() -> gr.Theme:
    """Fonts of the user's own system: none is fetched from anywhere."""
    fonts = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Noto Sans CJK SC", "sans-serif")
    mono = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
    return gr.themes.Default(primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=mono)
