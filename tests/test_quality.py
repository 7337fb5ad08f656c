"""The report on a dataset's quality: what it counts and names, and what a training makes of the samples."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from installed import Installed
from test_report import ATTACK, FETCHING, Page
from tiny import base

from docutune.corpus import Dataset, Row, version_of
from docutune.hf.measure import measure
from docutune.records import Made, Message, Origin, Sample, Span, Split, from_json, to_json
from docutune.report.content import content, estimate, shown, writing
from docutune.report.facts import Coverage, ModuleCoverage
from docutune.report.findings import Finding, findings
from docutune.report.histogram import histogram, spread
from docutune.report.quality import Measured, Quality, TrainingMeasure
from docutune.report.quality_page import to_html, to_json_text

pytestmark = pytest.mark.training


def row(question: str, answer: str, split: Split | None = "train", language: str = "en", kind: str = "purpose") -> Row:
    sample = Sample((Message("user", question), Message("assistant", answer)), kind, question, language=language)
    return Row(Made(sample, Origin((Span("docs/a.md", 3, 9),), "task", "maker@1")), split)


def dataset(*rows: Row) -> Dataset:
    ordered = tuple(sorted(rows, key=lambda item: item.made.sample.id))
    return Dataset(version_of(ordered), ordered)


LONG = "The parcel leaves the house in the morning, and it comes to the city in the evening of the same day"
DATASET = dataset(
    row("What does `acme.send` do?", "It sends one parcel."),
    row("What  does `acme.send` do", "It sends nothing."),
    row("What does `acme.Send` do?", "It sends one parcel."),
    row("what does `acme.send` do?", "Another answer.", "test"),
    row(f"When does a parcel of mine come to the city? {LONG}.", f"{LONG}."),
    row(f"When does a parcel of mine come to the city?? {LONG}!", f"{LONG}, says the guide.", "validation"),
    row(f"When does a parcel of hers leave the city? {LONG}.", "Never: nobody sends her any.", "test"),
    row("Wie schwer ist ein Paket?", "Ein Kilo.", kind="how-to"),
    row("How heavy is a parcel?", "一公斤", language="zh", kind="how-to"),
    row("一个包裹有多重？", "一公斤。", language="zh", kind="how-to"),
    row("Named, and held out.", "Left out.", None),
)


def quality(**more: Any) -> Quality:
    return replace(Quality(DATASET.version, "acme", content(DATASET), shown=shown(DATASET)), **more)


def test_samples_are_counted_by_kind_language_and_split() -> None:
    found = content(DATASET)
    assert (found.samples, found.splits) == (11, {"train": 7, "test": 2, "validation": 1, "left out": 1})
    assert found.by_kind["how-to"] == {"train": 3}
    assert found.by_kind["purpose"] == {"train": 4, "test": 2, "validation": 1, "left out": 1}
    assert found.by_language["zh"] == {"train": 2}


def test_questions_that_are_trained_and_held_out_are_found_and_named() -> None:
    found = content(DATASET).duplicates
    assert (found.held_out, found.exact, found.near, found.leaked) == (3, 1, 1, 2)
    assert (found.repeated, found.contradicting) == (1, 1)
    word_for_word, nearly = found.leaks
    assert (word_for_word.question, word_for_word.split, word_for_word.alike) == (
        "what does `acme.send` do?",
        "test",
        1,
    )
    assert nearly.split == "validation"
    assert nearly.trained_question == f"When does a parcel of mine come to the city? {LONG}."


def test_one_phrasing_held_out_in_other_words_is_no_leak() -> None:
    answer = "It reads the whole page and gives it back as text, line by line, to whoever asks for it."
    fine = dataset(
        row("What does `acme.read` do?", answer), row("Can you tell me the purpose of `acme.read`?", answer, "test")
    )
    assert content(fine).duplicates.leaked == 0


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("What is `acme`?", "latin"),
        ("`acme.send` 是做什么的？", "zh"),
        ("包裹 the parcel", "mixed"),
        ("Что это?", "other"),
        ("```python\nprint(1)\n```", "none"),
        ("acme.send 函数有哪些参数？它们的默认值是什么？", "zh"),
    ],
)
def test_the_script_of_a_text_is_that_of_its_words_outside_of_code(text: str, script: str) -> None:
    assert writing(text) == script


def test_languages_that_do_not_fit_are_counted() -> None:
    wrong = [found for found in content(DATASET).languages if not found.fits]
    assert [(found.declared, found.writing, found.samples) for found in wrong] == [("zh", "latin", 1)]


def test_a_chinese_answer_of_an_english_sample_is_named_and_a_quotation_of_english_is_not() -> None:
    chinese, english = "仓库把包裹寄给世界各地的客户，并且每天都开门。", "It sends parcels to all towns."
    fine = dataset(
        row("What does it do?", english), row("它做什么？", english, language="zh"), row("In Chinese?", "包裹")
    )
    (told,) = [finding for finding in _told(fine) if finding.place == "languages"]
    assert told.level == "good" and told.text.endswith("and every answer may be.")
    wrong = dataset(*fine.rows, row('Explain "发送包裹".', chinese))
    (told,) = [finding for finding in _told(wrong) if finding.place == "languages"]
    assert told.level == "look" and told.text.startswith("1 answers are not written in the language")
    assert (
        "English Answer Chinese characters 1 does not fit" in Page(to_html(Quality("v", "acme", content(wrong)))).text
    )


def _told(version: Dataset) -> list[Finding]:
    return findings(Quality(version.version, "acme", content(version)))


def test_lengths_without_a_tokenizer_are_estimates() -> None:
    assert (estimate("一公斤"), estimate("abcdefgh"), estimate("")) == (3, 2, 0)
    assert [lengths.part for lengths in content(DATASET).lengths] == ["question", "answer", "whole"]


def test_the_columns_of_a_histogram_hold_every_sample_and_one_outlier_does_not_squeeze_them() -> None:
    lengths = spread("whole", [*range(20, 120)] * 10 + [9000])
    assert sum(found.samples for found in lengths.bins) == 1001
    assert len(lengths.bins) > 10
    assert (lengths.bins[0].shortest, lengths.bins[-1].longest, lengths.longest) == (20, 9000, 9000)
    drawn = histogram(lengths, 60)
    assert [column.over for column in drawn.columns].count(True) == sum(found.shortest > 60 for found in lengths.bins)
    assert drawn.limit is not None
    assert histogram(lengths, 20_000).limit is None
    assert len(spread("whole", [7]).bins) == 1


def test_what_to_mend_comes_first() -> None:
    training = TrainingMeasure("smoke", "tiny", 64, 0.1, Measured({"train": 10}, {"train": 2}, 500, 100))
    told = findings(quality(trainings=(training,)))
    assert [finding.level for finding in told][:3] == ["bad", "bad", "look"]
    assert told[0].text.startswith("2 of 3 held-out questions are trained, too (1 word for word, 1 nearly)")
    assert "`leakage` and `duplicates` in `curate:`" in told[0].text
    assert told[1].text.startswith("smoke: 2 of 10 samples are longer than max_length 64, more than 10.0%")
    fewer = replace(training, measured=Measured({"train": 10}, {"train": 1}, 500, 100))
    assert "1 of 10 samples are longer than max_length 64 and are left out" in "".join(
        finding.text for finding in findings(quality(trainings=(fewer,)))
    )


def test_a_version_that_no_run_made_says_so() -> None:
    text = Page(to_html(quality())).text
    assert "Not known: no run of this workspace made this version." in text
    assert "No library was read for this version" in text
    assert "No training is known for this version: lengths in tokens are estimates." in text


def test_everything_is_on_the_page_and_nothing_leaves_it() -> None:
    covered = Coverage((ModuleCoverage("acme", 4, 2, 1), ModuleCoverage("acme.net", 2, 1, 2)), ())
    html = to_html(quality(run="20260102-030405", rejected={"duplicates": {"exact": 7}}, coverage=covered))
    page = Page(html)
    for part in (
        *("7 samples to train on, 1 to validate with, 2 to ask afterwards", "mend this", "duplicates exact 7"),
        *("3 of 6 public symbols (50.0%) have a sample", "spoken of by samples 50.0% 3 / 6"),
        *("what does `acme.send` do?", "When does a parcel of mine", "does not fit", "docs/a.md:3-9", "maker@1"),
        *("in no split", "20260102-030405", DATASET.version, "11 of 11, the same ones for the same version"),
    ):
        assert part in page.text, part
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "base", "form", "img", "link"}
    assert not any(FETCHING & attributes.keys() for _, attributes in page.tags)
    anchors = {(link["href"] or "")[1:] for link in page.of("a")}
    assert anchors <= {attributes["id"] for _, attributes in page.tags if "id" in attributes}


def test_the_chinese_page_is_chinese() -> None:
    page = Page(to_html(quality(language="zh")))
    assert page.of("html") == [{"lang": "zh"}]
    assert "7 条样本用于训练" in page.text
    assert "请修正" in page.text


def test_what_others_wrote_is_text_on_the_page() -> None:
    hostile = dataset(row(ATTACK, ATTACK, language=ATTACK, kind=ATTACK), row(ATTACK, "other", "test", kind=ATTACK))
    given = Quality(ATTACK, ATTACK, content(hostile), rejected={ATTACK: {ATTACK: 1}}, shown=shown(hostile), run=ATTACK)
    page = Page(to_html(given))
    assert not {tag for tag, _ in page.tags} & {"script", "img", "b"}
    assert page.text.count("<script>alert(1)</script>") > 8


def test_the_json_form_gives_the_same_page() -> None:
    given = quality(trainings=(TrainingMeasure("smoke", "tiny", 64, 0.1),))
    assert to_html(from_json(Quality, json.loads(to_json_text(given)))) == to_html(given)


def test_the_masks_are_those_of_the_trainer_token_by_token(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    lines = [
        {
            "id": str(number),
            "kind": kind,
            "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}],
        }
        for number, (kind, asked, said) in enumerate(
            [
                ("a", "What is it?", "A 包裹, with <|im_end|> in it."),
                ("a", "And that?", "No."),
                ("b", "Why?", "Because " * 40),
            ]
        )
    ]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    found = measure(base(tmp_path / "base").folder, {"train": path}, {"model": "builtin/tiny", "max_length": 64})
    assert (found.samples, found.too_long) == ({"train": 3}, {"train": 1})
    assert found.longest[0].id == "2"
    assert [lengths.part for lengths in found.lengths] == ["question", "answer", "whole"]
    first, second = found.previews
    assert [first.id, second.id] == ["0", "1"]
    pieces = first.rows[0].pieces
    trained = "".join(piece.text for piece in pieces if piece.trained)
    assert trained == "A 包裹, with <|im_end|> in it.<|im_end|>"
    assert "What is it?" in "".join(piece.text for piece in pieces if not piece.trained)
    assert sum(piece.tokens for piece in pieces if piece.trained) == first.trained
    assert sum(piece.tokens for piece in pieces) == first.tokens
    assert from_json(Measured, to_json(found)) == found
    text = Page(to_html(quality(trainings=(TrainingMeasure("smoke", "tiny", 64, 0.5, found),)))).text
    assert "A" in text
    assert f"{first.trained} of {first.tokens} tokens are trained" in text


PIPELINE = """version: 1
project: acme
sources:
  - samples: qa.jsonl
