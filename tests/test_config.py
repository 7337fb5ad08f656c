"""pipeline.yaml: every mistake at once, each with its line, its key and a way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from installed import Installed

from docutune.config import PipelineConfig, json_schema, load
from docutune.errors import ConfigError
from docutune.registry import Registry

HEAD = "version: 1\nproject: acme\nsources:\n  - path: docs\n"
TRAIN = HEAD + "train:\n  - uses: trl\n    with: {model: builtin/tiny}\n"

TEN_MISTAKES = """\
version: 1
project: acme
langauge: en
sources:
  - path: docs
  - path: dosc
generate:
  - uses: grouned
curate:
  - uses: duplicates
    with: {treshold: 0.7}
split: {rephrased: 2, seed: one}
train:
  - uses: trl
    with:
      model: builtin/tiny
      lora_rnk: 16
      quantization: fn4
      epochs: 0
  - uses: trl
"""

TEN_LINES = """\
pipeline.yaml:3: langauge: unknown key; did you mean 'language'?
pipeline.yaml:6: sources[1].path: no file or folder 'dosc' beside the pipeline file; did you mean 'docs'?
pipeline.yaml:8: generate[0].uses: no generator is called 'grouned'; did you mean 'grounded'? \
(installed generators: grounded, langchain)
pipeline.yaml:11: curate[0].with.treshold: unknown option of curator 'duplicates'; did you mean 'threshold'?
pipeline.yaml:12: split.rephrased: must be less than or equal to 1, found 2
pipeline.yaml:12: split.seed: expected a whole number, found text 'one'
pipeline.yaml:17: train[0].with.lora_rnk: unknown option of trainer 'trl'; did you mean 'lora_rank'?
pipeline.yaml:18: train[0].with.quantization: expected 'nf4', 'int8' or 'none', found text 'fn4'; did you mean 'nf4'?
pipeline.yaml:19: train[0].with.epochs: must be greater than 0, found 0
pipeline.yaml:20: train[1].with.model: missing option of trainer 'trl': \
base model: a hub name, a folder, or builtin/tiny (made here)
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str, registry: Registry, *overrides: str, trainer: str | None = None) -> PipelineConfig:
    Path("pipeline.yaml").write_text(text, encoding="utf-8")
    return load(Path("pipeline.yaml"), registry, overrides, trainer)


