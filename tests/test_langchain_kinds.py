"""Every kind of sample of the generator `langchain`: what it gives, what is refused, and that nothing is invented."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any, get_args

import library_model
import pytest
from chat_server import Asked as Request
from chat_server import ChatServer, Sent, said
from installed import Installed
from library_model import COUNT, KINDS, Asked, good

from docutune.plugins.generators.langchain.kinds import KINDS as TABLE
from docutune.plugins.generators.langchain.plugin import Kind

Reply = Callable[[Asked], object]
SYMBOL_KINDS = ("how-to", "task-to-code", "bug-fix", "signature", "negative")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(lambda request: said(good(Asked.of(request.content)))) as running:
        yield running


def answering(server: ChatServer, reply: Reply) -> None:
    """Let the model answer otherwise."""

    def script(request: Request) -> Sent:
        return said(reply(Asked.of(request.content)))

    server.script = script


def project(environment: Installed, server: ChatServer, language: str = "en", **options: object) -> Installed:
    texts = {
        "docs/guide.md": library_model.guide(),
        "docs/changes.md": library_model.changelog(),
        "src/acme.py": library_model.code(),
    }
    for name, text in texts.items():
        (environment.work / name).parent.mkdir(exist_ok=True)
        (environment.work / name).write_text(text)
    wanted = {
        "model": "openai:any",
        "base_url": server.url,
        "min_section_chars": 60,
        "retries": 0,
        "phrasings": 2,
        "kinds": KINDS,
        "concurrency": 16,
        **options,
    }
    (environment.work / "pipeline.yaml").write_text(
        f"version: 1\nproject: acme\nlanguage: {language}\nsources: [{{path: docs}}, {{path: src}}]\ncurate: []\n"
        f"split: {{rephrased: 0}}\ngenerate:\n  - uses: langchain\n    with: {json.dumps(wanted)}\n"
    )
    return environment


def rows(environment: Installed) -> list[dict[str, Any]]:
    text = (environment.work / ".docutune/runs/latest/samples.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def contents(row: dict[str, Any], role: str) -> list[str]:
    return [message["content"] for message in row["messages"] if message["role"] == role]


def test_the_table_of_kinds_is_what_the_options_know() -> None:
    assert set(TABLE) == set(get_args(Kind)) == set(KINDS)
    assert all(kind.name == name for name, kind in TABLE.items())


def test_every_kind_is_made_in_both_languages(environment: Installed, server: ChatServer) -> None:
    summary = project(environment, server, "[en, zh]").answer("run")
    asked = Counter((item.kind, item.language) for item in map(Asked.of, (item.content for item in server.asked)))
    with_ping = {"how-to", "task-to-code", "bug-fix", "negative"}
    assert asked == {(kind, language): COUNT + (kind in with_ping) for kind in KINDS for language in ("en", "zh")}, (
        "`acme.ping` takes nothing, so that nobody asks for its parameters; 1.0.0 changes nothing"
    )
    assert summary["left_out"] == {}
    left_over = re.compile(r"\$(?!defs|ref)\w")  # what a schema has
    assert not any(left_over.search(item.content) for item in server.asked)
    by_fact = defaultdict(list)
    for row in rows(environment):
        by_fact[row["fact"], row["language"]].append(row)
        roles = [message["role"] for message in row["messages"]]
        assert roles == ["user", "assistant"] * (2 if row["kind"] == "dialogue" else 1)
    assert Counter((group[0]["kind"], language) for (_, language), group in by_fact.items()) == asked
    assert all(len({contents(row, "user")[0] for row in group}) == len(group) == 2 for group in by_fact.values())
    assert all(len({tuple(contents(row, "assistant")) for row in group}) == 1 for group in by_fact.values())
    _look_at_answers({fact: group[0] for (fact, language), group in by_fact.items() if language == "en"})
    zh = {fact: group[0] for (fact, language), group in by_fact.items() if language == "zh"}
    assert contents(zh["signature:acme.send_3"], "assistant") == [
        '`acme.send_3` 用来寄一个包裹。\n\n- `grams`（必填）：重量，以克计。\n- `city`（默认值 `"Bergen"`）：目的地。'
    ]


def _look_at_answers(facts: dict[str, dict[str, Any]]) -> None:
    signature = facts["signature:acme.send_3"]
    assert contents(signature, "assistant") == [
        "`acme.send_3` sends one parcel.\n\n- `grams` (required): The weight in grams.\n"
        '- `city` (default `"Bergen"`): Where it goes.'
    ]
    bug = facts["bug-fix:acme.send_3"]
    assert contents(bug, "user")[0].endswith("?\n\n```python\nimport acme\n\nacme.send_3_now(5)\n```")
    assert contents(bug, "assistant") == [
        "There is no `acme.send_3_now`: use `acme.send_3`.\n\n```python\nimport acme\n\nacme.send_3(5)\n```"
    ]
    migration = next(row for fact, row in facts.items() if fact.startswith("migration:Changelog > 5.0.0:"))
    assert contents(migration, "assistant") == ["`acme.ship_3` was renamed to `acme.send_3`."]
    negative = next(row for row in facts.values() if row["kind"] == "negative" and row["symbols"] == ["acme.send_3"])
    assert negative["fact"].removeprefix("negative:") in contents(negative, "user")[0]
    assert bug["symbols"] == signature["symbols"] == ["acme.send_3"]
    assert bug["origin"]["spans"][0]["source"] == "src/acme.py"
    assert migration["origin"]["spans"][0]["source"] == "docs/changes.md"


def test_a_migration_says_between_which_versions(environment: Installed, server: ChatServer) -> None:
    project(environment, server, "[en, zh]", kinds=["migration"]).answer("run", "--until", "generate")
    texts = {
        (asked.number, asked.language): asked.content for asked in map(Asked.of, (i.content for i in server.asked))
    }
    assert "who moves code from version 9.0.0 to version 10.0.0:" in texts[8, "en"]
    assert "把代码从 1.0.0 版升级到 2.0.0 版时" in texts[0, "zh"]


def test_the_kinds_that_are_on_by_default_are_few(environment: Installed, server: ChatServer) -> None:
    project(environment, server)
    text = (environment.work / "pipeline.yaml").read_text()
    (environment.work / "pipeline.yaml").write_text(re.sub(r'"kinds": \[.*?\], ', "", text))
    plan = environment.answer("plan")
    (total,) = [step["count"]["total"] for step in plan["steps"] if step["name"] == "generate:langchain"]
    assert total == COUNT * 5 + 2, "question-answer, explanation, how-to, task-to-code, migration; `ping` for two"


def change(**fields: object) -> Callable[[Asked], object]:
    return lambda asked: {**good(asked), **{name: _filled(value, asked) for name, value in fields.items()}}


def _filled(value: object, asked: Asked) -> object:
    if isinstance(value, str):
        return value.replace("NAME", asked.name).replace("ABSENT", asked.absent)
    if isinstance(value, list):
        return [_filled(item, asked) for item in value]
    return {key: _filled(item, asked) for key, item in value.items()} if isinstance(value, dict) else value


def pair(**fields: object) -> Callable[[Asked], object]:
    return lambda asked: {"pairs": [{**good(asked)["pairs"][0], **_filled_all(fields, asked)}]}


def _filled_all(fields: dict[str, object], asked: Asked) -> dict[str, object]:
    return {name: _filled(value, asked) for name, value in fields.items()}


def parameters(*changed: dict[str, object]) -> Callable[[Asked], object]:
    """The signature's reply with these parameters in place of its own, in their order."""

    def reply(asked: Asked) -> object:
        own = good(asked)["parameters"]
        return {**good(asked), "parameters": [{**item, **new} for item, new in zip([*own, {}], changed, strict=False)]}

    return reply


