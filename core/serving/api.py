"""A model on a server: from the settings to the first answer, and to the end of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, cast

from docutune.errors import PluginError
from docutune.records import Variant

if TYPE_CHECKING:
    from docutune.contracts import Session
    from docutune.model_names import Named
    from docutune.serving.engine import Model
    from docutune.serving.server import Server
    from docutune.serving.settings import Settings

BASE = ":base"


@contextmanager
def serve(
    settings: Settings,
    named: Named,
    opening: Callable[[], AbstractContextManager[Session]],
    base: bool,
    listening: Callable[[str, str], None],
) -> Iterator[Server]:
    """A server that listens while `opening` loads the model, and then answers; both end with the block.

    `listening` is told the model's name and the address as soon as that says that the model is being loaded.
    PluginError when starlette or uvicorn is missing.
    """
    try:
        from docutune.serving.server import serving
    except ImportError as error:
        raise PluginError(f"a server cannot be had: {error}", "install it: pip install 'docutune[serve]'") from None
    with ExitStack() as stack:
        server = stack.enter_context(serving(settings))
        listening(named.name, server.url)
        session = stack.enter_context(opening())
        stack.callback(server.stop)  # before the session is closed, so that every client is told
        server.ready(cast("Model", session), names(named, base))
        yield server


def names(named: Named, base: bool) -> Mapping[str, Variant]:
    """What clients call the model and its base; of a base that nothing was trained on there is its own name alone."""
    if named.form == "base":
        return {named.name: "base"}
    of_base: Mapping[str, Variant] = {f"{named.name}{BASE}": "base"}
    return of_base if base else {named.name: "tuned", **of_base}
