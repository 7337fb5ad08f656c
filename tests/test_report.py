"""The report as a reader gets it: one page that asks the network for nothing, says everything and escapes all of it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from docutune.evaluation import Comparison, Interval, Verdict
from docutune.records import Answer, Made, Measure, Message, Origin, Sample, Span, from_json, to_json
from docutune.report.answers import changed_answers
from docutune.report.charts import line_chart
from docutune.report.facts import (
    Changes,
    Coverage,
    CurvePoint,
    DatasetFacts,
    EvaluationFacts,
    LengthBin,
    Lengths,
    LibraryFacts,
    ModelReport,
    ModuleCoverage,
    Report,
    RunFacts,
    Score,
    SideBySide,
    SourceProblem,
    Spending,
    StepFacts,
    Untold,
)
from docutune.report.report import to_html, to_json_text, to_markdown
from docutune.report.texts import TEXTS
from docutune.report.verdict import headline, meaning
from docutune.report.words import Words

ATTACK = '<script>alert(1)</script> & "quoted" | `<img src=x onerror=alert(2)>`\n```\n</code></pre><b>out</b>\n```'
FETCHING = {"src", "srcset", "action", "formaction", "data", "poster", "background", "ping", "manifest", "cite"}
VOID = {"meta", "link", "br", "hr", "img", "input", "line", "circle", "path", "wbr"}


class Page(HTMLParser):
    """What a browser would see: tags, attributes and text; fails where elements are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "wbr":
            self.parts.append("\0")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.parts.append(data)

    @property
    def text(self) -> str:
        """What is read; where a line may break inside a name, nothing is."""
        return " ".join(re.sub(" ?\0 ?", "", " ".join(self.parts)).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def comparison(metric: str, base: float, tuned: float, verdict: Verdict = "better", left_out: int = 0) -> Comparison:
    def around(mean: float) -> Interval:
        return Interval(mean, mean - 0.01, mean + 0.01)

    return Comparison(metric, 40, around(base), around(tuned), around(tuned - base), verdict, left_out)


DATASET = DatasetFacts(
    *("d41d8cd98f00", 120, 40, 100, 8, 12),
    by_kind={"purpose": 90, "negative": 30},
    by_language={"en": 120},
    rejected={"exact": 7},
    left_out=9,
    held_out={"rephrased": 12},
    lengths=(Lengths("answer", 9, 40, 61, (LengthBin(0, 15, 2), LengthBin(16, 31, 0), LengthBin(32, 63, 118))),),
)
COVERAGE = Coverage(
    (ModuleCoverage("acme", 20, 11, 7), ModuleCoverage("acme.net", 2, 1, 1)),
    (
        Untold("acme.send", "function", "src/acme.py:3-9", True),
        Untold("acme.net.Host", "class", "src/net.py:1-2", False),
    ),
)
RUN = RunFacts(
    "20260102-030405-abcd", "acme", "2026-01-02T03:04:05+00:00", "2026-01-02T03:09:00+00:00", 295.0, "finished", "0.1.0"
)
MODEL = ModelReport(
    name="tiny",
    trainer="trl",
    base="builtin/tiny",
    key="feedc0de",
    settings={"lora_rank": 16, "learning_rate": 0.0002},
    figures={"tokens_per_second": 812.5},
    curve=(
        *(CurvePoint(step, 4.0 / step, 2e-4) for step in range(1, 41)),
        *(CurvePoint(step, validation_loss=5.0 / step) for step in (10, 20, 30, 40)),
    ),
    evaluations=(
        EvaluationFacts("text-overlap", (comparison("match", 0.02, 0.61), comparison("own-metric", 3.0, 7.0))),
    ),
    answers=(
        SideBySide(
            *("What is `a.b`?", "It is c.", "No idea", "It is c.", ("docs/x.md:3-9",)),
            scores=(Score("match", 0.0, 1.0), Score("rougeL", 0.1, 1.0)),
            sample="0123456789abcdef",
            change="improved",
        ),
        SideBySide("And d?", "E.", "", "F.", ("src/a.py:1-2", "docs/y.md:4-4")),
    ),
    changes=Changes(("match", "rougeL"), 31, 4, 5),
)


def report(*models: ModelReport, language: str = "en") -> Report:
    return Report(
        run=RUN,
        headline=headline(models, DATASET, language),
        meaning=meaning(models, DATASET, language),
        library=LibraryFacts(5, 44, 33, 22, (SourceProblem("docs/bad.md", "not valid UTF-8 at byte 7"),), COVERAGE),
        dataset=DATASET,
        models=models,
        steps=(StepFacts("parse", "reused", 0.25), StepFacts("train:tiny", "made", 142.0)),
        language=language,
        manifest={"python": "3.11.9", "device": {"kind": "cpu", "threads": 2}},
    )


def test_the_page_opens_with_the_answer() -> None:
    found = headline([MODEL], DATASET)
    assert found == (
        "The tuned model is better: matching answers rose from 2.0% to 61.0% "
        "(+59.0 points, 95% interval +58.0 to +60.0, 40 questions)."
    )
    text = Page(to_html(report(MODEL))).text
    assert text.index("Better") < text.index(found) < text.index("tiny") < text.index("It is c.")


@pytest.mark.parametrize(
    ("verdict", "opening"),
    [("worse", "The tuned model is worse: matching answers fell"), ("no difference", "No difference could be shown")],
)
def test_bad_news_is_said_as_plainly(verdict: Verdict, opening: str) -> None:
    facts = EvaluationFacts("text-overlap", (comparison("match", 0.6, 0.4, verdict),))
    assert headline([replace(MODEL, evaluations=(facts,))], DATASET).startswith(opening)


@pytest.mark.parametrize(("tuned", "why"), [(0.605, "reaches zero"), (0.7, "too few to rule out chance")])
def test_why_no_difference_could_be_shown_is_told(tuned: float, why: str) -> None:
    facts = EvaluationFacts("text-overlap", (comparison("match", 0.6, tuned, "no difference"),))
    assert [why in line for line in meaning([replace(MODEL, evaluations=(facts,))], DATASET).says].count(True) == 1


def test_everything_is_on_the_page() -> None:
    text = Page(to_html(report(MODEL))).text
    for part in [
        *("2.0%", "61.0%", "+59.0 points", "1.0% to 3.0%", "+58.0 to +60.0", "own-metric", "3", "7", "+4"),
        *("What is a.b ?", "It is c.", "No idea", "(empty answer)", "docs/x.md:3-9", "src/a.py:1-2"),
        *("no match → matches · ROUGE-L 10.0% → 100.0%", "0123456789abcdef", "Improved 31 Worsened 4 Same 5"),
        *("builtin/tiny", "feedc0de", "lora_rank", "2e-4", "812.5", "validation 0.125"),
        *("12 held-out questions ask, in other words, for facts that were trained", "builtin/tiny is a toy"),
        *("54.5% 12 / 22", "36.4% 8 / 22", "acme.net", "2 of 22 without any sample", "src/acme.py:3-9"),
        *("names a symbol that is held out 9", "characters; shortest 9, median 40, longest 61", "118"),
        *("d41d8cd98f00", "negative", "30", "exact", "docs/bad.md", "not valid UTF-8 at byte 7"),
        *("reused", "2 min 22 s", '"threads": 2', "20260102-030405-abcd", "2026-01-02 03:09:00 UTC", "4 min 55 s"),
    ]:
        assert part in text, part


def test_the_curves_are_drawn_with_labelled_axes() -> None:
    page = Page(to_html(report(MODEL)))
    curves = {path["class"]: path for path in page.of("path") if path.get("class", "").startswith("curve")}
    assert [*curves] == ["curve loss", "curve validation_loss", "curve learning_rate"]
    assert [len((path["d"] or "").split("L")) for path in curves.values()] == [40, 4, 40]
    assert {"Loss", "Learning rate"} <= {drawing.get("aria-label") for drawing in page.of("svg")}
    assert "0 10 20 30 40 step" in re.sub(r"\s+", " ", page.text)


def test_nothing_on_the_page_leaves_the_page() -> None:
    html = to_html(report(MODEL, replace(MODEL, name="second")))
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "base", "form", "img", "link"}
    for tag, attributes in page.tags:
        assert not FETCHING & attributes.keys(), tag
        assert all((attributes.get(name) or "#").startswith("#") for name in ("href", "xlink:href")), attributes
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"url\(|@import|@font-face|https?:|//[a-z]", html)
    policies = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_anchors_lead_somewhere() -> None:
    page = Page(to_html(report(MODEL, replace(MODEL, name="second"))))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(link["href"] or "")[1:] for link in page.of("a")} <= set(ids)


