"""What would fit into memory, by the estimate: other ways to cut a step, and other options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docutune.memory import Estimate, Shape, estimate, told
from docutune.plugins.trainers.sft.passes import Passes
from docutune.training import TrainingConfig

ERROR = 1.15
"""How far the estimate may lie beside the truth: what needs more than the limit by that factor is not even tried."""

_BUSY = 512  # tokens a pass that keep a device busy: fewer cost more time than recomputing activations does
_SHORTEST = 64


@dataclass(frozen=True, slots=True)
class Need:
    """What a training needs, by the estimate, when it is cut in this way; `longest` is its longest row in tokens."""

    shape: Shape
    config: TrainingConfig
    longest: int
    on_gpu: bool

    def estimate(self, passes: Passes) -> Estimate:
        """Of one device."""
        return estimate(self.shape, self.config, passes.micro, self.longest, passes.checkpointing, self.on_gpu)

    def of(self, passes: Passes) -> int:
        """Bytes on one device."""
        return self.estimate(passes).total

    def changed(self, **options: Any) -> Need:
        """With other options; `max_length` also cuts the longest row."""
        config = self.config.model_copy(update=options)
        return Need(self.shape, config, min(self.longest, config.max_length), self.on_gpu)


def ladder(asked: Passes, longest: int) -> list[Passes]:
    """Ways to cut the same step, from the asked one to the one that needs least memory.

    Smaller passes cost little time as long as they keep the device busy, recomputing activations costs up to half as
    much again; so passes shrink first, down to about 512 tokens, then activations are recomputed, from the asked size
    down to single rows.
    """
    share = asked.micro * asked.accumulation
    sizes = [size for size in range(asked.micro, 0, -1) if share % size == 0]
    plain = [] if asked.checkpointing else [size for size in sizes if size == asked.micro or size * longest >= _BUSY]
    ways = [(size, False) for size in plain] + [(size, True) for size in sizes]
    return [Passes(size, share // size, checkpointing, asked.devices) for size, checkpointing in ways]


def advice(need: Need, asked: Passes, limit: int) -> str:
    """What would make it fit, and how much that would need."""
    for words, size in _alternatives(need, asked):
        if size <= limit:
            return f"{words} needs about {told(size)} of {told(limit)}"
    words, size = min(_alternatives(need, asked), key=lambda alternative: alternative[1])
    return f"even {words} would need about {told(size)} of {told(limit)}: take a smaller base model"


def named(passes: Passes) -> str:
    """The options that ask for it."""
    checkpointing = " with gradient_checkpointing: true" if passes.checkpointing else ""
    return f"micro_batch_size: {passes.micro}{checkpointing}"


def _alternatives(need: Need, asked: Passes) -> Iterator[tuple[str, int]]:
    """(words, bytes), the smallest change first."""
    steps = ladder(asked, need.longest)
    yield from ((named(passes), need.of(passes)) for passes in steps[1:])
    smallest = steps[-1]
    for options in _lighter(need.config):
        lighter = need.changed(**options)
        words = ", ".join(f"{name}: {value}" for name, value in options.items())
        yield f"{words} with {named(smallest)}", lighter.of(smallest)
        need = lighter if "max_length" not in options else need
    length = need.longest // 2
    while length >= _SHORTEST:
        yield f"max_length: {length} with {named(smallest)}", need.changed(max_length=length).of(smallest)
        length //= 2


def _lighter(config: TrainingConfig) -> Iterator[dict[str, Any]]:
    """Options that need less memory for the same model."""
    if config.tuning == "full":
        yield {"tuning": "lora", "quantization": "nf4"}
    elif config.quantization != "nf4":
        yield {"quantization": "nf4"}