BROKEN = "import acme\n\nNAME(grams=5, town='Oslo')"
FOLLOW = {"question": "And then?", "answer": "Then it is sent."}
REFUSED: dict[str, tuple[tuple[Callable[[Asked], object], str], ...]] = {
    "bug-fix": (
        (change(fixed="import acme\n\nNAME(5"), "the code is no Python: line 3: '(' was never closed"),
        (change(broken="import  acme\nNAME( 5 )  # so", fixed="import acme\n\nNAME(5)"), "same as the fixed code"),
        (change(fixed="import acme\n\nNAME_now(5)"), "does not use the symbol that it is about"),
        (change(fixed="import acme\n\nNAME(5)\nacme.zap()"), "`acme.zap` is not in the library"),
        (change(problem="Call `acme.zap` first."), "`acme.zap` is not in the library"),
        (change(problem="`NAME_now` wants a bracket."), "the answer does not say so wherever it names it"),
        (
            change(broken="import acme\n\nacme.send_all(5)  # wrong name"),
            "a remark in the broken code tells the mistake",
        ),
        (change(fixed="import acme\n\nNAME(5, town='Oslo')"), "takes no argument `town`"),
        (change(broken="print(5)"), "the broken code does not try to use the symbol"),
        (change(broken=" "), "there is no broken code"),
        (change(problem=" "), "the answer is empty"),
    ),
    "signature": (
        (parameters({}, {"name": "town"}), "it states a parameter that does not exist: `town`"),
        (parameters({}, {}, {"name": "zap", "meaning": "It is quick."}), "a parameter that does not exist: `zap`"),
        (parameters({}), "it leaves a parameter out: `city`"),
        (
            parameters({}, {"default": "'Oslo'"}),
            "it states a wrong default of `city`: `'Oslo'`, but it is `\"Bergen\"`",
        ),
        (parameters({"default": "5"}, {}), "it states a wrong default of `grams`: `5`, but there is none"),
        (parameters({}, {"default": None}), 'it states no default of `city`, but it is `"Bergen"`'),
        (parameters({}, {"meaning": "The town; by default `Oslo`."}), "it states a wrong default of `city`: `Oslo`"),
        (parameters({"meaning": "As in `send(weight=5)`."}, {}), "a parameter that does not exist: `weight`"),
        (parameters({"meaning": ""}, {}), "it does not say what a parameter means: `grams`"),
        (change(opening="It sends a parcel."), "the answer does not use the symbol that it is about"),
        (change(opening="`NAME` is quicker than `acme.zap`."), "`acme.zap` is not in the library"),
    ),
    "dialogue": (
        (change(follow_ups=[]), "the conversation has 1 turns: 2 to 4 are wanted"),
        (change(follow_ups=[{**FOLLOW, "answer": f"So {place}."} for place in range(4)]), "has 5 turns"),
        (change(follow_ups=[{**FOLLOW, "answer": " "}]), "a turn of the conversation is empty"),
        (change(follow_ups=[FOLLOW, {**FOLLOW, "answer": "then it is sent"}]), "the conversation repeats an answer"),
        (change(follow_ups=[{**FOLLOW, "answer": "Call `acme.zap`."}]), "`acme.zap` is not in the library"),
        (change(follow_ups=[{**FOLLOW, "question": "What of `acme.zap`?"}]), "the question names what does not exist"),
        (change(follow_ups=[{**FOLLOW, "answer": "```python\nacme.send_1(\n```"}]), "the code is no Python"),
        (change(follow_ups=[{**FOLLOW, "answer": "As an AI, I cannot say."}]), "it speaks as a machine"),
        (change(follow_ups=[{**FOLLOW, "question": "接下来呢？"}]), "the question is not in the language asked for"),
        (change(follow_ups=[{**FOLLOW, "answer": "Call `unload_all(5)`."}]), "it calls what the sources do not name"),
    ),
    "migration": (
        (pair(answer="`acme.zap` was renamed to `NAME`."), "`acme.zap` is not in the library"),
        (pair(answer="Call `NAME`, or `acme.ship_1` as before."), "the answer does not say so wherever it names it"),
        (pair(answer="`NAME` was renamed to `acme.ship_2`."), "the answer does not say so wherever it names it"),
        (pair(answer="Use this:\n\n```python\nacme.ship_3(5)\nNAME(5)\n```"), "the answer names nothing that changes"),
        (
            pair(answer="`NAME` is new:\n\n```python\nacme.ship_4(5)\n```"),
            "`acme.ship_4` is not in the library; the nearest name is `acme.send_4`",
        ),
        (pair(questions=["What is new in acme?", "What came?"]), "the question does not name the version"),
        (pair(answer="Everything is quicker."), "the answer names nothing that changes"),
    ),
    "negative": (
        (change(answer="`ABSENT` sends all; see `NAME`."), "the answer does not say so wherever it names it"),
        (change(answer="There is no such thing. Use `NAME`."), "the answer does not say that there is no `acme."),
        (change(answer="There is no `ABSENT`."), "the answer does not use the symbol that it is about"),
        (change(answer="There is no `ABSENT`. Use `NAME` or `acme.zap`."), "`acme.zap` is not in the library"),
        (change(questions=["What of acme?", "Which parcels?"]), "the question does not name what it asks for"),
        (
            change(answer="There is no `ABSENT`, use `NAME`:\n\n```python\nimport acme\n\nABSENT()\n```"),
            "the code uses what does not exist",
        ),
        (change(answer="There is no need to loop: `ABSENT` does, as `NAME` does."), "the answer does not say so"),
    ),
    "how-to": (
        (change(answer="Call `NAME(weight=5)`."), "takes no argument `weight`"),
        (change(answer="Call `NAME`, then `unload_all()`."), "it calls what the sources do not name: `unload_all`"),
        (change(answer="So:\n\n```python\nimport acme\n\nunload(NAME(5))\n```"), "do not name: `unload`"),
    ),
}


