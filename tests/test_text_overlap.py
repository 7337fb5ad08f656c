"""ROUGE, BLEU, chrF and exact match on English, Chinese and code, offline; expected values are worked out by hand."""

import asyncio
import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import evaluate
import pytest
from pydantic import ValidationError

from docutune import DocutuneError
from docutune.errors import Cancelled
from docutune.plugins.evaluators.text_overlap.metrics import metrics_for
from docutune.plugins.evaluators.text_overlap.plugin import ALL, Config, docutune_evaluators
from docutune.plugins.evaluators.text_overlap.score import TextOverlap
from docutune.plugins.evaluators.text_overlap.tokens import text_kind, tokens
from docutune.records import Answer, Made, Measure, Message, Origin, Sample, Section, Symbol


class NoLibrary:
    """A library with nothing in it: text-overlap asks about samples only."""

    def sections(self) -> Iterator[Section]:
        return iter(())

    def public(self) -> Iterator[Symbol]:
        return iter(())

    def find(self, name: str) -> Symbol | None:
        return None

    def knows(self, name: str) -> bool:
        return False

    def nearest(self, name: str, limit: int = 3) -> Sequence[Symbol]:
        return ()

    def members(self, name: str) -> Sequence[Symbol]:
        return ()


class Here:
    """A context that notes progress, and stops the work once `stop_at` answers are done."""

    seed = 0

    def __init__(self, folder: Path, stop_at: int | None = None) -> None:
        self.folder, self.stop_at = folder, stop_at
        self.reports: list[tuple[int, int | None]] = []

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        self.reports.append((done, total))
        if self.stop_at is not None and done >= self.stop_at:
            raise Cancelled


def made(question: str, answer: str, language: str = "en") -> Made:
    turns = (Message("user", question), Message("assistant", answer))
    return Made(Sample(turns, "purpose", question, language=language), Origin((), "task", "grounded"))


def values(folder: Path, prediction: str, reference: str) -> dict[str, float]:
    """Every metric for one pair, through the metrics' own door."""
    found: dict[str, float] = {}
    for metric in metrics_for(ALL, folder):
        found |= {
            name: column[0] for name, column in metric.compute(predictions=[prediction], references=[reference]).items()
        }
    return found


def test_rouge_in_english(tmp_path: Path) -> None:
    """All 5 of 5 words against 6; bigrams 3 of 4 against 5; the longest common subsequence is the whole prediction."""
    found = values(tmp_path, "The cat on the mat.", "the cat sat on the mat")
    assert found["rouge1"] == pytest.approx(10 / 11)
    assert found["rouge2"] == pytest.approx(2 / 3)
    assert found["rougeL"] == pytest.approx(10 / 11)


def test_rouge_in_chinese_counts_words(tmp_path: Path) -> None:
    """函数 返回 一个 字典 against 函数 返回 一个 列表: 3 of 4 words, 2 of 3 bigrams."""
    found = values(tmp_path, "函数返回一个字典。", "函数返回一个列表。")
    assert found["rouge1"] == found["rougeL"] == pytest.approx(3 / 4)
    assert found["rouge2"] == pytest.approx(2 / 3)
    assert found["match"] == 1.0


def test_rouge_in_code_counts_names_and_operators(tmp_path: Path) -> None:
    """click . echo ( msg ) against click . echo ( message ): 5 of 6 tokens, 3 of 5 bigrams."""
    found = values(tmp_path, "click.echo(msg)", "click.echo(message)")
    assert found["rouge1"] == found["rougeL"] == pytest.approx(5 / 6)
    assert found["rouge2"] == pytest.approx(3 / 5)


def test_sentence_bleu_in_english(tmp_path: Path) -> None:
    """Precisions 4/5, 3/4, 2/3, 1/2 and no brevity penalty; then precisions of 1 and a penalty of exp(1 - 5/4)."""
    changed = values(tmp_path, "the quick brown fox sleeps", "the quick brown fox jumps")
    assert changed["bleu"] == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    short = values(tmp_path, "the quick brown fox", "the quick brown fox jumps")
    assert short["bleu"] == pytest.approx(math.exp(1 - 5 / 4))


def test_sentence_bleu_of_a_short_answer_counts_only_the_orders_it_has(tmp_path: Path) -> None:
    """函列 against 函数: 1 of 2 characters, 0 of 1 bigrams smoothed to 1/2, and no trigrams to count."""
    assert values(tmp_path, "函列", "函数")["bleu"] == pytest.approx((1 / 2 * 1 / 2) ** 0.5)


