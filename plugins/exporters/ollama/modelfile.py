"""The text of a Modelfile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from docutune.errors import DocutuneError


def modelfile(
    source: str, template: str, stops: Sequence[str], parameters: Mapping[str, object], system: str | None
) -> str:
    """FROM, TEMPLATE, SYSTEM and PARAMETER, one `stop` for each text that ends a reply."""
    lines = [f"FROM {source}", f"TEMPLATE {_quoted(template, 'chat template')}"]
    if system:
        lines.append(f"SYSTEM {_quoted(system, 'system prompt')}")
    lines += [f"PARAMETER stop {_stop(stop)}" for stop in stops]
    lines += [f"PARAMETER {name} {value}" for name, value in parameters.items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str, what: str) -> str:
    """Between three quotation marks, inside of which a Modelfile knows no escape."""
    if '"""' in text or text.endswith('"'):
        raise DocutuneError(
            f"the {what} cannot stand in a Modelfile: it holds three quotation marks or ends with one",
            "write it without, and train again, or add --set template=FILE",
        )
    return f'"""{text}"""'


def _stop(text: str) -> str:
    return f'"""{text}"""' if '"' in text else f'"{text}"'
