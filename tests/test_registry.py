"""Registry: what plugins offer, clashes, and plugins that misbehave; through real packages in a child process."""

from __future__ import annotations

import json

import pytest
from installed import Installed

from docutune.contracts import ParserRegistration, Registration
from docutune.errors import PluginError
from docutune.registry import KINDS, Registry

BUILT_IN = {
    "parser": ("markdown", "pairs", "python"),
    "generator": ("grounded", "langchain"),
    "curator": ("balance", "duplicates", "judge", "leakage", "quality", "secrets"),
    "trainer": ("trl", "unsloth"),
    "runtime": ("local",),
    "evaluator": ("text-overlap",),
    "exporter": ("gguf", "ollama", "safetensors"),
    "frontend": ("gradio",),
    "hub": ("huggingface", "modelscope"),
}

HEAD = """
from docutune import ParserRegistration, Registration, hookimpl
from pydantic import BaseModel, ConfigDict

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

def curator(**changes):
    fields = dict(name="short", revision=1, summary="Drops short samples.", config=Config, load="acme_work:Short")
    return Registration(**{**fields, **changes})
"""

NEEDED = """
class Needed(Config):
    token: str
"""


def install(environment: Installed, body: str, package: str = "acme-plugin", **files: str) -> None:
    module = package.replace("-", "_")
    sources = {"acme_work.py": "", **{f"{name}.py": text for name, text in files.items()}}
    environment.install(package, {f"{module}.py": HEAD + body, **sources}, f"{module} = {module}")


def offer(expression: str, kind: str = "curator") -> str:
    return f"\n@hookimpl\ndef docutune_{kind}s():\n    return {expression}\n"


def the_failure(environment: Installed) -> dict[str, str]:
    found = environment.answer("plugins", "list")
    names = {kind: tuple(plugin["name"] for plugin in found["plugins"] if plugin["kind"] == kind) for kind in KINDS}
    assert names == BUILT_IN
    [failed] = found["failed"]
    assert failed["package"] == "acme-plugin" and failed["version"] == "1.0" and failed["hint"]
    return dict(failed)


def test_every_kind_has_its_built_in_plugins() -> None:
    registry = Registry.load()
    assert {kind: registry.names(kind) for kind in KINDS} == BUILT_IN
    assert registry.failed == ()
    assert isinstance(registry.get("parser", "markdown").registration, ParserRegistration)
    assert isinstance(registry.get("trainer", "trl").registration, Registration)


def test_loading_twice_gives_two_registries_that_share_nothing() -> None:
    first, second = Registry.load(), Registry.load()
    assert first.entries == second.entries
    assert first is not second


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(PluginError) as error:
        Registry.load().get("curator", "duplicate")
    assert error.value.message == "no curator is called 'duplicate'; did you mean 'duplicates'?"
    assert error.value.hint == f"installed curators: {', '.join(BUILT_IN['curator'])}"


def test_a_stranger_s_plugin_stands_beside_the_built_in_ones(environment: Installed) -> None:
    install(environment, offer("[curator()]"))
    found = environment.answer("plugins", "list")
    assert found["failed"] == []
    [plugin] = [plugin for plugin in found["plugins"] if plugin["name"] == "short"]
    assert (plugin["kind"], plugin["package"], plugin["version"], plugin["state"]) == (
        "curator",
        "acme-plugin",
        "1.0",
        "ready",
    )


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (offer("1 / 0"), "ZeroDivisionError"),
        (offer("exit(4)"), "ended the program with exit code 4"),
        (offer("curator()"), "must return a list of registrations, not Registration"),
        (offer("None"), "must return a list of registrations, not NoneType"),
        (offer("['short']"), "must return Registration objects, found str"),
        (offer("[curator()]", "parser"), "must return ParserRegistration objects, found Registration"),
        (offer("[curator(name='Short One')]"), "'Short One'"),
        (offer("[curator(summary=' ')]"), "no summary"),
        (NEEDED + offer("[curator(config=Needed)]", "hub"), "needs defaults: nothing sets 'token' of a hub"),
        (offer("[curator(revision='1')]"), "revision"),
        (offer("[curator(load='acme_work.Short')]"), "not 'package.module:Class'"),
        (offer("[curator(load='acme_gone:Short')]"), "names the module 'acme_gone', which is not there"),
        (offer("[curator(load='acme_work.gone:Short')]"), "names the module 'acme_work.gone', which is not there"),
        (offer("[curator(requires='torch')]"), "not a tuple of module names"),
        (offer("[curator(extra=1)]"), "not text"),
        (offer("[curator(needs_gpu='yes')]"), "not True or False"),
        (offer("[curator(instead='acme.other')]"), "not the name of a plugin"),
        (offer("[curator(config=dict)]"), "not a pydantic model class"),
        (offer("[curator(config=type('Loose', (BaseModel,), {}))]"), 'extra="forbid"'),
        ("\n@hookimpl\ndef docutune_curator():\n    return [curator()]\n", "docutune_curator"),
        ("\n@hookimpl\ndef docutune_curators(library):\n    return [curator()]\n", "library"),
        ("\n@hookimpl(wrapper=True)\ndef docutune_curators():\n    yield\n    return []\n", "wrapper"),
        ("", "implements no docutune hook"),
        (
            offer(
                "[ParserRegistration(name='a', revision=1, summary='s', config=Config, load='a:A', suffixes=('md',))]",
                "parser",
            ),
            "suffixes",
        ),
    ],
)
def test_a_plugin_that_misbehaves_costs_one_line(environment: Installed, body: str, cause: str) -> None:
    install(environment, body)
    failed = the_failure(environment)
    assert cause in failed["cause"]
    assert "\n" not in failed["cause"]


