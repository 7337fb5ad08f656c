"""The curator `secrets`, and that what it leaves out is not spread by leaving it out."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from installed import Installed
from planted import planted

from docutune.plugins.curators.secrets.curate import Secrets
from docutune.plugins.curators.secrets.plugin import Config
from docutune.records import Made, Message, Origin, Sample, Span

KEY = "AKIA" + "QZ7XKJ3MPLRT5WYV"
PASSWORD = "Falcon" + "4711!"
PERSON = "jana.novak" + "@parcel-service.cz"


class Context:
    """Nobody is told of the progress."""

    seed = 0
    folder = Path()

    def progress(self, done: int, total: int | None = None, **figures: float) -> None: ...


def made(question: str, answer: str) -> Made:
    messages = (Message("user", question), Message("assistant", answer))
    return Made(Sample(messages, "purpose", ""), Origin((Span("a.md", 1, 2),), "task", "test"))


def reject(samples: list[Made], **options: Any) -> dict[int, str]:
    return dict(asyncio.run(Secrets(Config.model_validate(options)).reject(samples, Context())))


SAMPLES = [
    made("How do I log in?", f"Use the key {KEY}."),
    made("How do I log in?", "Use the key of your account."),
    made(f"Is password='{PASSWORD}' right?", "Yes."),
    made("Whom do I ask?", f"Write to {PERSON}."),
    made("Whom do I ask?", "Write to support@parcel-service.cz."),
    made("电话是多少？", "请拨打 139" + "10538726。"),
    made("What does the token cost?", "A token costs 3 cents, see `token_price`."),
]


def test_each_sample_with_a_secret_is_left_out_and_its_value_is_not_told() -> None:
    assert reject(SAMPLES) == {
        0: "secret: AWS Access Key",
        2: "secret: Assigned Secret",
        3: "personal data: e-mail address",
        5: "personal data: phone number",
    }


def test_personal_data_and_what_a_pattern_describes_may_stay() -> None:
    assert reject(SAMPLES, personal_data="allow") == {0: "secret: AWS Access Key", 2: "secret: Assigned Secret"}
    patterns = [r"Falcon\d+!", r".*@parcel-service\.cz"]
    assert reject(SAMPLES, allow=patterns) == {0: "secret: AWS Access Key", 5: "personal data: phone number"}
    assert 2 in reject(SAMPLES, allow=["Falcon"]), "a pattern describes all of the value"


def test_every_planted_secret_is_found_in_an_answer() -> None:
    samples = [made("What is it?", item.section) for item in planted(seed=8, each=3)]
    assert len(reject(samples)) >= 0.95 * len(samples)


def pipeline(installed: Installed, **options: Any) -> None:
    rows = [{"question": f"What is number {number}?", "answer": f"The number {number}."} for number in range(20)]
    rows += [
        {"question": "What is the key?", "answer": f"It is {KEY}."},
        {"question": "Which password?", "answer": f"password = '{PASSWORD}'"},
        {"question": "Whom do I ask?", "answer": f"Write to {PERSON}."},
    ]
    (installed.work / "qa.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (installed.work / "docs").mkdir()
    words = "The depot opens at eight, and every parcel that arrives before noon leaves on the same day. " * 4
    (installed.work / "docs/guide.md").write_text(f"# Log in\n\n{words}Log in with password = '{PASSWORD}'.\n")
    written = {
        "version": 1,
        "project": "acme",
        "sources": [{"samples": "qa.jsonl", "split": "train"}, {"path": "docs"}],
        "generate": [{"uses": "grounded"}],
        "curate": [{"uses": "secrets", "with": options}],
    }
    (installed.work / "pipeline.yaml").write_text(json.dumps(written))


def test_no_secret_stands_anywhere_but_where_the_documents_are_kept(environment: Installed) -> None:
    """Parsed documents, and what is quoted from them, are kept below cache/; nothing else may hold a value."""
    pipeline(environment)
    environment.answer("run", "--until", "dataset")
    environment.answer("run", "--until", "dataset", "--from", "curate")
    files = [path for path in (environment.work / ".docutune").rglob("*") if path.is_file() and not path.is_symlink()]
    kept = {path.relative_to(environment.work / ".docutune").parts[0] for path in files if holds_value(path)}
    assert kept == {"cache"}
    last = (environment.work / ".docutune/runs/latest").resolve()
    rejected = list(map(json.loads, (last / "rejected.jsonl").read_text().splitlines()))
    answers = {row["sample"]["messages"][-1]["content"]: row["reason"] for row in rejected}
    assert answers["It is <AWS Access Key>."] == "secret: AWS Access Key"
    assert answers["Write to <e-mail address>."] == "personal data: e-mail address"
    assert [answer for answer in answers if "password = '<Assigned Secret>'" in answer]
    assert len(files) > 10 and len(rejected) >= 4


def holds_value(path: Path) -> bool:
    content = path.read_bytes()
    return any(value.encode() in content for value in (KEY, PASSWORD, PERSON))


def test_a_wrong_pattern_is_a_mistake_of_the_file(environment: Installed) -> None:
    pipeline(environment, allow=["("])
    said = environment.docutune("validate")
    assert said.returncode == 2
    assert "curate[0].with.allow" in said.stderr and "'(' is no regular expression" in said.stderr
