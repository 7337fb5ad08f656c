"""What the tokenizer and chat template of a base make of a dataset version: lengths, what is too long, label masks."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune.hf.encode import IGNORED, Encoded, encode, read_template
from docutune.hf.load import load_tokenizer
from docutune.records import Message, from_json
from docutune.report.histogram import spread
from docutune.report.quality import LongSample, MaskPreview, Measured, Piece, Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONGEST = 10
PREVIEWS = 3
_SHOWN_TOKENS = 1200
_BROKEN = "\ufffd"  # what a tokenizer writes for a part of a character
_MOST_PARTS = 12  # tokens that one character may be spread over


@dataclass
class _Tally:
    """What was found so far."""

    samples: dict[str, int]
    too_long: dict[str, int]
    prompts: list[int] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)
    longest: list[tuple[int, str, str, str]] = field(default_factory=list)
    candidates: list[_Candidate] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    """A sample that may be shown."""

    id: str
    kind: str
    rows: Sequence[Encoded]


def measure(base: Path, files: Mapping[str, Path], config: Mapping[str, Any]) -> Measured:
    """Encode the samples of each split as a trainer with these options does.

    `files`: split -> JSON Lines of samples (`messages`; `id` and `kind` may be missing); `config`: model, max_length,
    system_prompt and thinking as in training.TrainingConfig. A sample's length is that of its longest row. Raises
    DocutuneError when the base has no usable tokenizer, or its template refuses a sample.
    """
    tokenizer = load_tokenizer(base)
    template = read_template(tokenizer, config["model"], config.get("system_prompt"), bool(config.get("thinking")))
    tally = _Tally(dict.fromkeys(files, 0), dict.fromkeys(files, 0))
    for split, path in files.items():
        for entry in _entries(path):
            messages = tuple(from_json(Message, message) for message in entry["messages"])
            _count(tally, split, entry, encode(tokenizer, template, messages), config["max_length"])
    return _measured(tally, [_preview(tokenizer, shown) for shown in _chosen(tally.candidates)])


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield {"id": f"line {number}", "kind": "", **json.loads(line)}


def _count(tally: _Tally, split: str, entry: Mapping[str, Any], rows: Sequence[Encoded], max_length: int) -> None:
    longest = max(rows, key=lambda row: len(row.input_ids), default=Encoded((), ()))
    length, trained = len(longest.input_ids), _trained([longest])
    tally.samples[split] += 1
    tally.too_long[split] += length > max_length
    tally.prompts.append(length - trained)
    tally.replies.append(trained)
    heapq.heappush(tally.longest, (length, str(entry["id"]), split, _question(entry)))
    if len(tally.longest) > LONGEST:
        heapq.heappop(tally.longest)
    if split == "train" and length <= max_length:
        _consider(tally.candidates, _Candidate(str(entry["id"]), str(entry["kind"]), rows))


def _consider(candidates: list[_Candidate], found: _Candidate) -> None:
    """Keep the first samples, and the first of each further kind: they come in an arbitrary order."""
    if len(candidates) < PREVIEWS or found.kind not in {known.kind for known in candidates}:
        candidates.append(found)


def _chosen(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Samples of as many kinds as can be."""
    first = {known.kind: known for known in reversed(candidates)}
    rest = [known for known in candidates if first[known.kind] is not known]
    return [*(known for known in candidates if first[known.kind] is known), *rest][:PREVIEWS]


def _measured(tally: _Tally, previews: Sequence[MaskPreview]) -> Measured:
    whole = [prompt + reply for prompt, reply in zip(tally.prompts, tally.replies, strict=True)]
    parts = (("question", tally.prompts), ("answer", tally.replies), ("whole", whole))
    return Measured(
        samples=tally.samples,
        too_long=tally.too_long,
        tokens=sum(whole),
        trained_tokens=sum(tally.replies),
        lengths=tuple(spread(part, found) for part, found in parts if found),
        longest=tuple(
            LongSample(name, split, length, question)
            for length, name, split, question in sorted(tally.longest, reverse=True)
        ),
        previews=tuple(previews),
    )


def _question(entry: Mapping[str, Any]) -> str:
    return next((str(turn["content"]) for turn in entry["messages"] if turn["role"] == "user"), "")


def _trained(rows: Iterable[Encoded]) -> int:
    return sum(label != IGNORED for row in rows for label in row.labels)


def _preview(tokenizer: PreTrainedTokenizerBase, sample: _Candidate) -> MaskPreview:
    """The first tokens of a sample, row by row."""
    shown: list[Row] = []
    left, tokens = _SHOWN_TOKENS, sum(len(row.input_ids) for row in sample.rows)
    for row in sample.rows:
        if left > 0:
            shown.append(Row(tuple(_pieces(tokenizer, Encoded(row.input_ids[:left], row.labels[:left])))))
            left -= len(row.input_ids)
    more = max(0, tokens - _SHOWN_TOKENS)
    return MaskPreview(sample.id, sample.kind, tokens, _trained(sample.rows), tuple(shown), more)


def _pieces(tokenizer: PreTrainedTokenizerBase, row: Encoded) -> Iterator[Piece]:
    """The text of each token; those that share a character are one piece."""
    before: list[int] = []
    waiting: list[int] = []
    last = len(row.input_ids) - 1
    for place, (number, label) in enumerate(zip(row.input_ids, row.labels, strict=True)):
        waiting.append(number)
        text, trained = _text(tokenizer, before, waiting), label != IGNORED
        ends = place == last or (row.labels[place + 1] != IGNORED) != trained
        if _BROKEN not in text or len(waiting) >= _MOST_PARTS or ends:
            yield Piece(text, trained, len(waiting))
            before, waiting = [number], []


def _text(tokenizer: PreTrainedTokenizerBase, before: Sequence[int], ids: Sequence[int]) -> str:
    """What the tokens add to the text: alone, a word would lose the space before it in some tokenizers."""
    whole, known = (
        str(tokenizer.decode(part, skip_special_tokens=False, clean_up_tokenization_spaces=False))
        for part in ([*before, *ids], [*before])
    )
    return whole.removeprefix(known)
