"""Parses one file in a child process with limits, so that a hostile document costs one document."""

from __future__ import annotations

import os
import resource
import signal
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.spawn import get_executable
from typing import Any

from pebble import ProcessExpired, ProcessPool
from pydantic import BaseModel

from docutune.errors import DocutuneError, PluginError
from docutune.guard import as_json, cause
from docutune.records import JsonValue, Parsed, to_json

SECONDS_PER_FILE = 60
MEMORY_BYTES = 4 * 2**30

_WORTH_A_PROCESS = 200_000  # bytes: less is parsed sooner than one more process has started


@dataclass(frozen=True, slots=True)
class Work:
    """One file to parse: the parser as a message names it, its `load` string and its options as JSON, the content, and
    its name.
    """

    plugin: str
    load: str
    config: type[BaseModel]
    options: str
    content: bytes
    name: str


def parse_all(work: Sequence[Work], processes: int) -> Iterator[tuple[JsonValue, bool]]:
    """The JSON of each Parsed, in order, and whether it may be kept: a time or memory limit may not strike again.

    At most `processes` children share the work, and no more than it is worth: one that is still starting when all is
    done would be killed, and complain of it on the terminal. DocutuneError when no child can be started at all.
    """
    _refuse_interpreter(os.fsdecode(get_executable() or ""))
    context = get_context("spawn")
    worth = 1 + sum(len(item.content) for item in work) // _WORTH_A_PROCESS
    with ProcessPool(max_workers=min(processes, worth), initializer=_limit, context=context) as pool:
        futures = [pool.schedule(_parse, args=(item,), timeout=SECONDS_PER_FILE) for item in work]
        try:
            for future in futures:
                yield _outcome(future)
        except BaseException:
            stop: Any = pool.stop
            stop()
            raise


def _refuse_interpreter(python: str) -> None:
    """A pool whose children cannot be started waits for them for ever."""
    if not os.access(python, os.X_OK):
        message = f"{python or 'python'}: cannot be started by this user, so no file can be parsed"
        raise DocutuneError(message, "install docutune with a Python that this user may run")


def _outcome(future: Any) -> tuple[JsonValue, bool]:
    try:
        return future.result(), True
    except PluginError:
        raise
    except FutureTimeout:
        reason = f"not read: parsing took more than {SECONDS_PER_FILE} seconds"
    except ProcessExpired:
        reason = f"not read: the parser's process died (it may use {MEMORY_BYTES // 2**30} GiB of memory)"
    except MemoryError:
        reason = f"not read: parsing needs more than {MEMORY_BYTES // 2**30} GiB of memory"
    except Exception as error:  # the parser's Config cannot be sent to the child process
        reason = f"not read: {type(error).__name__}: {error}"
    return to_json(Parsed(problems=(reason,))), False


def _limit() -> None:
    """Bound the child, leave Ctrl-C to the parent, and keep what a parser prints out of the results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _parse(work: Work) -> JsonValue:
    config: Any = work.config
    try:
        parser = _parser(work.load, config, work.options)
    except (Exception, SystemExit) as error:  # it reads no file at all: nobody wants a model of the other files alone
        raise PluginError(f"{work.plugin} cannot be used: {cause(error)}", "update or remove the package") from None
    try:
        return as_json(Parsed, work.plugin, "parse", parser.parse(work.content, work.name))
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:  # a parser's bug costs one document and is shown as its problem
        return to_json(Parsed(problems=(f"not read: {_reason(error, work.plugin)}",)))


def _reason(error: Exception | SystemExit, plugin: str) -> str:
    """Why a file was not read: ValueError and DocutuneError are the parser's word on the file, all else is its bug."""
    if type(error) is ValueError:
        return " ".join(str(error).split())
    if os.environ.get("DOCUTUNE_STRICT") == "1":
        traceback.print_exception(error)
    if isinstance(error, DocutuneError):
        return error.message
    return f"{plugin} failed: {cause(error)}"


@cache
def _parser(load: str, config: Any, options: str) -> Any:
    module, _, name = load.partition(":")
    return getattr(import_module(module), name)(config.model_validate_json(options))
