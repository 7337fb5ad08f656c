"""`docutune init`: questions and what is said around them; the work is done by `docutune.scaffold`."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from docutune.cli.found import NOTHING, about_models, show_findings, show_machine, to_install

if TYPE_CHECKING:
    from docutune.api import Workspace
    from docutune.scaffold.find import Findings
    from docutune.scaffold.suggest import Training
    from docutune.scaffold.tree import Source
    from docutune.scaffold.write import Choices

_NEXT = {
    "validate": "after every change: each mistake with its line",
    "plan": "what a run would do",
    "run": "do it; what is made already is reused",
}
_TEMPLATES = "library: documents, code and pairs; qa: question-answer pairs alone, for two small models."


@click.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Ask nothing and take the defaults.")
@click.option(
    "--file", type=click.Path(path_type=Path), default="pipeline.yaml", help="The file to write, seen from FOLDER."
)
@click.option("--language", type=click.Choice(["en", "zh"]), help="Language of the samples and of the comments.")
@click.option("--template", type=click.Choice(["library", "qa"]), default="library", help=_TEMPLATES, show_default=True)
@click.option(
    "--model",
    "models",
    metavar="NAME",
    multiple=True,
    help="Base model to train: a hub name, a folder, or none (dataset only); may be repeated.",
)
@click.option("--force", is_flag=True, help="Replace an existing file; it is kept as FILE.bak.")
@click.option("--run/--no-run", default=None, help="Run the pipeline afterwards, or do not; unset: ask.")
def init(
    folder: Path,
    yes: bool,
    file: Path,
    language: str | None,
    template: str,
    models: tuple[str, ...],
    force: bool,
    run: bool | None,
) -> None:
    """Look at a folder, ask a few questions and write its pipeline file.

    Documents, Python packages and files of question-answer pairs are found below FOLDER (default: here).
    """
    from docutune.api import Workspace
    from docutune.scaffold.templates import sources_of
    from docutune.scaffold.write import refuse_existing, refuse_unwritable

    target = folder / file
    if not force:
        refuse_existing(target)
    _check_terminal(yes)
    refuse_unwritable(target)
    workspace = Workspace(folder.resolve())
    show_machine(folder.resolve())
    findings = workspace.survey()
    findings = replace(findings, sources=sources_of(template, findings.sources))
    show_findings(findings, folder)
    questions = Questions(workspace, findings, workspace.training(), target, not yes, template)
    choices = questions.ask(language, models)
    if run is None:
        run = not yes and click.confirm("Run it at once?", default=choices.model in (None, "builtin/tiny"))
    _write(workspace, choices, target, force)
    if run:
        _run(target)


@dataclass(frozen=True)
class Questions:
    """What is asked, each with its default; `asking` False takes the defaults."""

    workspace: Workspace
    findings: Findings
    training: Training
    target: Path
    asking: bool
    template: str = "library"

    def ask(self, language: str | None, models: tuple[str, ...]) -> Choices:
        """All questions; what an option answers is not asked."""
        from docutune.scaffold.suggest import project_name
        from docutune.scaffold.write import Choices

        given = self._models(models)
        project = self._text("Name of the project", project_name(self.findings.folder))
        sources = self._sources()
        languages = (language,) if language else self._languages(sources)
        first, *more = (given if models else self._ask_models()) or (None,)
        trainer = (self._trainer() if first is not None else None) or "trl"
        return Choices(
            project, languages, self.findings.folder, sources, first, trainer, tuple(filter(None, more)), self.template
        )

    def _text(self, question: str, default: str) -> str:
        return click.prompt(question, default=default, value_proc=_not_empty) if self.asking else default

    def _sources(self) -> tuple[Source, ...]:
        found = self.findings.sources
        if not self.asking or len(found) == 1:
            return found

        def chosen(text: str) -> tuple[Source, ...]:
            return tuple(found[index] for index in _numbers(text, len(found)))

        return tuple(click.prompt("Use which of these? (numbers such as 1,3)", default="all", value_proc=chosen))

    def _languages(self, sources: tuple[Source, ...]) -> tuple[str, ...]:
        from docutune.scaffold.suggest import language

        guess = language(self.findings, sources)
        if not self.asking or all(source.holds == "samples" for source in sources):
            return (guess,)
        return tuple(click.prompt("Language of the samples (en, zh or en,zh)", default=guess, value_proc=_languages))

    def _ask_models(self) -> tuple[str, ...]:
        from docutune.scaffold.templates import TEMPLATES

        for line in about_models(self.training):
            click.echo(line)
        usual = TEMPLATES[self.template].models
        default = None if self.training.trainer is None else ", ".join(usual) or self.training.model
        if not self.asking or default is None:
            return _names(default or "")
        question = "Base models" if len(usual) > 1 else "Base model"
        return self._models(_names(click.prompt(question, default=default, value_proc=self._known_models)))

    def _models(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Models as they were named, none where the word for that stands among them."""
        found = [self._model(name) for name in dict.fromkeys(names)]
        return tuple(name for name in found if name is not None) if None not in found else ()

    def _model(self, text: str) -> str | None:
        """A model as it was named; UsageError when it cannot be trained here."""
        from docutune.errors import UsageError

        if text == NOTHING:
            return None
        if self.training.trainer is None:
            raise UsageError(f"--model {text}: nothing can be trained yet", to_install(self.training))
        mistake = self._mistake(text)
        if mistake:
            raise UsageError(f"--model {text}: {mistake}")
        return text

    def _known_models(self, text: str) -> str:
        for name in _names(text):
            mistake = None if name == NOTHING else self._mistake(name)
            if mistake:
                raise click.BadParameter(mistake)
        return _not_empty(text)

    def _mistake(self, name: str) -> str | None:
        return self.workspace.model_mistake(name, self.target.parent)

    def _trainer(self) -> str | None:
        trainers = self.training.trainers
        if not self.asking or len(trainers) < 2:
            return self.training.trainer
        return str(click.prompt("Trainer", default=self.training.trainer, type=click.Choice(trainers)))


