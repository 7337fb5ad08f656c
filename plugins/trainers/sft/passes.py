"""How an optimizer step is cut into forward passes."""

from __future__ import annotations

from dataclasses import dataclass

from docutune.errors import DocutuneError
from docutune.training import TrainingConfig


@dataclass(frozen=True, slots=True)
class Passes:
    """`micro` rows a forward pass on each of `devices`, `accumulation` passes a step; their product is the batch."""

    micro: int
    accumulation: int
    checkpointing: bool
    devices: int = 1

    @property
    def batch(self) -> int:
        """Rows of an optimizer step."""
        return self.micro * self.accumulation * self.devices

    @staticmethod
    def asked(config: TrainingConfig, devices: int = 1) -> Passes:
        """As the options say, the batch shared equally by `devices`. DocutuneError when it cannot be."""
        share, rest = divmod(config.batch_size, devices)
        if rest:
            raise _indivisible(config.batch_size, devices)
        micro = config.micro_batch_size or share
        if share % micro:
            raise DocutuneError(
                f"batch_size {config.batch_size} on {devices} devices is {share} rows for each, "
                f"which micro_batch_size {micro} does not divide",
                f"set micro_batch_size to {_listed(_divisors(share))}",
            )
        return Passes(micro, share // micro, config.gradient_checkpointing, devices)


def _indivisible(batch: int, devices: int) -> DocutuneError:
    below, above = batch - batch % devices, batch + devices - batch % devices
    batches = _listed([size for size in (below, above) if size])
    return DocutuneError(
        f"batch_size {batch} cannot be shared equally by {devices} devices",
        f"set batch_size to {batches}, or devices to {_listed(_divisors(batch, devices))}",
    )


def _divisors(number: int, most: int | None = None) -> list[int]:
    return [size for size in range(1, (most or number) + 1) if number % size == 0]


def _listed(numbers: list[int]) -> str:
    *head, tail = map(str, numbers)
    return f"{', '.join(head)} or {tail}" if head else tail