def complaints(text: str, registry: Registry, *overrides: str, trainer: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(text, registry, *overrides, trainer=trainer)
    assert error.value.exit_code == 2
    return [str(problem) for problem in error.value.problems]


# ---- mistakes


def test_ten_mistakes_are_ten_lines_at_once(environment: Installed) -> None:
    (environment.work / "docs").mkdir()
    (environment.work / "pipeline.yaml").write_text(TEN_MISTAKES)
    done = environment.docutune("validate")
    assert done.returncode == 2
    assert done.stderr == TEN_LINES
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "pipeline.yaml:1: the file is empty; it needs version, project and sources"),
        ("- a\n", "pipeline.yaml:1: the file is a list; it needs version, project and sources"),
        ("a: [1\nb: 2\n", "pipeline.yaml:2: not valid YAML: expected ',' or ']', but got ':'"),
        ("a:\n\tb: 1\n", "pipeline.yaml:2: a tab where YAML allows only spaces; indent with spaces"),
        ("a: 1\n---\nb: 1\n", "pipeline.yaml:2: not valid YAML"),
        ("a: \x07\n", "pipeline.yaml:1: the character '\\x07' is not allowed in YAML"),
        ("a: " + "[" * 2000, "pipeline.yaml: the values are nested too deeply"),
        ("a: &x [*x]\n", "pipeline.yaml: the values are nested too deeply"),
        (HEAD + "project: other\n", "pipeline.yaml:5: project: given twice; first on line 2"),
        (HEAD + "split: {seed: !!python/name:os.system ''}\n", "pipeline.yaml:5: split.seed: '' is no text, number"),
        (HEAD + "split: {rephrased: .nan}\n", "pipeline.yaml:5: split.rephrased: '.nan' is no text, number"),
        (HEAD + "? [a]\n: 1\n", "pipeline.yaml:5: a key must be a plain word"),
        (HEAD.replace("1", "2"), "pipeline.yaml:1: version: expected 1, found 2"),
        (HEAD.replace("version: 1\n", ""), "pipeline.yaml:1: version: missing key: version of this file format: 1"),
        ("version: 1\nproject: acme\n", "pipeline.yaml:1: sources: missing key"),
        ("version: 1\nproject: acme\nsources: []\n", "pipeline.yaml:3: sources: must not be empty"),
        (HEAD + "language: fr\n", "pipeline.yaml:5: language: expected 'en' or 'zh', found text 'fr'"),
        (HEAD + "language: [en, 1]\n", "pipeline.yaml:5: language[1]: expected 'en' or 'zh', found 1"),
        (HEAD + "    include: '**/*.py'\n", "pipeline.yaml:5: sources[0].include: expected a list, found text"),
        (HEAD + "    exlude: []\n", "pipeline.yaml:5: sources[0].exlude: unknown key; did you mean 'exclude'?"),
        (HEAD + "generate: grounded\n", "pipeline.yaml:5: generate: expected a list, found text 'grounded'"),
        (
            HEAD + "generate:\n  - grounded\n",
            "pipeline.yaml:6: generate[0]: expected a mapping (key: value), found text 'grounded'; "
            "write - uses: grounded",
        ),
        (HEAD + "generate:\n  - name: a\n", "pipeline.yaml:6: generate[0].uses: missing key: the plugin's name"),
        (HEAD + "generate:\n  - uses: [a]\n", "pipeline.yaml:6: generate[0].uses: expected text, found a list"),
        (
            HEAD + "generate:\n  - uses: acme.generate:Generator\n",
            "pipeline.yaml:6: generate[0].uses: 'acme.generate:Generator' is a Python path or file; "
            "write the name of an installed generator: 'grounded'",
        ),
        (
            HEAD + "generate:\n  - uses: grounded\n    with: [a]\n",
            "pipeline.yaml:7: generate[0].with: expected a mapping (key: value), found a list",
        ),
        (
            HEAD + "generate:\n  - uses: grounded\n    name: a/b\n",
            "pipeline.yaml:7: generate[0].name: must match pattern",
        ),
        (
            TRAIN.replace("}", ", lora_rank: '16'}"),
            "pipeline.yaml:7: train[0].with.lora_rank: expected a whole number, found text '16'",
        ),
        (
            TRAIN.replace("}", ", lora_rank: true}"),
            "pipeline.yaml:7: train[0].with.lora_rank: expected a whole number, found true",
        ),
        (
            TRAIN.replace("}", ", gradient_checkpointing: 1}"),
            "pipeline.yaml:7: train[0].with.gradient_checkpointing: expected true or false, found 1",
        ),
        (
            TRAIN.replace("}", ", epochs: 1, max_steps: 2}"),
            "pipeline.yaml:7: train[0].with: give epochs or max_steps, not both",
        ),
        (
            TRAIN.replace("}", ", quantization: nfx4}"),
            "pipeline.yaml:7: train[0].with.quantization: expected 'nf4', 'int8' or 'none', found text 'nfx4'; did you "
            "mean 'nf4'?",
        ),
        (
            TRAIN + "  - uses: trl\n    with: {model: builtin/tiny}\n",
            "pipeline.yaml:8: train[1]: a second step is called 'tiny'; give one of them another `name:`",
        ),
    ],
)
def test_a_mistake_is_one_line(text: str, complaint: str, folder: Path, registry: Registry) -> None:
    [line] = complaints(text, registry)
    assert line.startswith(complaint)
    assert "\n" not in line


@pytest.mark.parametrize("bits", ["int4", "nf8", "4bit"])
def test_no_other_number_of_bits_is_guessed(bits: str, folder: Path, registry: Registry) -> None:
    [line] = complaints(TRAIN.replace("}", f", quantization: {bits}}}"), registry)
    assert line.endswith(f"train[0].with.quantization: expected 'nf4', 'int8' or 'none', found text '{bits}'")


def test_two_trainings_of_one_name_are_told_beside_other_mistakes(folder: Path, registry: Registry) -> None:
    second = "  - uses: trl\n    with: {model: builtin/tiny, lora_rank: no}\n"
    told = complaints(TRAIN + second, registry)
    assert any("a second step is called 'tiny'" in line for line in told)
    assert any("lora_rank" in line for line in told)