curate: []
split: {validation: 0.0}
train:
  - name: smoke
    uses: trl
    with: {model: ./base/model, lora_rank: 4, max_steps: 1, batch_size: 4, max_length: 96, quantization: none}
evaluate: []
"""


@pytest.fixture(scope="module")
def made(shared_environment: Installed) -> Installed:
    """A run that made a dataset and trained on it; one of 24 samples is too long, and one test question is trained."""
    work = shared_environment.work
    base(work / "base")
    rows: list[dict[str, str]] = [
        {"question": f"What is parcel number {number}?", "answer": f"It is parcel {number} of acme."}
        for number in range(23)
    ]
    rows += [{"question": "Tell me all?", "answer": "All of it. " * 60}]
    rows += [{"question": "what is parcel number 4", "answer": "Quite another one.", "split": "test"}]
    (work / "qa.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (work / "pipeline.yaml").write_text(PIPELINE)
    done = shared_environment.docutune("run", "--json")
    assert done.returncode == 0, done.stderr
    return shared_environment


def report(made: Installed) -> Any:
    return json.loads((made.work / ".docutune/runs/latest/quality.json").read_text())


def test_a_run_writes_what_its_training_saw(made: Installed) -> None:
    told = report(made)
    (training,) = told["trainings"]
    assert training["measured"]["samples"] == {"train": 24}
    assert training["measured"]["too_long"] == {"train": 1}
    assert training["measured"]["longest"][0]["question"] == "Tell me all?"
    assert len(training["measured"]["previews"]) == 3
    assert told["content"]["duplicates"]["exact"] == 1
    page = (made.work / ".docutune/runs/latest/quality.html").read_text()
    assert "1 of 24 samples are longer than max_length 96 and are left out" in Page(page).text
    assert '<a href="quality.html">' in (made.work / ".docutune/runs/latest/report.html").read_text()


def test_a_run_that_reuses_all_has_the_same_report(made: Installed) -> None:
    before = report(made)
    assert made.docutune("run").returncode == 0
    assert {**report(made), "run": None} == {**before, "run": None}


def test_the_command_measures_what_is_not_known_in_a_worker(made: Installed) -> None:
    known = made.answer("dataset", "report")
    assert known["trainings"] == report(made)["trainings"]
    other = made.work / "other.yaml"
    other.write_text(PIPELINE.replace("max_length: 96", "max_length: 24"))
    done = made.docutune("dataset", "report", "--pipeline", "other.yaml", "--output", "page.html")
    assert done.returncode == 0, done.stderr
    assert "of 24 samples are longer than max_length 24, more than 10.0% of those to train on" in done.stdout
    assert "max_length 24" in Page((made.work / "page.html").read_text()).text
    assert list((made.work / ".docutune/sessions").glob("measure-*")) == []


def test_a_base_that_is_not_here_is_said_and_lengths_are_estimates(made: Installed) -> None:
    (made.work / "hub.yaml").write_text(PIPELINE.replace("./base/model", "acme/none"))
    done = made.docutune("dataset", "report", "--pipeline", "hub.yaml", HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert "acme/none is not on this disk" in done.stderr
    assert "smoke: not yet measured against max_length 96; lengths in tokens are estimates." in done.stdout


def test_too_many_long_samples_are_an_error_before_the_training_begins(made: Installed) -> None:
    done = made.docutune("run", "--set", "train[0].with.max_left_out=0.02", "--set", "train[0].with.lora_rank=8")
    assert done.returncode == 1
    assert "1 of 24 samples are longer than max_length 96 tokens" in done.stderr
    assert "max_left_out (here 0.02)" in done.stderr
    assert "mend" in Page((made.work / ".docutune/runs/latest/quality.html").read_text()).text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--output", "page.pdf"), "the report ends in .html or .json"),
        (("--output", "none/page.html"), "cannot be written"),
        (("nothing",), "no dataset version is called 'nothing'"),
    ],
)
def test_what_cannot_be_is_one_line(made: Installed, arguments: tuple[str, ...], message: str) -> None:
    done = made.docutune("dataset", "report", *arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
