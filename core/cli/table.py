"""Every command: where it lives and what it does in a line. Nothing is imported until a command is called."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """`load` is "module:function" of a click command or group."""

    load: str
    summary: str


COMMANDS = {
    "init": Command("docutune.cli.init:init", "Look at a folder, ask a few questions and write its pipeline file"),
    "doctor": Command("docutune.cli.doctor:doctor", "Check this machine and this installation"),
    "validate": Command("docutune.cli.validate:validate", "Check a pipeline file and show every mistake in it"),
    "plan": Command("docutune.cli.run:plan", "Show what a run would do"),
    "run": Command("docutune.cli.run:run", "Run the pipeline: from sources to a tuned model and a report"),
    "status": Command("docutune.cli.inspect:status", "Show the runs of this workspace, or follow the one at work"),
    "stop": Command("docutune.cli.stop:stop", "Stop the run at work; the next one goes on from there"),
    "report": Command("docutune.cli.inspect:report", "Show or write the report of a run"),
    "monitor": Command("docutune.cli.monitor:monitor", "Watch trainings in TensorBoard, on this machine alone"),
    "trace": Command("docutune.cli.trace:trace", "Show where a sample, document, symbol or model comes from"),
    "eval": Command("docutune.cli.evaluate:evaluate", "Measure a model again, base against tuned"),
    "dataset": Command("docutune.cli.dataset:dataset", "Look after dataset versions and question-answer files"),
    "templates": Command(
        "docutune.cli.templates:templates", "List, show and edit the prompts of generators and judges"
    ),
    "models": Command("docutune.cli.models:models", "List trained models, merge them, write them for other tools"),
    "chat": Command("docutune.cli.chat.ask:chat", "Talk with the tuned model, or ask it one question"),
    "serve": Command("docutune.cli.serve:serve", "Serve a model to programs that speak OpenAI's chat completions"),
    "ui": Command("docutune.cli.ui:ui", "Work in a browser: sources, training, plugins, settings"),
    "chats": Command("docutune.cli.chat.kept:chats", "List, show, export and remove chats"),
    "plugins": Command("docutune.cli.plugins:plugins", "Show the installed plugins and their options"),
    "schema": Command("docutune.cli.schema:schema", "Print the JSON Schema of the pipeline file for editors"),
    "clean": Command("docutune.cli.clean:clean", "Free what no run of this workspace names"),
}

DATASET = {
    "list": Command("docutune.cli.dataset.list:list_versions", "List the dataset versions of this workspace"),
    "log": Command("docutune.cli.dataset.log:log", "Show how the dataset changed from run to run, and why"),
    "show": Command("docutune.cli.dataset.show:show", "Show a version: its facts, samples, and what was left out"),
    "diff": Command("docutune.cli.dataset.diff:diff", "Show what differs between two versions, and why"),
    "tag": Command("docutune.cli.dataset.tag:tag", "Give a version a name"),
    "remove": Command("docutune.cli.dataset.remove:remove", "Remove a version that nothing names"),
    "import": Command("docutune.cli.dataset.import_:import_files", "Add question-answer files to the samples"),
    "add": Command("docutune.cli.dataset.add:add", "Type questions and answers by hand"),
    "validate": Command("docutune.cli.dataset.validate:validate", "Check every row of question-answer files"),
    "export": Command(
        "docutune.cli.dataset.export:export", "Write a version for other tools, or to carry it elsewhere"
    ),
    "report": Command("docutune.cli.dataset.report:report", "Show the quality of a dataset version"),
    "rate": Command("docutune.cli.dataset.rate:rate", "Judge samples or a model's answers, one by one"),
}
"""The commands below `docutune dataset`."""

MODELS = {
    "list": Command("docutune.cli.models.list:list_models", "List the trained models, base against tuned"),
    "info": Command("docutune.cli.models.info:info", "Show all that is known of a model"),
    "remove": Command("docutune.cli.models.remove:remove", "Remove a model that no run names"),
    "merge": Command("docutune.cli.models.merge:merge", "Merge an adapter into its base at full precision"),
    "export": Command("docutune.cli.models.export:export", "Write a model for other tools, and compare both"),
}
"""The commands below `docutune models`."""

TEMPLATES = {
    "list": Command("docutune.cli.templates.list:list_templates", "List every prompt template, and which are your own"),
    "show": Command("docutune.cli.templates.show:show", "Show a template's text, or its earlier texts"),
    "edit": Command("docutune.cli.templates.edit:edit", "Put a text of your own in a template's place"),
}
"""The commands below `docutune templates`."""

CHATS = {
    "list": Command("docutune.cli.chat.kept:list_chats", "List the chats, the one that changed last first"),
    "show": Command("docutune.cli.chat.kept:show", "Show a chat"),
    "export": Command("docutune.cli.chat.kept:export", "Write a chat as Markdown or as messages"),
    "remove": Command("docutune.cli.chat.kept:remove", "Remove a chat"),
}
"""The commands below `docutune chats`."""