def test_a_file_of_samples_is_no_document(folder: Path, registry: Registry) -> None:
    (folder / "q.csv").write_text("question,answer\nWho?,We.\n")
    [line] = complaints("version: 1\nproject: acme\nsources:\n  - path: q.csv\n", registry)
    assert line.endswith("sources[0].path: .csv files hold samples, no documents; write - samples: q.csv")


def test_bytes_that_are_not_utf8(folder: Path, registry: Registry) -> None:
    Path("pipeline.yaml").write_bytes(b"version: 1\nproject: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"pipeline\.yaml:2: byte 23 is not UTF-8; save the file as UTF-8"):
        load(Path("pipeline.yaml"), registry)


def test_aliases_cannot_make_a_small_file_enormous(folder: Path, registry: Registry) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert complaints("\n".join(lines), registry) == ["pipeline.yaml: the values are nested too deeply"]


def test_a_file_that_is_not_there(folder: Path, registry: Registry) -> None:
    Path("pipeline.yaml").write_text(HEAD)
    with pytest.raises(ConfigError) as error:
        load(Path("pipelin.yaml"), registry)
    assert str(error.value) == "pipelin.yaml: no such file\n  did you mean 'pipeline.yaml'?"
    with pytest.raises(ConfigError, match="docs: is a directory"):
        load(Path("docs"), registry)


def test_mistakes_of_form_and_of_content_are_reported_together(folder: Path, registry: Registry) -> None:
    text = HEAD + "split: {seed: 1, seed: 2}\ncurate:\n  - uses: duplicats\n"
    assert [line.split(": ")[0] for line in complaints(text, registry)] == ["pipeline.yaml:5", "pipeline.yaml:7"]


# ---- what is right


def test_the_shortest_file_gets_the_defaults(folder: Path, registry: Registry) -> None:
    config = read(HEAD, registry)
    assert config.language == ("en",)
    assert sorted(step.uses for step in config.parse) == ["markdown", "pairs", "python"]
    assert [step.uses for step in config.generate] == ["grounded"]
    assert [step.uses for step in config.curate] == ["leakage", "duplicates", "quality", "secrets"]
    assert config.train == config.evaluate == config.notes == ()
    assert (config.split.rephrased, config.split.unseen_symbols, config.split.validation) == (0.1, 0.0, 0.05)
    assert config.path == folder / "pipeline.yaml"


def test_an_evaluator_is_the_default_once_something_is_trained(folder: Path, registry: Registry) -> None:
    config = read(TRAIN, registry)
    assert [step.uses for step in config.evaluate] == ["text-overlap"]
    assert [step.name for step in config.train] == ["tiny"]
    assert read(TRAIN + "evaluate: []\n", registry).evaluate == ()


def test_a_training_is_named_after_its_model(folder: Path, registry: Registry) -> None:
    text = (
        TRAIN
        + "  - uses: trl\n    with: {model: Qwen/Qwen3-0.6B}\n  - name: big\n    uses: trl\n    with: {model: a/b}\n"
    )
    assert [step.name for step in read(text, registry).train] == ["tiny", "qwen3-0.6b", "big"]


@pytest.mark.parametrize(("written", "rate"), [("2e-4", 2e-4), ("2.0e-4", 2e-4), ("1E-3", 1e-3), ("0.5", 0.5)])
def test_numbers_as_people_write_them(written: str, rate: float, folder: Path, registry: Registry) -> None:
    """YAML 1.1 reads 2e-4 as text."""
    config = read(TRAIN.replace("}", f", learning_rate: {written}}}"), registry)
    assert config.train[0].options.model_dump()["learning_rate"] == rate


def test_text_that_looks_like_a_date_or_number_stays_text(folder: Path, registry: Registry) -> None:
    assert read(HEAD.replace("acme", "2026-01-01"), registry).project == "2026-01-01"
    assert read(HEAD.replace("acme", "'2e-4'"), registry).project == "2e-4"


def test_shared_options_through_anchors(folder: Path, registry: Registry) -> None:
    text = HEAD + (
        "train:\n  - uses: trl\n    with: &shared {model: builtin/tiny, lora_rank: 8, epochs: 1}\n"
        "  - uses: trl\n    with: {<<: *shared, model: acme/other, lora_rank: 4}\n"
    )
    dumps = [step.options.model_dump() for step in read(text, registry).train]
    assert [(dump["lora_rank"], dump["epochs"]) for dump in dumps] == [(8, 1), (4, 1)]


@pytest.mark.parametrize(("written", "languages"), [("zh", ("zh",)), ("[en, zh]", ("en", "zh"))])
def test_the_language_reaches_the_steps(
    written: str, languages: tuple[str, ...], folder: Path, registry: Registry
) -> None:
    config = read(f"{HEAD}language: {written}\n", registry)
    assert config.language == languages
    assert config.generate[0].options.model_dump()["languages"] == languages
    own = read(f"{HEAD}language: {written}\ngenerate:\n  - uses: grounded\n    with: {{languages: [en]}}\n", registry)
    assert own.generate[0].options.model_dump()["languages"] == ("en",)


def test_a_section_without_a_value_counts_as_absent(folder: Path, registry: Registry) -> None:
    config = read(HEAD + "generate:\ntrain:\n", registry)
    assert [step.uses for step in config.generate] == ["grounded"]
    assert config.train == ()


# ---- overrides


def test_overrides_change_the_file_before_it_is_checked(folder: Path, registry: Registry) -> None:
    config = read(TRAIN, registry, "train[0].with.max_steps=10", "split.seed=3", "language=[en, zh]", "project=a=b")
    assert config.train[0].options.model_dump()["max_steps"] == 10
    assert config.split.seed == 3
    assert config.language == ("en", "zh")
    assert config.project == "a=b"


def test_an_override_can_repair_a_mistake(folder: Path, registry: Registry) -> None:
    assert read(HEAD.replace("docs", "nowhere"), registry, "sources[0].path=docs").sources[0].path == Path("docs")


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("train[0].with.max_steps=ten", "--set: train[0].with.max_steps: expected a whole number, found text 'ten'"),
        ("train[0].with.lora_rnk=1", "--set: train[0].with.lora_rnk: unknown option of trainer 'trl'; did you mean"),
        ("train[1].uses=trl", "--set: train[1].uses=trl: train has 1 item, counted from 0; there is no [1]"),
        ("train.uses=trl", "--set: train.uses=trl: train is a list, not a mapping"),
        ("project.name=a", "--set: project.name=a: project is text 'acme', not a mapping"),
        ("split.seed", "--set: split.seed: expected KEY=VALUE, such as train[0].with.max_steps=10"),
        ("split seed=1", "--set: split seed=1: expected KEY=VALUE"),
        ("split.seed=[1", "--set: split.seed=[1: not valid YAML"),
    ],
)
def test_a_wrong_override_is_named(override: str, complaint: str, folder: Path, registry: Registry) -> None:
    [line] = complaints(TRAIN, registry, override)
    assert line.startswith(complaint)


