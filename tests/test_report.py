"""The report as a reader gets it: one page that asks the network for nothing, says everything and escapes all of it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from docutune.evaluation import Comparison, Interval, Verdict
from docutune.records import Answer, Made, Measure, Message, Origin, Sample, Span, from_json, to_json
from docutune.report import (
    CurvePoint,
    DatasetFacts,
    EvaluationFacts,
    LibraryFacts,
    ModelReport,
    Report,
    RunFacts,
    SideBySide,
    SourceProblem,
    StepFacts,
    headline,
    side_by_side,
    to_html,
    to_markdown,
)
from docutune.report.charts import line_chart
from docutune.report.texts import TEXTS
from docutune.report.words import Words

ATTACK = '<script>alert(1)</script> & "quoted" | `<img src=x onerror=alert(2)>`\n```\n</code></pre><b>out</b>\n```'
FETCHING = {"src", "srcset", "action", "formaction", "data", "poster", "background", "ping", "manifest", "cite"}
VOID = {"meta", "link", "br", "hr", "img", "input", "line", "circle", "path"}


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
        return " ".join(" ".join(self.parts).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def comparison(metric: str, base: float, tuned: float, verdict: Verdict = "better", left_out: int = 0) -> Comparison:
    def around(mean: float) -> Interval:
        return Interval(mean, mean - 0.01, mean + 0.01)

    return Comparison(metric, 40, around(base), around(tuned), around(tuned - base), verdict, left_out)


DATASET = DatasetFacts("d41d8cd98f00", 120, 40, 100, 8, 12, {"purpose": 90, "negative": 30}, {"en": 120}, {"exact": 7})
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
    curve=tuple(CurvePoint(step, 4.0 / step, 2e-4) for step in range(1, 41)),
    evaluations=(
        EvaluationFacts("text-overlap", (comparison("match", 0.02, 0.61), comparison("own-metric", 3.0, 7.0))),
    ),
    answers=(
        SideBySide("What is `a.b`?", "It is c.", "No idea", "It is c.", ("docs/x.md:3-9",), 0.1, 1.0, "rougeL"),
        SideBySide("And d?", "E.", "", "F.", ("src/a.py:1-2", "docs/y.md:4-4"), None, None),
    ),
)


def report(*models: ModelReport, language: str = "en") -> Report:
    return Report(
        run=RUN,
        headline=headline(models, DATASET, language),
        library=LibraryFacts(5, 44, 33, 22, (SourceProblem("docs/bad.md", "not valid UTF-8 at byte 7"),)),
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
        "(+59.0 points, 95% interval +58.0 to +60.0)."
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


def test_everything_is_on_the_page() -> None:
    text = Page(to_html(report(MODEL))).text
    for part in [
        *("2.0%", "61.0%", "+59.0 points", "1.0% to 3.0%", "+58.0 to +60.0", "own-metric", "3", "7", "+4"),
        *("What is a.b ?", "It is c.", "No idea", "(empty answer)", "docs/x.md:3-9", "src/a.py:1-2"),
        *("ROUGE-L 10.0%", "ROUGE-L 100.0%", "builtin/tiny", "feedc0de", "lora_rank", "2e-4", "812.5"),
        *("d41d8cd98f00", "negative", "30", "exact", "docs/bad.md", "not valid UTF-8 at byte 7"),
        *("reused", "2 min 22 s", "device.threads", "20260102-030405-abcd", "2026-01-02 03:09:00 UTC", "4 min 55 s"),
    ]:
        assert part in text, part


def test_the_curves_are_drawn_with_labelled_axes() -> None:
    page = Page(to_html(report(MODEL)))
    curves = [path for path in page.of("path") if path.get("class") == "curve"]
    assert [len((path["d"] or "").split("L")) for path in curves] == [40, 40]
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
        answers=(SideBySide(ATTACK, ATTACK, ATTACK, ATTACK, (ATTACK,), 0.5, 0.5, ATTACK),),
    )
    given = report(hostile, hostile)
    given = replace(
        given,
        run=replace(RUN, project=ATTACK, id=ATTACK, outcome=ATTACK, started=ATTACK),
        library=LibraryFacts(1, 1, 1, 1, (SourceProblem(ATTACK, ATTACK),)),
        dataset=replace(DATASET, by_kind={ATTACK: 1}, rejected={ATTACK: 1}),
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
        "device.kind",
        "(empty answer)",
    ):
        assert part in text, part


def test_markdown_keeps_its_shape_whatever_is_in_it() -> None:
    hostile = replace(
        MODEL, name=ATTACK, settings={ATTACK: ATTACK}, answers=(SideBySide(ATTACK, ATTACK, ATTACK, ATTACK),)
    )
    found = MarkdownIt().enable("table").parse(to_markdown(report(hostile)))
    every = [part for token in found for part in (token, *(token.children or ()))]
    assert not {token.type for token in every} & {"html_block", "html_inline", "code_inline", "em_open", "code_block"}
    assert [token.content for token in found if token.type == "fence"] == [f"{ATTACK}\n"] * 3
    assert sum(token.type == "table_open" for token in found) == 9
    settings = [token.children[0].content for token in found if token.type == "inline" and token.children]
    assert settings.count(" ".join(ATTACK.split())) == 3
    assert not [token for token in every if token.type == "inline" and token.content.startswith("|")]


def test_several_models_are_compared() -> None:
    worse = replace(MODEL, name="other", evaluations=(EvaluationFacts("e", (comparison("match", 0.5, 0.2, "worse"),)),))
    silent = replace(MODEL, name="silent", evaluations=())
    given = report(worse, MODEL, silent)
    assert given.headline.startswith("1 of 3 models got better; the best is tiny: matching answers rose")
    text = Page(to_html(given)).text
    assert text.index("Models Model Metric") < text.index("Base model")
    assert "Not measured" in text
    assert "This model was not evaluated." in text
    assert headline([worse, silent], DATASET) == "None of 2 models got better."
    assert "| silent | — | — | — | — | — | Not measured |" in to_markdown(given)


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
        == "微调后的模型更好：答案吻合率从 2.0% 升至 61.0%（+59.0 个百分点，95% 置信区间 +58.0 至 +60.0）。"
    )
    page = Page(to_html(given))
    assert page.of("html") == [{"lang": "zh"}]
    assert not re.search(r"\b(Base|Tuned|Difference|Dataset|Samples|Steps|Loss|Better|Expected)\b", page.text)
    assert Words("zh-CN").tag == "zh"
    assert Words("fr").tag == "en"


def test_one_answer_matches_or_not_and_has_no_percentage() -> None:
    answer = SideBySide("Q?", "R", "B", "T", (), 0.0, 1.0, "match")
    text = Page(to_html(report(replace(MODEL, answers=(answer,))))).text
    assert "Base no match B Tuned matches T" in text


def test_the_json_form_gives_the_same_page() -> None:
    given = report(MODEL)
    assert to_html(from_json(Report, to_json(given))) == to_html(given)


def test_a_long_curve_is_thinned_and_axes_are_round() -> None:
    chart = line_chart((step, 1.0 + 1.0 / step) for step in range(1, 10_001))
    assert chart is not None
    assert chart.path.count("L") < 400
    assert [tick.label for tick in chart.x_ticks] == ["0", "2000", "4000", "6000", "8000", "10000"]
    assert [tick.label for tick in chart.y_ticks] == ["0", "0.5", "1", "1.5", "2"]


@pytest.mark.parametrize("points", [[(0, 0.0)], [(5, -1.5)], [(1, 2.0), (1, 2.0)], [(1, 1e-9), (2, 1e9)]])
def test_odd_curves_are_drawn_inside_the_plot(points: list[tuple[int, float | None]]) -> None:
    chart = line_chart(points)
    assert chart is not None
    placed = [tuple(map(float, place.split())) for place in chart.path[1:].split("L")]
    assert all(56 <= x <= 448 and 12 <= y <= 188 for x, y in placed)


def test_no_value_gives_no_chart() -> None:
    assert line_chart([(1, None), (2, float("nan"))]) is None


def test_ten_answers_are_chosen_evenly() -> None:
    made = [
        Made(
            Sample((Message("system", "S"), Message("user", f"Q{index}"), Message("assistant", f"A{index}")), "k", "f"),
            Origin((Span("docs/x.md", index + 1, index + 2),), "task", "grounded"),
        )
        for index in range(40)
    ]
    ids = [item.sample.id for item in made]
    answers = [Answer(key, "base", "b", True) for key in ids] + [Answer(key, "tuned", "t", True) for key in ids[:-1]]
    measures = [Measure("rougeL", ids[0], "base", 0.25), Measure("bleu", ids[0], "base", 0.5)]
    found = side_by_side(made, answers, measures, "rougeL")
    assert [item.question for item in found] == [f"Q{index * 39 // 10}" for index in range(10)]
    first = SideBySide("Q0", "A0", "b", "t", ("docs/x.md:1-2",), 0.25, None, "rougeL", ids[0])
    assert found[0] == first
    assert len(side_by_side(made[:3], answers, measures, "rougeL")) == 3
    assert side_by_side(made, [], [], "rougeL") == ()
