"""What the curator `balance` is: its options and its registration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from docutune import Registration, hookimpl


class Config(BaseModel):
    """Options of the curator `balance`; at least one of them is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_per_symbol: int | None = Field(None, ge=1, description="Most samples that name one symbol; unset: no limit.")
    max_per_kind: int | None = Field(None, ge=1, description="Most samples of one kind; unset: no limit.")
    max_share_per_kind: float | None = Field(
        None, gt=0, lt=1, description="Largest share of one kind among the samples that stay (0 to 1); unset: no limit."
    )

    @model_validator(mode="after")
    def _has_a_limit(self) -> Config:
        if self.max_per_symbol is None and self.max_per_kind is None and self.max_share_per_kind is None:
            raise ValueError("set max_per_symbol, max_per_kind or max_share_per_kind")
        return self


@hookimpl
def docutune_curators() -> list[Registration]:
    """The curator `balance`."""
    return [
        Registration(
            name="balance",
            revision=1,
            summary="Leaves out samples of symbols and kinds that have more than their share",
            config=Config,
            load="docutune.plugins.curators.balance.curate:Balance",
        )
    ]