def test_what_others_wrote_is_text_and_never_markup() -> None:
    hostile = replace(
        MODEL,
        name=ATTACK,
        base=ATTACK,
        settings={ATTACK: ATTACK},
        evaluations=(EvaluationFacts(ATTACK, (comparison(ATTACK, 0.1, 0.2),)),),
        answers=(SideBySide(*(ATTACK,) * 4, sources=(ATTACK,), scores=(Score(ATTACK, 0.5, 0.5),), sample=ATTACK),),
        changes=Changes((ATTACK, ATTACK), 1, 1, 1),
    )
    given = report(hostile, hostile)
    given = replace(
        given,
        run=replace(RUN, project=ATTACK, id=ATTACK, outcome=ATTACK, started=ATTACK),
        library=LibraryFacts(
            *(1, 1, 1, 1, (SourceProblem(ATTACK, ATTACK),)),
            coverage=Coverage((ModuleCoverage(ATTACK, 1, 1, 1),), (Untold(ATTACK, ATTACK, ATTACK, True),)),
        ),
        dataset=replace(DATASET, by_kind={ATTACK: 1}, by_language={ATTACK: 1}, rejected={ATTACK: 1}),
        steps=(StepFacts(ATTACK, ATTACK, 1.0),),
        manifest={ATTACK: [ATTACK, {"deep": ATTACK}]},
    )
    page = Page(to_html(given))
    assert not {tag for tag, _ in page.tags} & {"script", "img", "b"}
    assert page.text.count("<script>alert(1)</script>") > 20