def _check_terminal(yes: bool) -> None:
    if yes or (sys.stdin is not None and sys.stdin.isatty()):
        return
    from docutune.errors import UsageError

    raise UsageError("there is no terminal to ask at", "docutune init --yes asks nothing and takes the defaults")


def _numbers(text: str, count: int) -> list[int]:
    """Indexes of a choice such as "all" or "1,3"; BadParameter when it is none."""
    if text.strip().lower() == "all":
        return list(range(count))
    words = text.replace(",", " ").replace("，", " ").split()
    numbers = {int(word) for word in words if word.isascii() and word.isdigit()}
    if not words or len(numbers) < len(set(words)) or not numbers <= set(range(1, count + 1)):
        raise click.BadParameter(f"write all, or numbers from 1 to {count} with commas between them")
    return sorted(number - 1 for number in numbers)


def _languages(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.lower().replace(",", " ").replace("，", " ").split()))
    if not names or not set(names) <= {"en", "zh"}:
        raise click.BadParameter("write en, zh or en,zh")
    return names


def _names(text: str) -> tuple[str, ...]:
    """The names of models between commas; what is one folder on the disk is one name."""
    whole = text.strip()
    if whole and Path(whole).expanduser().is_dir():
        return (whole,)
    return tuple(name.strip() for name in text.replace("，", ",").split(",") if name.strip())


def _not_empty(text: str) -> str:
    if not text.strip():
        raise click.BadParameter("must not be empty")
    return text.strip()


def _write(workspace: Workspace, choices: Choices, target: Path, force: bool) -> None:
    from docutune.scaffold.templates import TO_COME

    kept = workspace.write_pipeline(choices, target, force)
    shown = os.path.relpath(target)
    if kept is not None:
        click.echo(f"\nThe former file is kept: {os.path.relpath(kept)}")
    click.echo(f"\nWritten: {shown}")
    here = "" if shown == "pipeline.yaml" else f" {shlex.quote(shown)}"
    if TO_COME in choices.sources:
        click.echo("  docutune dataset import FILE  there are no pairs yet: this puts some in; dataset add: by hand")
    for command, purpose in _NEXT.items():
        click.echo(f"  docutune {command + here:<{len(here) + 8}}  {purpose}")


def _run(target: Path) -> None:
    from docutune.api import RunRequest, Workspace
    from docutune.cli.progress import RunView
    from docutune.cli.run import show_summary

    click.echo()
    show_summary(Workspace.of(target).run(RunRequest(target), RunView()), as_json=False)
