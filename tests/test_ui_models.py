"""The tab Models in a real browser, and the one model that is loaded for all pages."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import CONTRASTS, started
from installed import Installed
from jobs import eventually
from playwright.sync_api import Browser, Page, expect
from test_models_commands import EXPORTERS, leftovers
from test_ui import opened, picture, press, served, shows
from trained import project

from docutune.owner import Process, family

HELD = 64
"""MiB that the runtime of these tests holds for a loaded model."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as found:
        yield found


@pytest.fixture(scope="module")
def trained(shared_environment: Installed) -> Installed:
    project(shared_environment)
    shared_environment.install("more", {"more.py": EXPORTERS}, "more = more")
    return shared_environment


def readable(page: Page, name: str) -> None:
    page.wait_for_function(f"!({CONTRASTS})().some(text => text.ratio < 4.5)")
    for width in (400, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
        picture(page, f"{name}-{width}")


def named(page: Page, text: str) -> None:
    """Type the name of a model."""
    page.locator("#model input").fill(text)
    page.locator("#model input").press("Enter")


def choose(page: Page, place: str, option: str) -> None:
    page.locator(f"{place} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def workers(pid: int) -> list[Process]:
    """The processes below the server that hold models."""
    server = Process.of(pid)
    assert server is not None
    return [one for one in family(server) if b"docutune.worker" in Path(f"/proc/{one.pid}/cmdline").read_bytes()]


def figures(page: Page) -> dict[str, float]:
    """The figures of the loaded model by their names, in MiB."""
    told = {}
    for part in page.locator("#loaded .facts > div").all():
        size, name = part.inner_text().split("\n")[:2]
        number, unit = size.split()
        told[name.lower()] = float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit]
    return told


LOADER = """
import json, os, signal, threading
from pathlib import Path
from docutune import Workspace
from docutune.desk.asking import Unloaded
from docutune.errors import DocutuneError
from docutune.owner import Process, family
from docutune.records import Message, Sampling

place = Workspace(Path.cwd())
loaded = place.desk.loaded
asked = (Message("user", "hi"),)

def workers():
    return family(Process.of(os.getpid()))

def until(phase):
    while loaded.state.phase != phase:
        assert loaded.state.phase in ("loading", "ready"), loaded.state
        threading.Event().wait(0.02)
    return loaded.state

def refused(call):
    try:
        call()
    except DocutuneError as error:
        return f"{type(error).__name__}: {error}"

def listen(talker, heard, said):
    try:
        for piece in talker.session.stream(asked, "tuned", Sampling()):
            heard.set()
    except DocutuneError as error:
        said.append(f"{type(error).__name__}: {error.message}")

found = {"none": refused(loaded.talker)}
loaded.load(None)  # the one that is wished for last counts
loaded.load("smoke")
found["early"] = refused(loaded.talker)
now = until("ready").loaded
found |= {"name": now.named.name, "context": now.info.context, "workers": len(workers())}
found["typos"] = [refused(lambda: loaded.load(name)) for name in ("./nothing", "smoek")]
loaded.load("acme/nothing")
absent = until("failed")
found |= {"absent": str(absent.error), "stays": [absent.name, absent.loaded.named.name]}
loaded.forget_failure()
found["still"] = loaded.state.phase, len(workers())
with place.session() as other:  # one process may open a model twice
    found["twice"] = next(other.stream(asked, "base", Sampling()))
talker, said = loaded.talker(), []
streams = [(threading.Event(), talker) for _ in range(3)]
threads = [threading.Thread(target=listen, args=(talker, heard, said)) for heard, talker in streams]
for thread in threads:
    thread.start()
for heard, _ in streams:
    heard.wait()
freed = loaded.unload()
for thread in threads:
    thread.join()
found |= {"said": said, "later": refused(lambda: list(talker.session.stream(asked, "tuned", Sampling())))}
found |= {"after": len(workers()), "state": loaded.state.phase}
found["gpu"] = [freed.before.gpu, freed.loaded.gpu, freed.after.gpu]
found["memory"] = [freed.before.resident, freed.loaded.resident, freed.after.resident, freed.after.worker]

loaded.load("smoke")
until("ready")
workers()[0].send(signal.SIGKILL)
found["killed"] = [str(until("failed").error), refused(loaded.talker)]

def many():
    for _ in range(2):
        loaded.load("smoke")
        assert len(workers()) <= 1
        loaded.unload()

threads = [threading.Thread(target=many) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
loaded.close()
found |= {"end": [len(workers()), loaded.state.phase, refused(lambda: loaded.load("smoke"))]}
logs = list(Path(".docutune/sessions").iterdir())
found["logs"] = [(log / "log.txt").is_file() for log in logs]  # of the one that was killed
loaded = Workspace(Path.cwd()).desk.loaded
loaded.load("smoke")
until("ready")
found["orphan"] = workers()[0].pid
print(json.dumps(found), flush=True)
os._exit(0)  # as a kill ends it
"""


def test_one_model_is_loaded_for_all_threads_and_gives_its_memory_back(trained: Installed) -> None:
    driver = trained.work / "bin/nvidia-smi"  # what it prints is the driver's, not ours
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\necho 512\n")
    driver.chmod(0o755)
    done = trained.python(LOADER, HF_HUB_OFFLINE="1", PATH=f"{driver.parent}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "no model is loaded" in found["none"] and "still being loaded" in found["early"]
    assert (found["name"], found["context"], found["workers"]) == ("smoke", 1024, 1)
    assert "no folder" in found["typos"][0] and "did you mean 'smoke'?" in found["typos"][1]
    assert "acme/nothing" in found["absent"] and found["stays"] == ["acme/nothing", "smoke"]
    assert found["still"] == ["ready", 1], "a name that means nothing ends no model"
    assert found["twice"] == "base "
    assert found["said"] == ["Unloaded: smoke was unloaded"] * 3
    assert "load it again" in found["later"]
    assert (found["after"], found["state"]) == (0, "none")
    before, held, after, worker = found["memory"]
    assert found["gpu"] == [512 * 1024**2] * 3
    assert held >= before + HELD * 1024**2
    assert after < before + HELD * 1024**2 / 2 and worker == 0
    assert eventually(lambda: Process.of(found["orphan"]) is None)
    shutil.rmtree(trained.work / ".docutune/sessions")
    assert "was killed by SIGKILL" in found["killed"][0] and "no model is loaded" in found["killed"][1]
    assert found["logs"] == [True]
    assert found["end"][:2] == [0, "none"] and "the server is ending" in found["end"][2]


@pytest.mark.browser
def test_the_tab_from_a_look_at_a_model_to_its_removal(browser: Browser, trained: Installed) -> None:
    work = trained.work
    with served(trained, HF_HUB_OFFLINE="1") as (server, address):
        with opened(browser, f"{address}en/?tab=models") as page:
            looked_at(page)
            with opened(browser, f"{address}zh/?tab=models") as other:
                loaded_and_unloaded(page, other, server.pid, work)
            lost(page)
            begun(page, work)
        with opened(browser, f"{address}en/?tab=models") as page:
            stopped(page, work)
            exported(page, work)
            (work / "begun").unlink()
            late(page, work)
            removed(page, work)
    assert leftovers(work) == [], "an export ends with the server"


def looked_at(page: Page) -> None:
    shows(page, "#models tr", "smoke", "./made/base", "right 0 → 1")
    shows(page, "#model-inside", "adapter to a base", "copied", "qa.jsonl", "no difference")
    shows(page, "#loaded .to-do", "No model is loaded")


def loaded_and_unloaded(page: Page, other: Page, server: int, work: Path) -> None:
    """With the memory that it takes, seen by two pages."""
    press(page, "Load")
    shows(page, "#loaded .good", "smoke is loaded and ready to answer")
    shows(page, "#loaded-about table", "Echo", "12,345,678", "1,024")
    page.get_by_text("Where it comes from").click()
    shows(page, "#loaded-about details[open] table", "0123456789abcdef", str(work / "made/base"))
    [worker] = workers(server)
    loaded = figures(page)
    assert loaded["memory now"] >= loaded["memory before"] + HELD
    assert loaded["of it the model's process"] >= HELD
    readable(page, "en-models-loaded")
    named(page, "acme/nothing")
    press(page, "Load")
    shows(page, "#loaded .bad", "acme/nothing could not be loaded")
    shows(page, "#loaded .good", "smoke is loaded and ready to answer")
    named(page, "smoke")
    expect(page.locator("#loaded .bad")).to_have_count(0)
    shows(other, "#loaded .good", "smoke 已加载")
    other.get_by_role("button", name="合并与导出").click()
    readable(other, "zh-models-loaded")
    press(other, "卸载")
    shows(other, "#loaded .good", "smoke 已卸载")
    shows(page, "#loaded .good", "smoke is unloaded")
    freed = figures(page)
    assert freed["memory after"] <= freed["memory while loaded"] - HELD
    assert freed["memory after"] < freed["memory before"] + HELD / 2
    assert not worker.alive and workers(server) == []
    assert leftovers(work) == []


def lost(page: Page) -> None:
    """A name that is typed and means nothing."""
    named(page, "./nothing")
    shows(page, "#model-inside .to-do", "./nothing was not trained in this workspace")
    press(page, "Load")
    shows(page, "#models-message .bad", "no folder", "models of this workspace: smoke")
    shows(page, "#loaded .good", "smoke is unloaded")
    named(page, "smoke")
    expect(page.locator("#models-message .bad")).to_have_count(0)


def begun(page: Page, work: Path) -> None:
    """An export, after what is wrong with its options was shown."""
    page.get_by_role("button", name="Merge and export").click()
    shows(page, "#export-as", "Whole weights for transformers")
    choose(page, "#export-as", "ollama")
    shows(page, "#export-as", "a Modelfile for Ollama")
    page.get_by_label("num_ctx").fill("5")
    press(page, "Export")
    shows(page, ".option-num-ctx.wrong", "at least 128")
    choose(page, "#export-as", "slow")
    page.locator("#export-folder").locator("textarea, input").fill("../out")
    press(page, "Export")
    shows(page, "#export-message .bad", "is no folder below exports/")
    page.locator("#export-folder").locator("textarea, input").fill("out")
    press(page, "Export")
    shows(page, "#export-state", "The export is at work", "slow")
    assert eventually((work / "begun").exists)


def stopped(page: Page, work: Path) -> None:
    """By another page than the one that began it, and is closed."""
    page.get_by_role("button", name="Merge and export").click()
    shows(page, "#export-state", "The export is at work", "slow")
    press(page, "Export")
    shows(page, "#export-message .bad", "another export is at work")
    press(page, "Stop export")
    shows(page, "#export-state", "was stopped; it left nothing behind")
    assert leftovers(work) == []


def exported(page: Page, work: Path) -> None:
    press(page, "Export")
    shows(page, "#export-state .good", "The result answers as the model that it was made from")
    assert "20 / 20 (100%)" in shows(page, "#export-state", "largest difference").inner_text()
    shows(page, "#exports tr", "smoke-merged", "passed", "20 / 20 (100%)")
    assert (work / "exports/smoke-merged/model.safetensors").is_file()
    readable(page, "en-models-exported")
    press(page, "Export")
    shows(page, "#export-state .bad", "is there already", "have the earlier export replaced")


def late(page: Page, work: Path) -> None:
    """An export that is at work when the server ends."""
    choose(page, "#export-as", "slow")
    press(page, "Export")
    shows(page, "#export-state", "The export is at work", "slow")
    assert eventually((work / "begun").exists)


def removed(page: Page, work: Path) -> None:
    """After what would go was shown."""
    [folder] = [path.parent for path in work.glob(".docutune/models/*/model.json")]
    page.locator("#model-remove > button").click()
    press(page, "Show what would go")
    shows(page, "#model-remove-message", "the adapter of smoke", "Named by", "when no other model is named")
    readable(page, "en-models-remove")
    assert folder.is_dir()
    press(page, "Remove for good")
    shows(page, "#models .to-do", "No trained model is kept")
    expect(page.locator("#model input")).not_to_have_value(re.compile("smoke ·"))
    shows(page, "#model-remove-message .good", "smoke", "is removed")
    assert not folder.exists()
    page.get_by_role("tab", name="Evaluate", exact=True).click()
    press(page, "Measure again")
    shows(page, "#evaluate-message .bad", "There is no trained model to measure", "the tab “Train” trains one")