def test_markdown_says_the_same() -> None:
    text = to_markdown(report(MODEL))
    assert text.startswith("# acme · Fine-tuning report\n\n**The tuned model is better")
    (row,) = [line for line in text.splitlines() if line.startswith("| Matching answers")]
    sides = "2.0% (1.0% to 3.0%) | 61.0% (60.0% to 62.0%) | +59.0 points (+58.0 to +60.0)"
    assert row == f"| Matching answers | {sides} | Better | 40 |"
    for part in (
        "No idea",
        "docs/x.md:3-9",
        "lora\\_rank",
        "docs/bad.md",
        "train:tiny",
        '"kind": "cpu"',
        "(empty answer)",
        "- builtin/tiny is a toy",
        "All 40 answers: Improved 31, Worsened 4, Same 5",
        "| acme | 20 | 11 | 7 |",
        "- acme.net.Host (class, src/net.py:1-2)",
        "| 40 | 0.125 |",
        "| 32–63 | 118 |",
        "Sample: 0123456789abcdef",
    ):
        assert part in text, part


def test_markdown_keeps_its_shape_whatever_is_in_it() -> None:
    hostile = replace(
        MODEL, name=ATTACK, settings={ATTACK: ATTACK}, answers=(SideBySide(ATTACK, ATTACK, ATTACK, ATTACK),)
    )
    given = replace(report(hostile), manifest={ATTACK: [ATTACK, {"deep": ATTACK}]})
    found = MarkdownIt().enable("table").parse(to_markdown(given))
    every = [part for token in found for part in (token, *(token.children or ()))]
    assert not {token.type for token in every} & {"html_block", "html_inline", "code_inline", "em_open", "code_block"}
    fences = [token.content for token in found if token.type == "fence"]
    assert fences[:-1] == [f"{ATTACK}\n"] * 3
    assert json.loads(fences[-1]) == given.manifest
    assert sum(token.type == "table_open" for token in found) == 11
    settings = [token.children[0].content for token in found if token.type == "inline" and token.children]
    assert settings.count(" ".join(ATTACK.split())) == 3
    assert not [token for token in every if token.type == "inline" and token.content.startswith("|")]