def test_another_trainer_replaces_that_of_every_training(folder: Path, registry: Registry) -> None:
    text = TRAIN.replace("uses: trl", "uses: other")
    assert [step.uses for step in read(text, registry, trainer="trl").train] == ["trl"]
    [line] = complaints(TRAIN, registry, trainer="trk")
    assert line.startswith("--trainer: train[0].uses: no trainer is called 'trk'; did you mean 'trl'?")
    [line] = complaints(HEAD, registry, trainer="trl")
    assert line == "--trainer: the pipeline trains nothing, so there is no trainer to replace"


# ---- other people's plugins

PLUGIN = """
from pydantic import BaseModel, ConfigDict, Field, field_validator
from docutune import ParserRegistration, Registration, hookimpl

class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    depth: int = Field(1, description="how deep")

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str = Field("m", description="base model")
    size: int | str = Field(1, description="a number or a word")
    inner: Inner = Field(Inner(), description="more")
    tags: tuple[str, ...] = Field((), description="any words")

    @field_validator("tags", mode="before")
    @classmethod
    def _split(cls, value):
        return value.split() if isinstance(value, str) else value

"""


def trainer(name: str, more: str = "") -> str:
    return PLUGIN + (
        "@hookimpl\ndef docutune_trainers():\n"
        f"    return [Registration(name={name!r}, revision=1, summary='A trainer.', config=Config, "
        f"load=__name__ + ':A'{more})]\n"
    )


