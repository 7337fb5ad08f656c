"""Serves the page: two languages of one page behind a guard, on a port that is ours before anything is loaded."""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from docutune.errors import DocutuneError
from docutune.plugins.frontends.gradio.importing import no_stubs
from docutune.plugins.frontends.gradio.plugin import Config

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.contracts import Address

EXPORTS = "exports"
"""The folder of the workspace from which the page may offer files for download."""

_LARGEST = 200 * 1024**2
_SECONDS_TO_END = 1
_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_DEFAULT_CONCURRENCY_LIMIT": "8",  # several pages, each with its own clicks
    "GRADIO_SHARE": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


class Gradio:
    """The frontend `gradio`."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def serve(self, workspace: Workspace, address: Address, ready: Callable[[str], None]) -> None:
        """Serve until interrupted. DocutuneError when the port is taken or the address is not this machine's."""
        with ExitStack() as closing:
            taken = closing.enter_context(_taken(address.host, address.port))
            port = int(taken.getsockname()[1])
            uploads = closing.enter_context(tempfile.TemporaryDirectory(prefix="docutune-ui-"))
            os.environ.update(_SETTINGS, GRADIO_TEMP_DIR=uploads)  # read when gradio is imported
            with no_stubs():
                from docutune.plugins.frontends.gradio.app import build

            exports = workspace.project.resolve() / EXPORTS  # a link to elsewhere is not followed
            app = build(workspace, address, port, exports, Path(uploads).resolve(), _LARGEST, closing)
            name = f"[{address.host}]" if ":" in address.host else address.host
            _run(app, taken, lambda: ready(f"http://{name}:{port}/"))


def _taken(host: str, port: int) -> socket.socket:
    """A socket that listens there: who asks before the page is ready waits for it."""
    found = None
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(128)
    except OSError as error:
        if found is not None:
            found.close()
        raise DocutuneError(
            f"{host}:{port}: cannot be served on: {error.strerror or error}",
            "name another port with --port (0: a free one), or another address with --host",
        ) from error
    return found


def _run(app: object, taken: socket.socket, ready: Callable[[], None]) -> None:
    """Until Ctrl-C, or a polite kill; connections that wait for news are cut off soon after."""
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="h11",  # bounds the head of a request
        ws="none",
        proxy_headers=False,  # anybody could give another address for each wrong password
        log_level="error",  # what strangers send is no news
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SECONDS_TO_END,
        limit_concurrency=500,
    )
    server = uvicorn.Server(config)
    # while it ends, all that is left to tell is that pages which wait for news were cut off
    logging.getLogger("uvicorn.error").addFilter(lambda record: not server.should_exit)
    ready()
    server.run(sockets=[taken])