def test_several_models_are_compared() -> None:
    worse = replace(MODEL, name="other", evaluations=(EvaluationFacts("e", (comparison("match", 0.5, 0.2, "worse"),)),))
    silent = replace(MODEL, name="silent", evaluations=())
    given = report(worse, MODEL, silent)
    assert given.headline.startswith(
        "1 of 3 models got better; the best is tiny: matching answers rose from 2.0% to 61"
    )
    text = Page(to_html(given)).text
    assert text.index("Models Model Base") < text.index("Base model")
    assert "Not measured" in text
    assert "This model was not evaluated." in text
    assert headline([worse, silent], DATASET).startswith(
        "None of 2 models got better; the closest is other with matching"
    )
    assert "| silent | builtin/tiny | — | — | — | — | — | — | Not measured | — | — |" in to_markdown(given)


def test_without_models_the_page_is_about_the_dataset() -> None:
    text = Page(to_html(report())).text
    assert "The dataset is ready: 120 samples of 40 facts. No model was trained." in text
    assert "Training" not in text


def test_without_evaluation_training_is_still_shown() -> None:
    text = Page(to_html(report(replace(MODEL, evaluations=(), answers=())))).text
    assert "The model tiny was trained, but nothing was measured." in text
    assert "Learning rate" in text


def test_with_nothing_at_all_the_page_says_so() -> None:
    bare = Report(replace(RUN, outcome="failed"), headline([], None))
    assert "failed The run ended before a dataset was made." in Page(to_html(bare)).text
    assert "The run ended before a dataset was made." in to_markdown(bare)


def test_without_a_dataset_the_reasons_are_shown_all_the_same() -> None:
    bare = Report(RUN, headline([], None), rejected={"langchain: the reply holds no JSON object": 31, "exact": 7})
    assert "Left out, by reason langchain: the reply holds no JSON object 31 exact 7" in Page(to_html(bare)).text
    assert "- langchain: the reply holds no JSON object: 31\n- exact: 7" in to_markdown(bare)


def test_no_curve_is_said_and_broken_values_are_counted() -> None:
    assert "No training curve was recorded." in Page(to_html(report(replace(MODEL, curve=())))).text
    broken = (CurvePoint(1, 2.0), CurvePoint(2, float("nan")), CurvePoint(3, float("inf")), CurvePoint(4))
    assert "2 values were not numbers and are not drawn." in Page(to_html(report(replace(MODEL, curve=broken)))).text


def test_left_out_probes_are_named() -> None:
    facts = EvaluationFacts("text-overlap", (comparison("match", 0.1, 0.2, left_out=3),))
    given = report(replace(MODEL, evaluations=(facts,)))
    assert "3 without a value on both sides are left out" in Page(to_html(given)).text
    assert "3 without a value on both sides are left out" in to_markdown(given)


def test_the_chinese_report_has_no_english_left() -> None:
    assert TEXTS["en"].keys() == TEXTS["zh"].keys()
    for key, english in TEXTS["en"].items():
        assert sorted(re.findall(r"\{\w+", english)) == sorted(re.findall(r"\{\w+", TEXTS["zh"][key])), key
    given = report(MODEL, language="zh")
    assert (
        given.headline
        == "微调后的模型更好：答案吻合率从 2.0% 升至 61.0%（+59.0 个百分点，95% 置信区间 +58.0 至 +60.0，40 个问题）。"
    )
    page = Page(to_html(given))
    assert page.of("html") == [{"lang": "zh"}]
    english = (
        "Base|Tuned|Difference|Dataset|Samples?|Steps|Loss|Better|Expected|Improved|Coverage|Module|purpose|English"
    )
    assert not re.search(rf"\b({english})\b", page.text)
    assert Words("zh-CN").tag == "zh"
    assert Words("fr").tag == "en"


def test_the_json_form_gives_the_same_page() -> None:
    given = report(MODEL)
    assert to_html(from_json(Report, to_json(given))) == to_html(given)


def test_a_long_curve_is_thinned_and_axes_are_round() -> None:
    chart = line_chart(loss=((step, 1.0 + 1.0 / step) for step in range(1, 10_001)))
    assert chart is not None
    assert chart.curves["loss"].path.count("L") < 400
    assert [tick.label for tick in chart.x_ticks] == ["0", "2000", "4000", "6000", "8000", "10000"]
    assert [tick.label for tick in chart.y_ticks] == ["0", "0.5", "1", "1.5", "2"]


