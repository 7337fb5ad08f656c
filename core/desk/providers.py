"""Which keys of chat model providers this process has: names of environment variables, never a value."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from docutune.chat.options import ChatConfig
from docutune.config import PipelineConfig

_USUAL = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "groq": "GROQ_API_KEY",
    "together": "TOGETHER_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
    "xai": "XAI_API_KEY",
    "cohere": "COHERE_API_KEY",
    "azure_openai": "AZURE_OPENAI_API_KEY",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A variable that may hold a key; `asked` by the pipeline file's own `api_key_env`."""

    provider: str
    variable: str
    present: bool
    asked: bool = False


def keys(config: PipelineConfig | None) -> tuple[Key, ...]:
    """Those that the pipeline file names, then the usual ones."""
    named = dict(_named(config)) if config else {}
    asked = [Key(provider, variable, bool(os.environ.get(variable)), True) for variable, provider in named.items()]
    usual = [(provider, variable) for provider, variable in _USUAL.items() if variable not in named]
    return (*asked, *(Key(provider, variable, bool(os.environ.get(variable))) for provider, variable in usual))


def _named(config: PipelineConfig) -> Iterable[tuple[str, str]]:
    for step in (*config.generate, *config.curate):
        if isinstance(step.options, ChatConfig) and step.options.api_key_env:
            yield step.options.api_key_env, step.options.named.partition(":")[0]
