"""What the frontend `gradio` is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from docutune import Registration, hookimpl


class Config(BaseModel):
    """Nothing to choose: what a page shows and does is the workspace's."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@hookimpl
def docutune_frontends() -> list[Registration]:
    """The frontend `gradio`."""
    return [
        Registration(
            name="gradio",
            revision=1,
            summary="a page in a browser, in English and Chinese, for one workspace",
            config=Config,
            load="docutune.plugins.frontends.gradio.serve:Gradio",
            requires=("gradio", "ruamel.yaml"),
            extra="docutune[ui]",
        )
    ]
