"""Where things come from: a sample, document, symbol, model, dataset version or run, and all that hangs together with
it. Told from the runs' own files alone, newest run first.
"""

from docutune.trace.answers import (
    Answer,
    DatasetTrace,
    DocumentTrace,
    ModelTrace,
    RunTrace,
    SampleTrace,
    SymbolTrace,
    Trace,
)
from docutune.trace.ask import trace

__all__ = [
    "Answer",
    "DatasetTrace",
    "DocumentTrace",
    "ModelTrace",
    "RunTrace",
    "SampleTrace",
    "SymbolTrace",
    "Trace",
    "trace",
]
