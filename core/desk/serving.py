"""Serving a workspace through a frontend: which addresses need a password, and where that comes from."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from docutune.contracts import Address, Frontend
from docutune.errors import UsageError

if TYPE_CHECKING:
    from docutune.api import Workspace


def serve(
    workspace: Workspace, frontend: str, address: Address, password_env: str | None, ready: Callable[[str], None]
) -> None:
    """Serve until interrupted. UsageError without a password for any address but this machine's own."""
    entry = workspace.registry.get("frontend", frontend)
    address = replace(address, password=_password(address.host, password_env))
    page: Frontend = workspace.registry.create(entry, entry.registration.config())
    page.serve(workspace, address, ready)


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _password(host: str, variable: str | None) -> str | None:
    if variable is not None:
        password = os.environ.get(variable)
        if not password:
            raise UsageError(f"--password-env {variable}: that environment variable is not set", "set it to a password")
        return password
    if is_loopback(host):
        return None
    raise UsageError(
        f"--host {host}: others could reach this address, and no password is asked for",
        "set a password in an environment variable and name that: --password-env NAME",
    )
