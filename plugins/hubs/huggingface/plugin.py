"""What the hub `huggingface` is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from docutune import Registration, hookimpl


class Config(BaseModel):
    """No options: HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE are what the hub's own library reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@hookimpl
def docutune_hubs() -> list[Registration]:
    """The hub `huggingface`."""
    return [
        Registration(
            name="huggingface",
            revision=1,
            summary="the Hugging Face hub, or the mirror of it that HF_ENDPOINT names; the default",
            config=Config,
            load="docutune.plugins.hubs.huggingface.fetch:HuggingFace",
            requires=("huggingface_hub",),
            extra="docutune[trl]",
        )
    ]