def parser(name: str, suffixes: str, more: str = "") -> str:
    return PLUGIN + (
        "@hookimpl\ndef docutune_parsers():\n    return [ParserRegistration(name="
        f"{name!r}, revision=1, summary='A parser.', config=Config, load=__name__ + ':A', suffixes={suffixes}{more})]\n"
    )


def validate(environment: Installed, text: str) -> Any:
    (environment.work / "docs").mkdir(exist_ok=True)
    (environment.work / "pipeline.yaml").write_text(text)
    done = environment.docutune("validate", "--json")
    assert done.returncode in (0, 2), done.stderr
    answer = json.loads(done.stdout)
    assert answer["valid"] is (done.returncode == 0)
    return answer


def test_options_of_another_trainer_are_ignored_with_a_note(environment: Installed) -> None:
    environment.install("acme-fast", {"acme_fast.py": trainer("fast")}, "fast = acme_fast")
    answer = validate(environment, TRAIN.replace("}", ", fast: {kernel: 2}}"))
    assert answer["problems"] == []
    assert answer["notes"] == ["pipeline.yaml:7: the options of trainer 'fast' are ignored by 'trl'"]
    [problem] = validate(environment, TRAIN.replace("}", ", fats: {kernel: 2}}"))["problems"]
    assert problem["key"] == "train[0].with.fats"


def test_a_plugin_s_nested_options_and_unions_are_explained(environment: Installed) -> None:
    environment.install("acme-fast", {"acme_fast.py": trainer("fast")}, "fast = acme_fast")
    text = HEAD + "train:\n  - uses: fast\n    with:\n      size: [1]\n      inner:\n        dept: 2\n"
    lines = [(item["line"], item["key"], item["message"]) for item in validate(environment, text)["problems"]]
    assert lines == [
        (8, "train[0].with.size", "expected a whole number, found a list or expected text, found a list"),
        (10, "train[0].with.inner.dept", "unknown option of trainer 'fast'; did you mean 'depth'?"),
    ]


def test_a_plugin_may_accept_more_than_one_form(environment: Installed) -> None:
    environment.install("acme-fast", {"acme_fast.py": trainer("fast")}, "fast = acme_fast")
    for written in ("a b", "[a, b]"):
        assert validate(environment, HEAD + f"train:\n  - uses: fast\n    with: {{tags: {written}}}\n")["valid"]


def test_missing_libraries_are_named_with_the_extra_that_brings_them(environment: Installed) -> None:
    source = trainer("fast", ", requires=('acme_absent', 'json'), extra='acme[fast]'")
    environment.install("acme-fast", {"acme_fast.py": source}, "fast = acme_fast")
    [problem] = validate(environment, HEAD + "train:\n  - uses: fast\n")["problems"]
    assert (problem["line"], problem["key"]) == (6, "train[0].uses")
    assert problem["message"] == "trainer 'fast' needs acme_absent: install with pip install 'acme[fast]'"


def test_a_broken_package_stops_only_the_pipeline_that_names_it(environment: Installed) -> None:
    environment.install("acme-fast", {"acme_fast.py": "import acme_absent"}, "fast = acme_fast")
    assert validate(environment, TRAIN)["valid"]
    [problem] = validate(environment, HEAD + "train:\n  - uses: fast\n")["problems"]
    assert "no trainer is called 'fast': package acme-fast 1.0 failed: ModuleNotFoundError" in problem["message"]


def test_two_parsers_of_one_suffix_until_the_pipeline_chooses(environment: Installed) -> None:
    source = parser("commonmark", "('.md', '.mdx')")
    environment.install("acme-md", {"acme_md.py": source}, "commonmark = acme_md")
    [problem] = validate(environment, HEAD)["problems"]
    expected = "parsers 'commonmark' and 'markdown' both read .md files; name one of them in `parse:`"
    assert (problem["key"], problem["message"]) == ("parse", expected)
    assert validate(environment, HEAD + "parse:\n  - uses: markdown\n")["valid"]
    assert validate(environment, HEAD + "parse:\n  - uses: commonmark\n")["valid"]
    [problem] = validate(environment, HEAD + "parse:\n  - uses: commonmark\n  - uses: markdown\n")["problems"]
    assert problem["line"] == 5


