"""Tokens per second of one session for 1, 4 and 16 streams at a time, of one variant and of both.

    python benchmarks/streams.py [--rounds 3]

The model is builtin/tiny of this repository's documents; the adapter is made of random weights. Prints medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from docutune.jobs import open_session, run_job
from docutune.jobs.sessions import RemoteSession
from docutune.records import Message, ModelRef, Sampling, Variant

DOCS = Path(__file__).parent.parent / "docs"
TOKENS = 200
ADAPT = """
import sys
from pathlib import Path
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from docutune.hf import load_tokenizer, read_template
base, adapter = map(Path, sys.argv[1:])
lora = LoraConfig(r=8, init_lora_weights=False, target_modules="all-linear", task_type="CAUSAL_LM")
get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora).save_pretrained(adapter)
read_template(load_tokenizer(base), str(base)).save(adapter)
"""


def model(folder: Path) -> ModelRef:
    """A base and an adapter to it."""
    texts = [{"text": path.read_text("utf-8")} for path in sorted(DOCS.glob("*.md"))]
    (folder / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts), "utf-8")
    spec = {"texts": str(folder / "texts.jsonl"), "seed": 0, "folder": str(folder / "base")}
    run_job("pretrain", spec, folder / "job", lambda _: None)
    subprocess.run([sys.executable, "-c", ADAPT, str(folder / "base"), str(folder / "adapter")], check=True)
    return ModelRef(folder / "base", "digest", folder / "adapter")


def rate(session: RemoteSession, streams: int, mixed: bool) -> float:
    """Tokens per second of so many streams at a time, all as tuned or every second one as the base."""
    written: list[int] = []

    def ask(number: int) -> None:
        variant: Variant = "base" if mixed and number % 2 else "tuned"
        stream = session.stream((Message("user", "What is it?"),), variant, Sampling(1.0, 1.0, TOKENS, number))
        try:
            while True:
                next(stream)
        except StopIteration as stop:
            written.append(stop.value.output_tokens)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(streams)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(written) / (time.monotonic() - started)


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        made = model(folder)
        with open_session("local", {"quantization": "none"}, made, folder / "job") as session:
            rate(session, 1, mixed=False)
            for streams, mixed in ((1, False), (4, False), (16, False), (16, True)):
                found = [rate(session, streams, mixed) for _ in range(rounds)]
                as_what = "half base, half tuned" if mixed else "tuned"
                print(f"{streams:2} streams, {as_what}: {statistics.median(found):.0f} tokens/s", flush=True)


if __name__ == "__main__":
    main()
