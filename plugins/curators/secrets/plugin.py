"""What the curator `secrets` is: its options and its registration."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from docutune import Registration, hookimpl


class Config(BaseModel):
    """Options of the curator `secrets`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    personal_data: Annotated[
        Literal["reject", "allow"],
        Field(description="samples with people's e-mail addresses, phone, card, account or identity numbers"),
    ] = "reject"
    allow: Annotated[
        tuple[str, ...],
        Field(description="regular expressions; what was found and matches one of them as a whole may stay"),
    ] = ()

    @field_validator("allow")
    @classmethod
    def _are_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return patterns


@hookimpl
def docutune_curators() -> list[Registration]:
    """The curator `secrets`."""
    return [
        Registration(
            name="secrets",
            revision=1,
            summary="Leaves out samples with keys, passwords, private keys or personal data",
            config=Config,
            load="docutune.plugins.curators.secrets.curate:Secrets",
            requires=("detect_secrets", "phonenumbers", "stdnum"),
        )
    ]