def test_the_parsers_that_are_not_named_serve_the_other_files(environment: Installed) -> None:
    source = parser("commonmark", "('.md', '.mdx')")
    environment.install("acme-md", {"acme_md.py": source}, "commonmark = acme_md")
    (environment.work / "docs").mkdir()
    (environment.work / "pipeline.yaml").write_text(HEAD + "parse:\n  - uses: markdown\n")
    code = (
        "from pathlib import Path\nfrom docutune.config import load\nfrom docutune.registry import Registry\n"
        "steps = load(Path('pipeline.yaml'), Registry.load()).parse\n"
        "served = {suffix: step.uses for step in steps for suffix in step.entry.suffixes}\n"
        "print(served['.md'], served['.mdx'], served['.py'])\n"
    )
    done = environment.python(code)
    assert done.stdout == "markdown commonmark python\n", done.stderr


def test_a_parser_that_nobody_named_and_cannot_serve_is_a_note(environment: Installed) -> None:
    source = parser("pdf", "('.pdf',)", ", requires=('acme_absent',), extra='acme[pdf]'")
    environment.install("acme-pdf", {"acme_pdf.py": source}, "pdf = acme_pdf")
    assert validate(environment, HEAD)["notes"] == [
        ".pdf files are not read: parser 'pdf' needs acme_absent: install with pip install 'acme[pdf]'"
    ]
    [problem] = validate(environment, HEAD + "parse:\n  - uses: pdf\n")["problems"]
    assert problem["key"] == "parse[0].uses"


# ---- the schema for editors


def test_the_schema_describes_every_plugin_s_options(registry: Registry) -> None:
    schema = json_schema(registry)
    assert set(schema["properties"]) == {
        "version", "project", "language", "sources", "dataset", "parse", "generate", "budget",
        "curate", "ratings", "split", "train", "runtime", "evaluate",
    }  # fmt: skip
    step = schema["properties"]["train"]["items"]
    assert [name["const"] for name in step["properties"]["uses"]["oneOf"]] == ["trl", "unsloth"]
    assert schema["properties"]["runtime"]["properties"]["uses"]["oneOf"][0]["const"] == "local"
    choice = step["allOf"][0]
    assert choice["if"]["properties"]["uses"] == {"const": "trl"}
    assert choice["then"]["required"] == ["with"]
    options = schema["$defs"][choice["then"]["properties"]["with"]["$ref"].removeprefix("#/$defs/")]
    assert options["additionalProperties"] is False
    assert options["properties"]["lora_rank"]["description"] == "rank of the adapter's matrices"
    langchain = schema["$defs"]["generator.langchain"]["properties"]
    assert "phrasings" in langchain
    assert "prompts" not in langchain, "they are files, no option"


def test_every_reference_of_the_schema_leads_somewhere(registry: Registry) -> None:
    schema = json_schema(registry)
    text = json.dumps(schema)
    references = {part.split('"')[0] for part in text.split('"$ref": "#/$defs/')[1:]}
    assert len(references) > 7
    assert references <= set(schema["$defs"])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("builtin/small", "there is no built-in model 'builtin/small'; did you mean 'builtin/tiny'?"),
        ("tiny", "there is no model 'tiny'; did you mean 'builtin/tiny'?"),
        ("./nomodel", "no folder "),
        ("./empty", "holds no config.json"),
        ("a b c", "'a b c' is neither a folder nor a hub name"),
        ("Qwen/Qwen3/0.6B", "'Qwen/Qwen3/0.6B' is neither a folder nor a hub name"),
    ],
)
def test_a_model_that_cannot_be_is_a_mistake_of_the_file(model: str, message: str, environment: Installed) -> None:
    (environment.work / "docs").mkdir()
    (environment.work / "empty").mkdir()
    (environment.work / "pipeline.yaml").write_text(f"{HEAD}train:\n  - uses: trl\n    with: {{model: {model}}}\n")
    done = environment.docutune("validate")
    assert done.returncode == 2
    assert done.stderr.startswith("pipeline.yaml:7: train[0].with.model: ")
    assert message in done.stderr
