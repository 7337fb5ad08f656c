"""The forms in which a dataset version is exported: what each writes, and what of the samples it cannot say."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docutune.cells import guarded, is_run
from docutune.corpus import SPLITS, Row, row_fields
from docutune.datasets.arrow import to_parquet
from docutune.records import Message, Sample

FORMATS = ("messages", "alpaca", "sharegpt", "csv", "parquet", "hf")
RESTORED = ("messages", "parquet")
"""Those that `docutune dataset import` makes the same version of."""

_CELL = 32_767  # characters that a spreadsheet keeps of a cell
_SHAREGPT = {"user": "human", "assistant": "gpt", "system": "system"}
_COLUMNS = ("question", "answer", "system", "history", "id", "split", "held_out", "kind", "fact", "symbols", "language")
_ORIGIN = ("places", "task", "producer", "model")

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What goes into the file, and a line for each thing that does not, or that readers may not understand."""

    content: bytes
    drops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turns:
    """A conversation as a question, an answer, and what came before them as pairs."""

    system: str | None
    history: tuple[tuple[str, str], ...]
    question: str
    answer: str


def write(form: str, rows: Sequence[Row], version: str, project: str, raw_cells: bool) -> Written:
    """The rows in one of the forms that are files; `version` is that of these rows."""
    if form == "csv":
        return _csv(rows, version, raw_cells)
    writers: Mapping[str, Callable[[Sequence[Row], str], Written]] = {
        "messages": _messages,
        "alpaca": _alpaca,
        "sharegpt": _sharegpt,
        "parquet": lambda rows, version: Written(
            to_parquet(whole(rows, version), {"version": version, "project": project}), ()
        ),
    }
    return writers[form](rows, version)


def whole(rows: Iterable[Row], version: str) -> list[Fields]:
    """Rows with everything that is known of them, and the version that they are together."""
    return [{**row_fields(row), "version": version} for row in rows]


def splits_of(rows: Sequence[Row], version: str) -> tuple[dict[str, list[Fields]], tuple[str, ...]]:
    """Split -> its rows, for a folder of the datasets library, and what has no place there."""
    splits = {split: whole((row for row in rows if row.split == split), version) for split in SPLITS}
    left = sum(row.split is None for row in rows)
    drops = (f"{_many(left, 'sample')} of no split (they name unseen symbols)",) if left else ()
    return {split: found for split, found in splits.items() if found}, drops


def turns(sample: Sample) -> Turns | None:
    """The conversation as pairs; None where it is no alternation of questions and answers."""
    said = list(sample.messages)
    system = said.pop(0).content if said and said[0].role == "system" else None
    roles = [message.role for message in said]
    if not said or roles != ["user", "assistant"] * (len(said) // 2):
        return None
    texts = [message.content for message in said]
    pairs = tuple(zip(texts[::2], texts[1::2], strict=True))
    return Turns(system, pairs[:-1], *pairs[-1])


def _messages(rows: Sequence[Row], version: str) -> Written:
    lines = (json.dumps(row, ensure_ascii=False) for row in whole(rows, version))
    return Written("".join(f"{line}\n" for line in lines).encode(), ())


def _alpaca(rows: Sequence[Row], version: str) -> Written:
    """`system` and `history` stand beside the three fields of Alpaca, as LLaMA-Factory reads them."""
    fitting = [(row, found) for row in rows if (found := turns(row.made.sample))]
    items = []
    for row, said in fitting:
        fields = {"instruction": said.question, "input": "", "output": said.answer}
        beside = {"system": said.system, "history": [list(pair) for pair in said.history]}
        items.append({**fields, **{name: value for name, value in beside.items() if value}, **_beside(row, version)})
    return Written(_json_list(items), tuple(_lost_turns([said for _, said in fitting], rows)))


def _sharegpt(rows: Sequence[Row], version: str) -> Written:
    items = [
        {"conversations": [_turn(message) for message in row.made.sample.messages], **_beside(row, version)}
        for row in rows
    ]
    return Written(_json_list(items), ())


def _turn(message: Message) -> Fields:
    return {"from": _SHAREGPT[message.role], "value": message.content}


def _csv(rows: Sequence[Row], version: str, raw: bool) -> Written:
    """With a byte order mark, without which Excel takes UTF-8 for another encoding."""
    fitting = [(row, found) for row in rows if (found := turns(row.made.sample))]
    table = [_cells(row, said, version) for row, said in fitting]
    formulas = sum(is_run(cell) for cells in table for cell in cells) if not raw else 0
    long = sum(len(cell) > _CELL for cells in table for cell in cells)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow((*_COLUMNS, *_ORIGIN, "version"))
    writer.writerows([cell if raw else guarded(cell) for cell in cells] for cells in table)
    drops = list(_lost_turns([said for _, said in fitting], rows))
    if formulas:
        drops.append(
            f"{_many(formulas, 'cell')} would be a formula to a spreadsheet and begin with ' instead (--raw-cells: not)"
        )
    if long:
        drops.append(f"{_many(long, 'cell')} have more than {_CELL:,} characters, which spreadsheets cut")
    return Written(out.getvalue().encode("utf-8-sig"), tuple(drops))


def _cells(row: Row, said: Turns, version: str) -> list[str]:
    sample, origin = row.made.sample, row.made.origin
    history = json.dumps([list(pair) for pair in said.history], ensure_ascii=False) if said.history else ""
    return [
        said.question,
        said.answer,
        said.system or "",
        history,
        sample.id,
        row.split or "",
        row.held_out or "",
        sample.kind,
        sample.fact,
        " ".join(sample.symbols),
        sample.language,
        "; ".join(map(str, origin.spans)),
        origin.task,
        origin.producer,
        origin.model or "",
        version,
    ]


def _lost_turns(found: Sequence[Turns], rows: Sequence[Row]) -> Iterable[str]:
    """What readers of plain question-answer rows lose."""
    if odd := len(rows) - len(found):
        yield f"{_many(odd, 'sample')} that are no alternation of questions and answers: left out"
    if systems := sum(said.system is not None for said in found):
        yield f"the system prompts of {_many(systems, 'sample')}, for readers that do not know the field system"
    if longer := sum(bool(said.history) for said in found):
        yield f"the earlier turns of {_many(longer, 'sample')}, for readers that do not know the field history"


def _beside(row: Row, version: str) -> Fields:
    """Where a row comes from, in fields of its own, which readers of the form pass over."""
    fields = row_fields(row)
    del fields["messages"]
    return {**fields, "version": version}


def _json_list(items: Sequence[Fields]) -> bytes:
    """A JSON list with an item a line."""
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    return f"[\n{lines}\n]\n".encode()


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
