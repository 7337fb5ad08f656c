"""The providers of chat models that LangChain knows, and the packages that they need."""

from __future__ import annotations

from docutune.environment import absent, has_module
from docutune.suggestions import did_you_mean

LIBRARIES = ("aiohttp", "langchain", "langchain_openai", "tenacity")
"""What every provider needs; a model of this machine needs none of them."""

INSTALL = "pip install 'docutune[langchain]'"

_MODULES = {
    "anthropic": "langchain_anthropic",
    "anthropic_bedrock": "langchain_aws",
    "azure_ai": "langchain_azure_ai",
    "azure_openai": "langchain_openai",
    "baseten": "langchain_baseten",
    "bedrock": "langchain_aws",
    "bedrock_converse": "langchain_aws",
    "cohere": "langchain_cohere",
    "deepseek": "langchain_deepseek",
    "fireworks": "langchain_fireworks",
    "google_anthropic_vertex": "langchain_google_vertexai",
    "google_genai": "langchain_google_genai",
    "google_vertexai": "langchain_google_vertexai",
    "groq": "langchain_groq",
    "huggingface": "langchain_huggingface",
    "ibm": "langchain_ibm",
    "litellm": "langchain_litellm",
    "mistralai": "langchain_mistralai",
    "nvidia": "langchain_nvidia_ai_endpoints",
    "ollama": "langchain_ollama",
    "openai": "langchain_openai",
    "openrouter": "langchain_openrouter",
    "perplexity": "langchain_perplexity",
    "together": "langchain_together",
    "upstage": "langchain_upstage",
    "xai": "langchain_xai",
}


def lacks(provider: str) -> str | None:
    """What stands in the way of using a provider, with a way out; None when nothing does."""
    module = _MODULES.get(provider)
    if module is None:
        guess = did_you_mean(provider, _MODULES) or f"; LangChain knows {', '.join(_MODULES)}"
        own = "; a server of your own is openai:NAME with its base_url, a model of this machine local:NAME_OR_FOLDER"
        return f"unknown provider {provider!r}{guess}{own}"
    missing = absent(LIBRARIES)
    if missing:
        return f"provider {provider!r} needs {', '.join(missing)}: install with {INSTALL}"
    if has_module(module):
        return None
    return f"provider {provider!r} needs {module}: install with pip install {module.replace('_', '-')}"