def test_what_is_wrong_is_said_to_the_model_and_left_out(environment: Installed, server: ChatServer) -> None:
    def reply(asked: Asked) -> object:
        cases = REFUSED.get(asked.kind, ())
        repaired = asked.kind == "task-to-code" and asked.number == 0
        if repaired and not asked.again:
            return {**good(asked), "code": "import acme\n\nacme.send_0(5"}
        return cases[asked.number][0](asked) if 0 <= asked.number < len(cases) else good(asked)

    answering(server, reply)
    project(environment, server)
    done = environment.docutune("run", "--json")
    assert done.returncode == 0, done.stderr
    repairs = {(item.kind, item.number): item.content for item in map(Asked.of, _texts(server)) if item.again}
    kept = {(row["kind"], row["symbols"][0]) for row in rows(environment) if row["symbols"]}
    for kind, cases in REFUSED.items():
        for number, (_, reason) in enumerate(cases):
            complaint = repairs[kind, number].partition("could not be used, for this reason:")[2]
            assert reason in complaint, (kind, number)
            assert (kind, f"acme.send_{number}") not in kept, (kind, number)
    assert len(repairs) == sum(map(len, REFUSED.values())) + 1
    _look_at_counts(environment, json.loads(done.stdout), done.stderr)


def _texts(server: ChatServer) -> list[str]:
    return [item.content for item in server.asked]


