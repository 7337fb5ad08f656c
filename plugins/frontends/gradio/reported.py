"""Hands out the pages of reports whole: those of this workspace's runs, and no other file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from docutune.errors import DocutuneError

if TYPE_CHECKING:
    from docutune.api import Workspace

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-same-origin",
    "cache-control": "no-store",
}
"""Beside the guard's own, so that both hold. Answers of models stand in a report: nothing in it may run. The origin
stays ours, for the way from one page of a report to the other is a request that the guard looks at.
"""


def serve_reports(app: FastAPI, workspace: Workspace) -> None:
    """Let the application answer for /reports/<run>/<page>."""

    @app.get("/reports/{run}/{page}")
    def report(run: str, page: str) -> Response:
        try:
            content = workspace.desk.reports.page(run, page).read_bytes()
        except (DocutuneError, OSError):
            return PlainTextResponse("not found", 404)
        return HTMLResponse(content, headers=_HEADERS)