@pytest.mark.parametrize("points", [[(0, 0.0)], [(5, -1.5)], [(1, 2.0), (1, 2.0)], [(1, 1e-9), (2, 1e9)]])
def test_odd_curves_are_drawn_inside_the_plot(points: list[tuple[int, float | None]]) -> None:
    chart = line_chart(loss=points)
    assert chart is not None
    placed = [tuple(map(float, place.split())) for place in chart.curves["loss"].path[1:].split("L")]
    assert all(56 <= x <= 448 and 12 <= y <= 188 for x, y in placed)


def test_no_value_gives_no_chart() -> None:
    assert line_chart(loss=[(1, None), (2, float("nan"))], validation_loss=[]) is None


def held(fact: str, index: int) -> Made:
    """A held-out sample: question Q<index>, answer A<index>."""
    messages = (Message("system", "S"), Message("user", f"Q{index}"), Message("assistant", f"A{index}"))
    return Made(Sample(messages, "kind", fact), Origin((Span("docs/x.md", index + 1, index + 2),), "task", "grounded"))


def measured(made: list[Made], metric: str, values: list[tuple[float, float]]) -> list[Measure]:
    pairs = zip(made, values, strict=True)
    return [
        Measure(metric, item.sample.id, variant, value)
        for item, (base, tuned) in pairs
        for variant, value in (("base", base), ("tuned", tuned))
    ]


def answered(made: list[Made]) -> list[Answer]:
    return [Answer(item.sample.id, variant, variant[0], True) for item in made for variant in ("base", "tuned")]


def test_the_answers_that_changed_most_are_shown() -> None:
    made = [held(f"fact {index}", index) for index in range(20)]
    rouge = [(0.5, 0.5 + index / 40) if index < 10 else (0.5, 0.5 - (index - 9) / 40) for index in range(20)]
    changes, found = changed_answers(made, answered(made), measured(made, "rougeL", rouge), ["rougeL"])
    assert changes == Changes(("rougeL",), improved=9, worsened=10, same=1)
    assert [item.question for item in found] == ["Q9", "Q8", "Q7", "Q6", "Q5", "Q19", "Q18", "Q17", "Q16", "Q15"]
    assert [item.change for item in found] == ["improved"] * 5 + ["worsened"] * 5
    first = SideBySide("Q9", "A9", "b", "t", ("docs/x.md:10-11",), (Score("rougeL", 0.5, 0.725),), found[0].sample)
    assert found[0] == replace(first, change="improved")


def test_of_equal_changes_the_next_metric_decides_and_no_fact_comes_twice() -> None:
    made = [held(f"fact {index // 2}", index) for index in range(6)]
    measures = measured(made, "match", [(0.0, 1.0)] * 6)
    measures += measured(made, "rougeL", [(0.6 - index / 10, 1.0) for index in range(6)])
    _, found = changed_answers(made, answered(made), measures, ["match", "rougeL"])
    assert [item.question for item in found] == ["Q5", "Q3", "Q1"]


def test_without_changes_or_measures_some_answers_are_shown_all_the_same() -> None:
    made = [held(f"fact {index}", index) for index in range(40)]
    measures = measured(made, "match", [(1.0, 1.0)] * 38 + [(1.0, float("nan")), (1.0, float("inf"))])
    changes, found = changed_answers(made, answered(made), measures, ["match"])
    assert changes == Changes(("match",), 0, 0, 38)
    assert [item.change for item in found] == ["same"] * 5
    changes, found = changed_answers(made, answered(made)[:-1], [], ["match"])
    assert changes is None
    assert len(found) == 5
    assert {item.change for item in found} == {"unmeasured"}
    assert "chosen at equal distances" in Page(to_html(report(replace(MODEL, changes=None, answers=found)))).text
    assert changed_answers(made, [], measures, ["match"]) == (None, ())


def test_numbers_that_are_none_never_reach_json_or_a_drawing() -> None:
    bad = float("nan")
    model = replace(
        MODEL,
        figures={"grad_norm": bad, "deep": [{"loss": float("-inf")}]},
        curve=(CurvePoint(1, 2.0, bad), CurvePoint(2, bad, 1e-4, float("inf")), CurvePoint(3, validation_loss=bad)),
        evaluations=(EvaluationFacts("e", (replace(comparison("m", 1e308, 2.0), tuned=Interval(2.0, bad, 1e308)),)),),
        answers=(replace(MODEL.answers[0], scores=(Score("match", bad, 1.0),)),),
    )
    given = replace(report(model), manifest={"steps": [{"figures": {"loss": bad}}]})
    text = to_json_text(given)
    parsed = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in report.json"))
    assert parsed["models"][0]["figures"] == {"grad_norm": None, "deep": [{"loss": None}]}
    assert parsed["manifest"] == {"steps": [{"figures": {"loss": None}}]}
    page = Page(to_html(given))
    drawn = [attributes for tag, attributes in page.tags if tag in {"path", "line", "circle", "i"}]
    assert drawn
    assert not re.search(r"\b(nan|inf)\b", str(drawn), re.IGNORECASE)