def _look_at_counts(environment: Installed, summary: dict[str, Any], shown: str) -> None:
    """The reasons are counted where programs and people look."""
    run = environment.work / ".docutune/runs/latest"
    rejected = [json.loads(line) for line in (run / "rejected.jsonl").read_text().splitlines()]
    counts = summary["left_out"]["langchain"]
    assert sum(counts.values()) == len(rejected)
    assert counts["it states a parameter that does not exist"] == 3
    assert counts["… is not in the library"] >= 2, "for each wording"
    assert summary["repaired"] == {"the code is no Python": 1}
    (step,) = [step for step in json.loads((run / "manifest.json").read_text())["steps"] if "generate" in step["name"]]
    assert step["figures"]["reasons"] == counts
    assert step["figures"]["repaired"] == 1
    (line,) = [line for line in shown.splitlines() if "generate:langchain" in line]
    assert f"{len(rejected)} rejected" in line
    assert "3 it states a parameter that does not exist" in line
    report = json.loads((run / "report.json").read_text())
    assert report["dataset"]["rejected"]["langchain: it states a parameter that does not exist"] == 3


FORMS = ("{} It goes with `acme.zap(5)`.", "acme.zap\n{}")


def leaves(value: object) -> list[tuple[object, ...]]:
    """The path to every text in a reply."""
    found: list[tuple[object, ...]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += [(key,)] if isinstance(item, str) else [(key, *path) for path in leaves(item)]
    return found


def spoilt(asked: Asked, form: str) -> object:
    """A good reply with an invented name in one of its texts: in another one for each function."""
    reply: Any = copy.deepcopy(good(asked))
    paths = leaves(reply)
    *way, last = paths[asked.number % len(paths)]
    place = reply
    for key in way:
        place = place[key]
    place[last] = f"{place[last]}\nacme.zap()" if last in ("code", "fixed", "broken") else form.format(place[last])
    return reply


@pytest.mark.parametrize("form", FORMS)
def test_an_invented_name_never_lands_where_it_would_be_learned(
    form: str, environment: Installed, server: ChatServer
) -> None:
    touched: Counter[str] = Counter()

    def reply(asked: Asked) -> object:
        touched[asked.kind] += len(leaves(good(asked))) <= COUNT
        return spoilt(asked, form)

    answering(server, reply)
    project(environment, server)
    environment.answer("run", "--until", "generate")
    made = [json.loads(line) for line in _kept(environment)]
    assert all(touched[kind] for kind in KINDS), "every text of every kind's form had the name in it"
    zapped = [row for row in made if any("zap" in message["content"] for message in row["messages"])]
    assert {row["kind"] for row in zapped} == {"bug-fix"}, "broken code may be wrong"
    assert not any("zap" in text for row in zapped for text in contents(row, "assistant"))


def _kept(environment: Installed) -> list[str]:
    """Every sample that generation kept."""
    cached = (path.read_text() for path in (environment.work / ".docutune/cache").rglob("*") if path.is_file())
    values = [json.loads(text.partition("\n")[2]) for text in cached]
    return [json.dumps(sample) for value in values if "samples" in value for sample in value["samples"]]
