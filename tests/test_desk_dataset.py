"""What pages do with datasets: samples turned over and edited, ratings put into force, what a run costs meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from dataset_project import docutune

from docutune.api import Workspace
from docutune.chat.ledger import Amount, Attempt, Ledger, sent, settled
from docutune.corpus import Row
from docutune.desk.samples import Filter
from docutune.desk.spending import Spending, Spent
from docutune.errors import ConfigError, UsageError
from docutune.rated import Rating, export, merged
from docutune.workspace import Store

PIPELINE = "version: 1\nproject: acme\nsources:\n  - samples: qa.jsonl\nsplit: {test: 0.2}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A dataset of twelve samples; tests leave its first version as it is."""
    work = tmp_path_factory.mktemp("work")
    rows = [{"question": f"Where does hall {n} lie?", "answer": f"Beside gate {n * 7}."} for n in range(12)]
    (work / "qa.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (work / "pipeline.yaml").write_text(PIPELINE)
    run(work)
    yield Workspace(work)


def run(work: Path) -> None:
    done = docutune(work, "run", "--until", "dataset")
    assert done.returncode == 0, done.stderr


def said(row: Row) -> str:
    return row.made.sample.messages[-1].content


def texts(row: Row, answer: str) -> list[str]:
    return [*(message.content for message in row.made.sample.messages[:-1]), answer]


def test_samples_are_turned_over_and_found(made: Workspace) -> None:
    samples = made.desk.dataset.samples
    pages = [samples.page("latest", Filter(), number, 5) for number in (0, 1, 2, 3, 99)]
    assert [(page.number, page.pages, len(page.rows)) for page in pages] == [
        (1, 3, 5),
        (1, 3, 5),
        (2, 3, 5),
        (3, 3, 2),
        (3, 3, 2),
    ]
    assert len({row.made.sample.id for page in pages for row in page.rows}) == 12
    (row,) = samples.page("latest", Filter(text=" GATE 77"), 1, 5).rows
    assert said(row) == "Beside gate 77."
    for text in (row.made.sample.id, "qa.jsonl:12-12"):
        assert samples.page("latest", Filter(text=text), 1, 5).matching == 1
    held = samples.page("latest", Filter(split="test"), 1, 99)
    assert held.matching == samples.counts("latest").splits["test"] > 0
    assert samples.page("latest", Filter(kind="question-answer", judged="unrated"), 1, 5).matching == 12
    with pytest.raises(UsageError, match="has no sample 'x'"):
        samples.one("latest", "x")


def test_an_edited_sample_takes_the_place_of_the_old_one_in_the_next_version(made: Workspace) -> None:
    work, edits, samples = made.project, made.desk.dataset.edits, made.desk.dataset.samples
    before = samples.dataset("latest")
    edited = {row.made.sample.id: row for row in before.rows[:3]}  # the new ids come before the old ones, or after
    with pytest.raises(UsageError, match="nothing was changed"):
        edits.save(before.version, before.rows[0].made.sample.id, texts(before.rows[0], said(before.rows[0])))
    with pytest.raises(UsageError, match=r"what was typed: .*no answer"):
        edits.save(before.version, before.rows[0].made.sample.id, texts(before.rows[0], " "))
    other = next(row for row in before.rows if row.made.sample.id not in edited)
    asked = [other.made.sample.messages[0].content, "No."]
    done = edits.save(before.version, before.rows[0].made.sample.id, asked)
    assert "another answer" in str(done.complaint) and not done.place
    assert not (work / "samples").exists()
    for name, row in edited.items():
        done = edits.save(before.version, name, texts(row, f"{said(row)} Or so."))
        assert done.place.startswith("samples/edited.jsonl:") and done.complaint is None
    first, second, _ = edited
    corrected(made, first, edited[first])
    taken_back(made, second, edited[second])
    assert "- samples: samples/edited.jsonl" in (work / "pipeline.yaml").read_text()
    assert "ratings: ratings.jsonl" in (work / "pipeline.yaml").read_text()
    run(work)
    after = samples.dataset("latest")
    assert len(after.rows) == 12
    assert not edited.keys() & {row.made.sample.id for row in after.rows}
    splits = {said(row): row.split for row in after.rows}
    assert all(splits[f"{said(row)} Or so."] == row.split for row in edited.values())
    assert samples.dataset(before.version) == before
    assert edits.waiting(first) is None, "what a version has is done"


def rows(work: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (work / "samples/edited.jsonl").read_text().splitlines()]


def notes(work: Path) -> dict[str, tuple[str, str]]:
    """What the file that runs heed says of each sample."""
    ratings = map(json.loads, (work / "ratings.jsonl").read_text().splitlines())
    return {rating["id"]: (rating["verdict"], rating.get("note", "")) for rating in ratings}


def corrected(made: Workspace, name: str, row: Row) -> None:
    """A second edit takes the place of the first one, and of no other."""
    edits, before = made.desk.dataset.edits, rows(made.project)
    with pytest.raises(UsageError, match="nothing was changed"):
        edits.save("latest", name, texts(row, f"{said(row)} Or so."))
    done = edits.save("latest", name, texts(row, f"{said(row)} Or there."))
    assert done.place == "samples/edited.jsonl:1" and done.complaint is None
    assert rows(made.project)[1:] == before[1:] and "Or there." in str(rows(made.project)[0])
    edits.save("latest", name, texts(row, f"{said(row)} Or so."))
    assert rows(made.project) == before


def taken_back(made: Workspace, name: str, row: Row) -> None:
    """An edit that is taken back leaves nothing behind; a reason from before it stays, and stands beside it."""
    work, edits, samples = made.project, made.desk.dataset.edits, made.desk.dataset.samples
    there = rows(work)
    assert notes(work)[name] == ("bad", "edited: samples/edited.jsonl")
    edits.take_back("latest", name)
    assert rows(work) == [there[0], there[2]] and name not in notes(work) and not samples.ratings(name)
    with pytest.raises(UsageError, match="no edit to take back"):
        edits.take_back("latest", name)
    samples.rate("latest", name, "bad", "No gate told")
    assert edits.save("latest", name, texts(row, f"{said(row)} Or so.")).place == "samples/edited.jsonl:3"
    assert notes(work)[name] == ("bad", "No gate told; edited: samples/edited.jsonl")
    assert edits.save("latest", name, texts(row, said(row))).back
    assert len(rows(work)) == 2 and notes(work)[name] == ("bad", "No gate told")
    edits.save("latest", name, texts(row, f"{said(row)} Or so."))


def test_ratings_of_others_stay_when_ours_are_put_into_force(made: Workspace, tmp_path: Path) -> None:
    desk, path = made.desk.dataset, tmp_path / "ratings.jsonl"
    row = desk.samples.dataset("latest").rows[0]
    theirs = Rating("2026-01-01T00:00:00+00:00", "sample", "0" * 16, "0" * 16, "kind", "Why?", "bad", "no", "ada")
    older = Rating("2026-01-01T00:00:00+00:00", "sample", row.made.sample.id, row.made.sample.id, "kind", "Why?", "bad")
    export([theirs, older], path)
    ours = Rating("2026-02-01T00:00:00+00:00", "sample", row.made.sample.id, row.made.sample.id, "kind", "Why?", "good")
    assert merged(path, [ours]) == [theirs, ours]
    file, text = made.project / "pipeline.yaml", (made.project / "pipeline.yaml").read_text()
    file.write_text(text + "nonsense: 1\n")
    with pytest.raises(ConfigError):
        desk.edits.leave_out_bad()
    file.write_text(text)


def test_exports_go_below_the_folder_that_is_served(made: Workspace) -> None:
    desk = made.desk.dataset
    done = desk.export("latest", "messages", ["train"])
    assert done.output.is_relative_to(made.project / "exports") and done.output.name.endswith("-train-messages.jsonl")
    assert desk.export("latest", "messages", ["train"]).output == done.output
    with pytest.raises(UsageError, match="no such format"):
        desk.export("latest", "../../x", [])


def test_what_a_run_spends_is_known_while_it_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create()
    ledger, spending = Ledger(store.folder), Spending(store, "now")
    assert spending.look() is None
    most = Amount(1, 1000, 1000, 1.0)
    ledger.write([sent(Attempt("a", "x", "now", True, most), "t"), sent(Attempt("b", "y", "before", True, most), "t")])
    assert spending.look() == Spent(1, 1, 0, 0, 0.0)
    line = settled("a", Amount(1, 10, 5, 0.25))
    with (store.folder / "spending.jsonl").open("ab") as file:
        file.write(line[:9])
        file.flush()
        assert spending.look() == Spent(1, 1, 0, 0, 0.0)
        file.write(line[9:])
    assert spending.look() == Spent(1, 0, 10, 5, 0.25)
    ledger.write([sent(Attempt("c", "z", "now", False, Amount(1, 7, 7)), "t")])
    assert spending.look() == Spent(2, 1, 10, 5, None)
