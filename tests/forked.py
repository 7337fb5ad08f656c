"""The command line from a process that has its libraries loaded: half a second less for each of two thousand commands.

`python tests/forked.py` imports what most commands need, then forks for each command that it is asked for over its
standard input, a socket. The fork sets its environment, folder and streams as a new process has them and calls
`docutune.cli.main`. Nothing that reads the environment when it is imported is loaded ahead, and no plugin.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

AHEAD = (
    *("docutune.cli.app", "docutune.cli.run", "docutune.cli.init", "docutune.cli.progress", "docutune.api"),
    *("docutune.execute", "docutune.planning", "docutune.reporting", "docutune.tuned", "docutune.model_names"),
    *("docutune.datasets.api", "docutune.datasets.show", "docutune.catalog", "docutune.jobs.detached"),
    *("docutune.chats.api", "docutune.model_registry.api", "docutune.desk.api", "docutune.trace"),
    *("aiohttp", "langchain.chat_models", "rensa", "tinydb"),
)


class Forks:
    """Two such processes, asked in turn: what a command says must not hang on the order of Python's sets.

    They begin with the first command.
    """

    @cached_property
    def _servers(self) -> list[_Server]:
        return [_Server(), _Server()]

    @cached_property
    def _turn(self) -> Iterator[_Server]:
        return itertools.cycle(self._servers)

    def can_run(self, sites: Sequence[Path], environment: Mapping[str, str]) -> bool:
        """Whether a fork is as good as a start: nothing of the test's own is named as what is loaded already."""
        names = {item.name.split(".")[0] for site in sites if site.is_dir() for item in site.iterdir()}
        return not names & self._servers[0].loaded and _of_python(environment) == _of_python(os.environ)

    def run(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float) -> Done:
        """Run a command to its end. subprocess.TimeoutExpired when it takes longer than `seconds`."""
        return next(self._turn).run(arguments, folder, environment, seconds)

    def end(self) -> None:
        """End both."""
        for server in vars(self).get("_servers", ()):
            server.end()


Done = subprocess.CompletedProcess[str]


class _Server:
    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with theirs:
            self._process = subprocess.Popen([sys.executable, __file__], stdin=theirs, env=own)
        self.loaded = set(json.loads(self._control.recv(1 << 20)))

    def run(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float) -> Done:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        outs, errs = _Pipe(), _Pipe()
        request = json.dumps([list(arguments), str(folder), dict(environment)]).encode()
        socket.send_fds(self._control, [request], [theirs.fileno(), outs.write, errs.write])
        theirs.close()
        texts = [outs.reading(), errs.reading()]
        with ours:
            pid = int(ours.recv(64))
            ours.settimeout(seconds)
            try:
                code = int(ours.recv(64))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(arguments), seconds) from None
        return subprocess.CompletedProcess(["docutune", *arguments], code, *(text() for text in texts))

    def end(self) -> None:
        self._control.close()
        self._process.wait()


def _of_python(environment: Mapping[str, str]) -> dict[str, str]:
    """What Python reads when it starts, but for the path, which a fork takes over."""
    return {key: value for key, value in environment.items() if key.startswith("PYTHON") and key != "PYTHONPATH"}


class _Pipe:
    """What a process writes, read to its end by a thread."""

    def __init__(self) -> None:
        self._read, self.write = os.pipe()
        self._text = ""

    def reading(self) -> Callable[[], str]:
        """Begin, in a thread; what is returned waits for the end and gives the whole."""
        os.close(self.write)
        thread = threading.Thread(target=self._all)
        thread.start()

        def text() -> str:
            thread.join()
            return self._text

        return text

    def _all(self) -> None:
        with os.fdopen(self._read, encoding="utf-8") as file:
            self._text = file.read()


def serve() -> list[str]:
    """Fork for each request until the socket is closed; in the fork, set it up and return its arguments."""
    for name in AHEAD:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a fork that looked at all of it for garbage would copy it
    control = socket.socket(fileno=os.dup(0))
    control.send(json.dumps(sorted({name.split(".")[0] for name in sys.modules})).encode())
    while True:
        request, fds, _, _ = socket.recv_fds(control, 1 << 20, 3)
        _bury()
        if not request:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            return _command(request, *fds)
        for fd in fds:
            os.close(fd)


def _bury() -> None:
    """Wait for those that waited for the commands that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _command(request: bytes, answer: int, out: int, err: int) -> list[str]:
    """The command's own process; the one between tells how it ended, as a shell would."""
    pid = os.fork()
    if pid:
        os.close(out), os.close(err)
        with socket.socket(fileno=answer) as told:
            told.send(str(pid).encode())
            _, status = os.waitpid(pid, 0)
            told.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    os.close(answer)
    arguments, folder, environment = json.loads(request)
    for place, fd in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
        os.dup2(fd, place)
        os.close(fd)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    path = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = ["", *path, *sys.path[1:]]
    sys.argv = ["-c", *arguments]
    importlib.invalidate_caches()
    return list(arguments)


def _end(code: object) -> None:
    """End as a process does, but for taking apart what is loaded, which takes longer than most commands."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    from docutune.cli import main

    _arguments = serve()
    del sys.modules["__main__"].__dict__["__file__"]  # a process that Python makes of this one is not to run this file
    try:
        _end(main(_arguments))
    except SystemExit as left:
        _end(left.code)
