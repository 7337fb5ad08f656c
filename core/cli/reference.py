"""The page docs/cli.md, written from the commands themselves: `python -m docutune.cli.reference > docs/cli.md`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence

import click

from docutune.cli.app import app
from docutune.errors import EXIT_FAILURE, EXIT_HUNG_UP, EXIT_INTERRUPTED, EXIT_TERMINATED, EXIT_USAGE

_HEAD = """# The command line

Written by `make docs` from the code. `docutune --help` and `docutune COMMAND --help` (or `-h`) say the same."""

EXIT_CODES = {
    0: "it worked",
    EXIT_FAILURE: "it failed: one line on standard error says what, where and what to do",
    EXIT_USAGE: "wrong usage, or a mistake in the pipeline file; nothing was done",
    EXIT_HUNG_UP: "its terminal was closed (SIGHUP); what was finished is kept",
    EXIT_INTERRUPTED: "stopped by Ctrl-C (SIGINT); what was finished is kept",
    EXIT_TERMINATED: "stopped by `docutune stop` or a polite kill (SIGTERM); what was finished is kept",
}

VARIABLES = {
    "DOCUTUNE_STRICT": "`1` shows the traceback behind a known error, and lets a broken plugin end the command",
    "HF_ENDPOINT": "address of the model hub or of a mirror of it; by default `https://huggingface.co`",
    "MODELSCOPE_ENDPOINT": "address of ModelScope, for models named `modelscope:owner/name`",
    "OPENAI_API_KEY": "the key of OpenAI and of servers that `base_url` names; `api_key_env` names another variable",
    "XDG_CACHE_HOME": "where digests of model folders and finished downloads are remembered, below `docutune/`; by "
    "default `~/.cache`",
    "XDG_DATA_HOME": "where chats are kept that belong to no workspace, below `docutune/`; by default `~/.local/share`",
    "CUDA_VISIBLE_DEVICES": "which GPU trains and answers; by default the first",
    "OMP_WAIT_POLICY": "how threads wait in workers; by default `PASSIVE`: they sleep",
    "PYDANTIC_DISABLE_PLUGINS": "by default `__all__`: damaged packages of others then cannot stop a command",
}
"""What docutune reads of its environment."""

_HUB = (
    "The hub's own library reads more of them: `HF_HOME` says where downloaded models lie, `HF_TOKEN` logs in, "
    "`HF_HUB_OFFLINE=1` forbids the network. So does that of ModelScope: `MODELSCOPE_CACHE`, `MODELSCOPE_API_TOKEN`."
)

ARGUMENTS = {
    "FILE": "the pipeline file; by default `pipeline.yaml` of this folder or of the nearest one above it",
    "MODEL": "a training's name, the first digits of a key, a folder, or `owner/name` of a hub "
    "([all of it](model-names.md)); by default the newest model of this workspace",
    "FOLDER": "the folder to look at; by default this one",
    "RUN": "a run's id, as `docutune status` lists them, or `latest`",
    "[MODEL] [QUESTION]...": "a model, as for every command, then one question; "
    "several words need no quotation marks, unless the shell has a use for them",
    "CHAT": "a chat's id, its first digits, or `latest`: the one that changed last",
    "WHAT": "a sample's id or its first digits, a document's path, a symbol's full name, a model's name or key, a "
    "dataset version, a run or `latest`; `KIND:WHAT` where a word means two things",
    "TEMPLATE": "a prompt template, such as `langchain/en/how-to`, or the end of its name where no other ends so",
    "NAME": "a plugin's name, as `docutune plugins list` shows it",
    "VERSION": "a dataset version: its hash or first digits, a tag, a run's id, or `latest`: the newest run's",
    "BEFORE": "a dataset version, as above",
    "AFTER": "a dataset version, as above; by default the newest run's",
    "TAG": "a name for a dataset version: a letter, then letters, digits, `.`, `-` and `_`",
    "FILE...": "question-answer files, or folders of such",
    "[FILE...]": "question-answer files, or folders of such; by default all that the pipeline reads",
}
"""Metavar of an argument -> what it takes; the same wherever it appears."""


def page() -> str:
    """The whole page, the same on every terminal."""
    root = _context(app, "docutune", None)
    parts = [_HEAD, _plain(app), *_parameters(root)]
    parts += ["## Exit codes", _table("code", "meaning", {str(code): text for code, text in EXIT_CODES.items()})]
    variables = {f"`{name}`": text for name, text in VARIABLES.items()}
    parts += ["## Environment variables", _table("variable", "meaning", variables), _HUB]
    for name in app.list_commands(root):
        parts += _command(name, app, root, "##")
    return "\n\n".join(parts) + "\n"


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command below a group, with its full name and a context to ask it in."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = _context(command, name, context)
        yield inner.command_path, command, inner
        if isinstance(command, click.Group):
            yield from commands(command, inner)


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    return click.Context(command, parent=parent, info_name=name, show_default=True)


def _command(name: str, group: click.Group, parent: click.Context, level: str) -> list[str]:
    command = group.get_command(parent, name)
    assert command is not None
    context = _context(command, name, parent)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"{level} {context.command_path}", f"    {usage}", _plain(command), *_parameters(context)]
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            parts += _command(inner, command, context, level + "#")
    return parts


def _parameters(context: click.Context) -> list[str]:
    """A table of the arguments and one of the options, where there are any; --help has been said at the top."""
    own = context.command.params
    names = [parameter.human_readable_name for parameter in own if isinstance(parameter, click.Argument)]
    arguments = {f"`{name}`": ARGUMENTS.get(name, "") for name in names}
    records = [option.get_help_record(context) for option in own if isinstance(option, click.Option)]
    options = {f"`{record[0]}`": record[1] for record in records if record is not None}
    tables = (("argument", arguments), ("option", options))
    return [_table(title, "meaning", rows) for title, rows in tables if rows]


def _table(left: str, right: str, rows: Mapping[str, str]) -> str:
    lines = [f"| {left} | {right} |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {_cell(name)} | {_cell(text)} |" for name, text in rows.items())])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())


def _plain(command: click.Command) -> str:
    """The command's help in full; a paragraph that click is told not to wrap becomes a code block."""
    text = inspect.cleandoc(command.help or "").partition("\f")[0]
    return "\n\n".join(_paragraph(part.splitlines()) for part in text.strip().split("\n\n"))


def _paragraph(lines: Sequence[str]) -> str:
    if lines and lines[0].strip() == "\b":
        return "\n".join(f"    {line}" for line in lines[1:])
    return "\n".join(lines)


if __name__ == "__main__":
    click.echo(page(), nl=False)
