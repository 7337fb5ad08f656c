"""What trainers and runtimes share of torch and transformers; imported only inside workers, so by verb modules.

The names below are for the trainers and runtimes of other packages too; what else is in here may change.
"""

from __future__ import annotations

from docutune.hf.encode import IGNORED, Encoded, Encoding, encode_file, read_template, template_for
from docutune.hf.load import Device, device, free_memory, load_adapter, load_base, load_tokenizer
from docutune.hf.save import saving

__all__ = [
    "IGNORED",
    "Device",
    "Encoded",
    "Encoding",
    "device",
    "encode_file",
    "free_memory",
    "load_adapter",
    "load_base",
    "load_tokenizer",
    "read_template",
    "saving",
    "template_for",
]