def test_sentence_bleu_in_chinese_counts_characters(tmp_path: Path) -> None:
    """Precisions 4/6, 3/5, 2/4, 1/3."""
    found = values(tmp_path, "函数返回字典", "函数返回列表")
    assert found["bleu"] == pytest.approx((4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)


def test_sentence_bleu_in_code_counts_names_and_operators(tmp_path: Path) -> None:
    """retries = min retries against retries = max retries: 3/4, 1/3, and 0 of 2 and 0 of 1 smoothed to 1/4 each."""
    found = values(tmp_path, "`retries=min_retries`", "`retries=max_retries`")
    assert found["bleu"] == pytest.approx((3 / 4 * 1 / 3 * 1 / 4 * 1 / 4) ** 0.25)


def test_chrf(tmp_path: Path) -> None:
    """Characters 2 of 3, bigrams 1 of 2, trigrams 0 of 1; precision equals recall, so F is their mean."""
    assert values(tmp_path, "abd", "a b c")["chrf"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


@pytest.mark.parametrize(
    "text",
    [
        "click.echo 函数把消息打印到标准输出，并在需要时刷新。",
        "函数",
        "。",
        "True",
        "...",
        "`click.echo(message)` writes to standard output.",
        "```python\nfor item in max_items: print(item ** 2)\n```",
        "สวัสดี café 日本語テスト 🙂",
        "",
    ],
)
def test_every_text_agrees_with_itself(tmp_path: Path, text: str) -> None:
    assert values(tmp_path, text, text) == dict.fromkeys(ALL, 1.0)


@pytest.mark.parametrize(("prediction", "reference"), [("", "click.echo"), ("列表", ""), ("苹果", "click.echo(1)")])
def test_texts_without_anything_in_common_score_nothing(tmp_path: Path, prediction: str, reference: str) -> None:
    assert values(tmp_path, prediction, reference) == dict.fromkeys(ALL, 0.0)


def test_exact_match_sees_through_width_and_white_space_but_not_case(tmp_path: Path) -> None:
    assert values(tmp_path, " 返回：\n ＡＢＣ  ", "返回: ABC")["exact_match"] == 1.0
    assert values(tmp_path, "click.command", "click.Command")["exact_match"] == 0.0
    assert values(tmp_path, "click.command", "click.Command")["match"] == 1.0


def test_match_needs_more_than_three_fifths(tmp_path: Path) -> None:
    assert values(tmp_path, "a b c x y", "a b c d e")["match"] == 0.0
    assert values(tmp_path, "a b c d y", "a b c d e")["match"] == 1.0


def test_tokens_of_mixed_text() -> None:
    def spaced(text: str) -> str:
        return " ".join(tokens(text))

    assert spaced("我们使用 click.echo(max_width) 函数。") == "我们 使用 click . echo ( max width ) 函数"
    assert spaced("`__init__` returns -> None, v3.14!") == "__init__ returns -> None v3 . 14"
    assert spaced("--no-color x**2 != a.b") == "-- no - color x ** 2 != a . b"


def test_the_reference_decides_the_tokenizer_of_bleu() -> None:
    assert text_kind("使用 click.echo(message)") == "zh"
    assert text_kind("click.echo(message)") == text_kind("Run:\n```\nprint(1)\nprint(2)\n```") == "code"
    assert text_kind("It prints a message (with a newline).") == "13a"


def test_metrics_are_metrics_of_evaluate_and_name_their_tokenizer(tmp_path: Path) -> None:
    found = metrics_for(ALL, tmp_path)
    assert all(isinstance(metric, evaluate.Metric) for metric in found)
    assert "rjieba" in found[0].description
    assert "sacrebleu zh" in found[2].description
    found[0].add(prediction="a", reference="a")
    found[0].add(prediction="b", reference="a")
    assert found[0].compute()["rouge1"] == [1.0, 0.0]


HELD_OUT = [made(f"What is number {index}?", f"It is {index}.") for index in range(10)]


def test_a_probe_asks_what_stands_before_the_last_answer() -> None:
    talk = tuple(
        Message(role, text)
        for role, text in [("system", "S"), ("user", "A?"), ("assistant", "A."), ("user", "B?"), ("assistant", "B.")]
    )
    sample = Sample(talk, "purpose", "talk")
    other = Sample(talk[:2], "purpose", "no answer")
    held_out = [Made(item, Origin((), "task", "grounded")) for item in (sample, sample, other)]
    probes = list(TextOverlap(Config()).probes(held_out, NoLibrary()))
    assert [(probe.id, probe.messages) for probe in probes] == [(sample.id, talk[:4])]


def test_max_probes_chooses_evenly() -> None:
    chosen = list(TextOverlap(Config(max_probes=4)).probes(HELD_OUT, NoLibrary()))
    assert [probe.id for probe in chosen] == [HELD_OUT[index].sample.id for index in (0, 2, 5, 7)]
    assert len(list(TextOverlap(Config(max_probes=99)).probes(HELD_OUT, NoLibrary()))) == 10


def measured(config: Config, answers: Sequence[Answer], context: Here) -> list[Measure]:
    return list(asyncio.run(TextOverlap(config).measure(answers, HELD_OUT, NoLibrary(), context)))


def test_measures_follow_answers_of_both_variants(tmp_path: Path) -> None:
    first, second = HELD_OUT[0].sample.id, HELD_OUT[1].sample.id
    answers = [
        Answer(first, "base", "Nothing", True),
        Answer(second, "tuned", "It is 1.", True),
        Answer(first, "tuned", "It  is 0.", False),
    ]
    found = measured(Config(metrics=("exact_match", "rougeL")), answers, Here(tmp_path))
    values = [(first, "base", 0.0), (second, "tuned", 1.0), (first, "tuned", 1.0)]
    assert found == [Measure(metric, *value) for metric in ("exact_match", "rougeL") for value in values]


def test_an_answer_that_is_no_valid_text_is_measured_all_the_same(tmp_path: Path) -> None:
    found = measured(Config(), [Answer(HELD_OUT[0].sample.id, "base", "It is \ud800", False)], Here(tmp_path))
    assert [measure.metric for measure in found] == list(ALL)


def test_the_configured_order_is_the_measured_order(tmp_path: Path) -> None:
    answer = [Answer(HELD_OUT[0].sample.id, "base", "It is", True)]
    found = measured(Config(metrics=("chrf", "rouge1", "match")), answer, Here(tmp_path))
    assert [measure.metric for measure in found] == ["chrf", "rouge1", "match"]
    assert all(0 <= measure.value <= 1 for measure in measured(Config(), answer, Here(tmp_path)))


def test_many_answers_report_progress_and_can_be_stopped(tmp_path: Path) -> None:
    answers = [Answer(HELD_OUT[index % 10].sample.id, "base", "It is", True) for index in range(150)]
    context = Here(tmp_path)
    assert len(measured(Config(metrics=("exact_match",)), answers, context)) == 150
    assert context.reports == [(0, 150), (64, 150), (128, 150), (150, 150)]
    with pytest.raises(Cancelled):
        measured(Config(), answers, Here(tmp_path, stop_at=64))


def test_no_answers_give_no_measures(tmp_path: Path) -> None:
    assert measured(Config(), [], Here(tmp_path)) == []


def test_an_answer_to_an_unknown_probe_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DocutuneError, match=r"1 answer.* no held-out sample.*feed"):
        measured(Config(), [Answer("feed", "base", "It is", True)], Here(tmp_path))


@pytest.mark.parametrize("options", [{"metrics": []}, {"metrics": ["rouge9"]}, {"max_probes": 0}, {"probes": 3}])
def test_options_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(options)


GUARDED = """
import asyncio, socket, sys
def refused(*_, **__): raise OSError("no network here")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refused
from pathlib import Path
from docutune.plugins.evaluators.text_overlap.metrics import metrics_for
from docutune.plugins.evaluators.text_overlap.plugin import ALL
for metric in metrics_for(ALL, Path(sys.argv[1])):
    print(metric.compute(predictions=["函数 f(x)"], references=["函数 f(x)"]))
"""


def test_no_network_is_touched(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", GUARDED, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[1.0]") == len(ALL)


def test_the_registration_is_light_and_names_what_it_needs() -> None:
    probe = "import sys, docutune.plugins.evaluators.text_overlap.plugin as p; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    (registration,) = docutune_evaluators()
    assert not set(registration.requires) & set(loaded)
    assert registration.load.endswith(":TextOverlap")
    assert all(field.description for field in Config.model_fields.values())
