"""Writes models of Qwen3's shapes with random weights, and data whose every row is as long as a row may be.

Random weights cost what trained ones cost, in time and memory; they say nothing about quality.

    python benchmarks/shapes.py OUT 0.6b 1.7b 4b      OUT/0.6b ... and OUT/rows.jsonl
"""

from __future__ import annotations

import argparse
import json
import sysconfig
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

LENGTH = 1024  # tokens a row
ROWS = 64

SIZES = {  # hidden, intermediate, layers, attention heads; as in the published configurations of Qwen3
    "0.6b": (1024, 3072, 28, 16),
    "1.7b": (2048, 6144, 28, 16),
    "4b": (2560, 9728, 36, 32),
}
VOCABULARY = 151_936


def sources() -> Iterator[str]:
    """The standard library's own modules: text of some variety that is on every machine."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        yield path.read_text("utf-8", errors="replace")


def write_model(folder: Path, size: str, tokenizer: object) -> None:
    """A model folder as from the hub, in bfloat16."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    hidden, intermediate, layers, heads = SIZES[size]
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40_960,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = Qwen3ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_rows(path: Path, tokenizer: object, rows: int = ROWS, length: int = LENGTH) -> None:
    """Conversations that docutune encodes in `length` tokens, or up to 3 fewer."""
    from docutune.hf.encode import encode, read_template
    from docutune.records import Message

    template = read_template(tokenizer, path.stem)
    text = tokenizer.encode("\n".join(islice(sources(), 60)), add_special_tokens=False)

    def conversation(start: int, taken: int) -> list[Message]:
        answer = tokenizer.decode(text[start : start + taken])
        return [Message("user", f"Write part {start}."), Message("assistant", answer)]

    def tokens(messages: list[Message]) -> int:
        return len(encode(tokenizer, template, messages)[0].input_ids)

    with path.open("w", encoding="utf-8") as file:
        for row in range(rows):
            taken = length
            while tokens(messages := conversation(row * length, taken)) > length:
                taken -= 1
            assert tokens(messages) >= length - 3
            file.write(json.dumps({"messages": [vars_of(message) for message in messages]}) + "\n")


def vars_of(message: object) -> dict[str, str]:
    return {"role": message.role, "content": message.content}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("sizes", nargs="*", default=list(SIZES))
    options = parser.parse_args()
    from docutune.hf.tiny import make_tokenizer

    tokenizer = make_tokenizer(list(islice(sources(), 60)), 8192)
    options.out.mkdir(parents=True, exist_ok=True)
    write_rows(options.out / "rows.jsonl", tokenizer)
    for size in options.sizes:
        write_model(options.out / size, size, tokenizer)


if __name__ == "__main__":
    main()