def test_a_raising_hook_does_not_silence_the_plugin_s_other_hooks(environment: Installed) -> None:
    install(environment, offer("1 / 0") + offer("[curator()]", "evaluator"))
    found = environment.answer("plugins", "list")
    assert [failed["package"] for failed in found["failed"]] == ["acme-plugin"]
    assert ("evaluator", "short") in {(plugin["kind"], plugin["name"]) for plugin in found["plugins"]}


def test_what_a_hook_prints_stays_out_of_stdout(environment: Installed) -> None:
    install(environment, offer("print('hello') or [curator()]"))
    assert environment.answer("plugins", "list")["failed"] == []


def test_a_stranger_s_plugin_with_a_built_in_s_name_fails(environment: Installed) -> None:
    install(environment, offer("[curator(name='duplicates')]"))
    assert "docutune" in the_failure(environment)["cause"]


def test_of_two_strangers_with_one_name_neither_serves(environment: Installed) -> None:
    """Else the order of installation would decide a result."""
    install(environment, offer("[curator()]"), "acme-one")
    install(environment, offer("[curator()]"), "acme-two")
    found = environment.answer("plugins", "list")
    assert "short" not in {plugin["name"] for plugin in found["plugins"]}
    assert sorted(failed["package"] for failed in found["failed"]) == ["acme-one", "acme-two"]
    code = "from docutune.registry import Registry; Registry.load().get('curator', 'short')"
    done = environment.python(code)
    assert "curator 'short' is offered by acme-one 1.0 and acme-two 1.0" in done.stderr


def test_a_failed_package_is_named_when_its_plugin_is_wanted(environment: Installed) -> None:
    environment.install("acme-plugin", {"short.py": "import acme_absent"}, "short = short")
    done = environment.docutune("plugins", "info", "short")
    assert done.returncode == 1
    assert done.stderr.startswith("error: acme-plugin 1.0 (short): ModuleNotFoundError")
    done = environment.python("from docutune.registry import Registry; Registry.load().get('curator', 'short')")
    assert "no curator is called 'short': package acme-plugin 1.0 failed: ModuleNotFoundError" in done.stderr


def test_missing_libraries_are_looked_for_and_not_imported(environment: Installed) -> None:
    body = offer("[curator(requires=('acme_absent', 'acme_lib', 'acme_lib.part', 'acme_lib.none'), extra='acme[all]')]")
    loud = "raise SystemExit('imported')"
    install(environment, body)
    environment.install("acme-lib", {"acme_lib/__init__.py": loud, "acme_lib/part.py": loud})
    [plugin] = [plugin for plugin in environment.answer("plugins", "list")["plugins"] if plugin["name"] == "short"]
    assert plugin["state"] == "incomplete"
    assert plugin["missing"] == ["acme_absent", "acme_lib.none"]
    assert plugin["install"] == "pip install 'acme[all]'"


CREATE = """
from docutune.errors import PluginError
from docutune.registry import Registry
registry = Registry.load()
entry = registry.get("curator", "short")
try:
    print(type(registry.create(entry, entry.registration.config())).__name__)
except PluginError as error:
    print(error.message)
"""


@pytest.mark.parametrize(
    ("registration", "work", "answer"),
    [
        ("curator()", "class Short:\n    def __init__(self, config): pass", "Short"),
        ("curator()", "print('hello')\nclass Short:\n    def __init__(self, config): pass", "Short"),
        ("curator(requires=('acme_absent',), extra='acme[all]')", "", "curator 'short' needs acme_absent: "),
        ("curator()", "import acme_absent", "curator 'short' of acme-plugin 1.0 cannot be used: ModuleNotFoundError"),
        ("curator()", "raise SystemExit", "curator 'short' of acme-plugin 1.0 cannot be used: ended the program"),
        ("curator()", "", "curator 'short' of acme-plugin 1.0 cannot be used: AttributeError"),
    ],
)
def test_a_plugin_is_made_when_it_is_used(environment: Installed, registration: str, work: str, answer: str) -> None:
    install(environment, offer(f"[{registration}]"), acme_work=work)
    done = environment.python(CREATE)
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert line.startswith(answer)


OBSERVE = """
import json
from pathlib import Path
from docutune.records import Outcome, RunInfo, StepInfo
from docutune.registry import Registry
outcome = Outcome("made", 1.0, {"loss": [1]})
facts = {"run": RunInfo("1", "acme", Path(".")), "step": StepInfo("parse", "core", "k"), "outcome": outcome}
problems = Registry.load().notify("step_finished", **facts)
print(json.dumps([outcome.figures, problems]))
"""


def test_observers_are_told_apart_and_change_nothing(environment: Installed) -> None:
    broken = "\n@hookimpl\ndef docutune_step_finished(outcome):\n    outcome.figures.clear()\n    1 / 0\n"
    heard = (
        "\n@hookimpl\ndef docutune_step_finished(step, outcome):\n    open('heard', 'w').write(str(outcome.figures))\n"
    )
    install(environment, broken, "acme-broken")
    install(environment, heard, "acme-heard")
    done = environment.python(OBSERVE)
    assert done.returncode == 0, done.stderr
    figures, problems = json.loads(done.stdout)
    assert figures == {"loss": [1]}
    assert problems == [
        "observer docutune_step_finished of acme-broken 1.0 failed: ZeroDivisionError: division by zero"
    ]
    assert (environment.work / "heard").read_text() == "{'loss': [1]}"