def test_an_interval_without_width_is_explained() -> None:
    same = Interval(1.0, 1.0, 1.0)
    found = replace(comparison("match", 0.0, 1.0), tuned=same, difference=same)
    sure = replace(MODEL, evaluations=(EvaluationFacts("e", (found,)),))
    (sentence,) = [text for text in meaning([sure], DATASET).does_not_say if "without width" in text]
    assert "up to 7.5% of others" in sentence
    assert not any("without width" in text for text in meaning([MODEL], DATASET).does_not_say)


def test_a_real_model_is_no_toy_and_no_difference_proves_nothing() -> None:
    facts = EvaluationFacts("text-overlap", (comparison("match", 0.6, 0.6, "no difference"),))
    real = replace(MODEL, base="Qwen/Qwen3-0.6B", evaluations=(facts,))
    said = meaning([real], DATASET)
    assert "may be chance" in " ".join(said.says)
    assert "does not prove that both are equally good" in " ".join(said.does_not_say)
    assert "toy" not in " ".join(said.does_not_say)
    assert "Other metrics" not in " ".join(said.does_not_say)
    more = (*facts.comparisons, comparison("rougeL", 0.1, 0.3), comparison("bleu", 0.3, 0.1, "worse"))
    mixed = replace(real, evaluations=(replace(facts, comparisons=more),))
    assert "Other metrics do differ: ROUGE-L (better), BLEU (worse)." in " ".join(
        meaning([mixed], DATASET).does_not_say
    )
    assert any(text.startswith("其他指标确有差异：ROUGE-L") for text in meaning([mixed], DATASET, "zh").does_not_say)
    assert meaning([replace(MODEL, evaluations=())], DATASET) == meaning([], DATASET)


def test_what_chat_models_cost_is_shown_where_there_were_calls() -> None:
    given = replace(report(MODEL), spending=Spending(1312, 204, 1_234_567, 345_678, 1.2345))
    for text in (Page(to_html(given)).text, to_markdown(given)):
        for part in ("Calls of chat models", "1,312", "204", "1,234,567", "345,678", "$1.2345"):
            assert part in text, part
    assert "$" not in Page(to_html(replace(given, spending=Spending(7)))).text
    assert "Calls of chat models" not in Page(to_html(report(MODEL))).text


def test_a_library_without_a_dataset_counts_documents_only() -> None:
    facts = LibraryFacts(5, 44, 33, 22, coverage=Coverage((ModuleCoverage("acme", 22, 11),)))
    given = replace(report(), library=facts, dataset=None, models=())
    text = Page(to_html(given)).text
    assert "50.0% 11 / 22" in text
    assert "The run made no dataset: samples are not counted." in text
    assert "without any sample" not in text
    assert "| acme | 22 | 11 |\n" in to_markdown(given)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("rephrased", "1 held-out question asks, in other words, for a fact that was trained"),
        ("unseen", "1 held-out question is about a symbol"),
        ("given", "1 held-out question comes from a file or row"),
        ("random", "1 held-out question was drawn by chance"),
    ],
)
def test_one_question_is_spoken_of_as_one(reason: str, said: str) -> None:
    says = meaning([MODEL], replace(DATASET, held_out={reason: 1})).says
    assert [text for text in says if text.startswith(said)]


def test_the_memory_of_a_whole_process_is_called_so() -> None:
    assert Words("en").memory({"memory_gib": 3.517}) == "3.52 GiB"
    assert Words("en").memory({"process_memory_gib": 0.653}) == "0.65 GiB (whole process)"
    assert Words("zh").memory({"process_memory_gib": 0.653}) == "整个进程 0.65 GiB"
    assert Words("en").memory({}) == ""
