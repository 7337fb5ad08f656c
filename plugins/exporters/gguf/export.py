"""Runs llama.cpp's converter on the merged model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from docutune.contracts import Context
from docutune.errors import DocutuneError
from docutune.plugins.exporters.gguf.plugin import Config
from docutune.records import Export

CONVERTER = "convert_hf_to_gguf.py"
FILE = "model.gguf"
_BITS = {"f32": 32, "f16": 16, "bf16": 16, "q8_0": 8}
_POLL_SECONDS = 0.2
_LAST = 4000  # bytes of what the converter printed


class Gguf:
    """Implements contracts.Exporter."""

    def __init__(self, config: Config) -> None:
        self._bits = _BITS[config.outtype]
        self._command = [*_converter(config), "--outtype", config.outtype]

    def room(self, weights: int) -> int:
        """The file may have wider numbers than the merged weights, which have 16 bits at least."""
        return weights * max(self._bits, 16) // 16

    def export(self, merged: Path, context: Context) -> Export:
        """Convert; what the converter says in the end is told when it fails."""
        file = context.folder / FILE
        _run([*self._command, "--outfile", str(file), str(merged)], context)
        if not file.is_file():
            raise DocutuneError(f"{self._command[-3]} left no {FILE}", "see whether it is llama.cpp's own converter")
        shutil.copyfile(merged / "template.json", context.folder / "template.json")
        advice = (f"llama-cli -m {FILE} -cnv", f"for Ollama: export --format ollama too, and write FROM ./{FILE} there")
        return Export(file, self._bits, advice)


def _converter(config: Config) -> list[str]:
    """The command of the converter, found as the options say or on PATH."""
    if config.llama_cpp is None:
        found = shutil.which(CONVERTER)
        if found is None:
            raise DocutuneError(
                f"there is no {CONVERTER} on PATH: GGUF files are made by llama.cpp's converter",
                "get llama.cpp, install its requirements, and add --set llama_cpp=FOLDER",
            )
        script = Path(found)
    else:
        place = Path(config.llama_cpp).expanduser().absolute()
        script = place / CONVERTER if place.is_dir() else place
    if not script.is_file():
        raise DocutuneError(f"{script}: no such file", f"llama_cpp is the folder that holds {CONVERTER}")
    if config.python is None and script.suffix != ".py" and os.access(script, os.X_OK):
        return [str(script)]
    return [config.python or sys.executable, str(script)]


def _run(command: Sequence[str], context: Context) -> None:
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        except OSError as error:
            raise DocutuneError(f"{command[0]} cannot be started: {error.strerror or error}") from None
        try:
            while process.poll() is None:
                context.progress(0)
                time.sleep(_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            said.seek(max(0, said.tell() - _LAST))
            lines = said.read().decode(errors="replace").strip().splitlines() or ["without a word"]
            raise DocutuneError(
                f"{Path(command[1]).name} ended with exit code {process.returncode}: {lines[-1]}",
                "install what llama.cpp's requirements name, or say with --set python=FILE which interpreter has it",
            )
