"""Exporters: Ollama's TEMPLATE says what the chat template says, GGUF comes from llama.cpp's converter and is read
again.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from dataset_project import docutune
from installed import Installed
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from trained import SYSTEM, TEMPLATE, adapter, base

from docutune.errors import DocutuneError
from docutune.parity import QUESTIONS
from docutune.plugins.exporters.gguf.plugin import Config as GgufConfig
from docutune.plugins.exporters.ollama.modelfile import modelfile
from docutune.plugins.exporters.ollama.plugin import Config as OllamaConfig
from docutune.plugins.exporters.ollama.turns import Render, work_out
from docutune.records import Export, Message, ModelRef, from_json, to_json
from docutune.template import Template

CONVERTER = Path(__file__).parent / "gguf_converter.py"

# ---- templates

LLAMA = (
    "{{ '<|begin|>' }}{% for message in messages %}<|header|>{{ message['role'] }}<|/header|>\n\n"
    "{{ message['content'] }}<|eot|>{% endfor %}<|header|>assistant<|/header|>\n\n"
)
DEFAULT_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are kind.<|im_end|>\n{% endif %}" + TEMPLATE
)
SYSTEM_IN_QUESTION = (
    "{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set messages = messages[1:] %}{% else %}{% set first = '' %}{% endif %}"
    "{% for message in messages %}<turn>{{ 'model' if message['role'] == 'assistant' else 'user' }}\n"
    "{{ first if loop.first }}{{ message['content'] }}</turn>\n{% endfor %}<turn>model\n"
)
NO_SYSTEM = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "[{{ message['role'] }}] {{ message['content'] }} {% endfor %}[assistant]"
)
SILENT_THOUGHTS = TEMPLATE.replace(
    "<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n<think>\n\n</think>\n\n{% endif %}"
)
SYSTEM_LAST = (
    "{% for message in messages %}{% if message['role'] == 'user' %}[INST] "
    "{% if loop.last and messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}\n\n{% endif %}"
    "{{ message['content'] }}[/INST]{% elif message['role'] == 'assistant' %} {{ message['content'] }}</s>{% endif %}"
    "{% endfor %}"
)
WRITTEN = {
    "chatml": TEMPLATE,
    "llama": LLAMA,
    "default system prompt": DEFAULT_SYSTEM,
    "system prompt in the question": SYSTEM_IN_QUESTION,
    "no system prompt": NO_SYSTEM,
    "silent thoughts": SILENT_THOUGHTS,
    "braces": "{% for m in messages %}{{ '{{' }}{{ m['role'] }} {{ m['content'] }}\n{% endfor %}{{ '{{' }}assistant ",
}
TALKS = (
    ("Where?",),
    ("Where?", "Here.", "Since when?"),
    ("a", "b", "c", "d", "{{ e }}"),
)


def rendering(template: str) -> Render:
    def refuse(message: str) -> None:
        raise TemplateError(message)

    compiled = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(template)

    def render(messages: Sequence[Message]) -> str:
        told = [{"role": message.role, "content": message.content} for message in messages]
        try:
            return compiled.render(messages=told, add_generation_prompt=True, raise_exception=refuse)
        except TemplateError as error:
            raise DocutuneError(str(error)) from None

    return render


def go(template: str, messages: Sequence[Message]) -> str:
    """What Go makes of the template, as far as these templates use its language."""
    pieces = re.split(r"(\{\{ .*? \}\})", template)
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    text, _ = _block(pieces, 0, {".System": system, ".Messages": messages}, True)
    return text


def _block(pieces: Sequence[str], place: int, values: dict[str, Any], live: bool) -> tuple[str, int]:
    """The text up to the end, else or else-if that closes a block, and its place."""
    text = ""
    while place < len(pieces):
        piece = pieces[place]
        inner = piece[3:-3] if piece.startswith("{{ ") else None
        if inner is not None and (inner == "end" or inner.startswith("else")):
            return text, place
        if inner is None:
            text += piece
        elif inner.startswith("range "):
            body, end = "", place
            for message in values[inner[6:]]:
                said, end = _block(pieces, place + 1, {".Role": message.role, ".Content": message.content}, live)
                body += said
            text, place = text + body, end
        elif inner.startswith("if "):
            said, place = _choice(pieces, place, inner[3:], values)
            text += said
        else:
            text += inner[1:-1] if inner.startswith('"') else values[inner]
        place += 1
    return text, place


def _choice(pieces: Sequence[str], place: int, condition: str, values: dict[str, Any]) -> tuple[str, int]:
    chosen, holds = "", _holds(condition, values)
    done = False
    while True:
        said, place = _block(pieces, place + 1, values, holds and not done)
        if holds and not done:
            chosen, done = said, True
        inner = pieces[place][3:-3]
        if inner == "end":
            return chosen, place
        holds = inner == "else" or _holds(inner.removeprefix("else if "), values)


def _holds(condition: str, values: dict[str, Any]) -> bool:
    if condition.startswith("eq .Role "):
        return bool(values[".Role"] == condition.split('"')[1])
    return bool(values[condition])


@pytest.mark.parametrize("name", WRITTEN)
def test_ollama_sees_the_prompts_of_the_chat_template(name: str) -> None:
    render = rendering(WRITTEN[name])
    template = work_out(render).go
    for texts in TALKS:
        talk = [Message("assistant" if place % 2 else "user", text) for place, text in enumerate(texts)]
        assert go(template, talk) == render(talk)
        if name != "no system prompt":
            told = [Message("system", "Be brief."), *talk]
            assert go(template, told) == render(told)


def test_turns_stand_whole_where_the_template_lets_them() -> None:
    assert work_out(rendering(TEMPLATE)).go == (
        "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}{{ range .Messages }}"
        '{{ if eq .Role "user" }}<|im_start|>user\n{{ .Content }}<|im_end|>\n'
        '{{ else if eq .Role "assistant" }}<|im_start|>assistant\n{{ .Content }}<|im_end|>\n{{ end }}{{ end }}'
        "<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("template", [SYSTEM_LAST, "{{ messages[-1]['content'] }}", TEMPLATE + "{{ messages|length }}"])
def test_a_template_that_cannot_be_written_is_refused_with_a_way_out(template: str) -> None:
    with pytest.raises(DocutuneError, match="cannot be written as a TEMPLATE of Ollama") as refused:
        work_out(rendering(template))
    assert "--set template=FILE" in str(refused.value.hint)


def test_what_a_modelfile_cannot_quote_is_refused() -> None:
    with pytest.raises(DocutuneError, match="the system prompt cannot stand in a Modelfile"):
        modelfile(".", "{{ .Prompt }}", ["x"], {}, 'Say """.')
    assert 'PARAMETER stop """a"b"""' in modelfile(".", "t", ['a"b'], {}, None)


# ---- exporters at work


class Desk:
    """A contracts.Context in this process."""

    seed = 0

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = self.kept = folder
        self.reports: list[tuple[int, int | None]] = []

    @property
    def chat(self) -> Any:
        raise NotImplementedError

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        self.reports.append((done, total))

    def note(self, text: str) -> None: ...


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    folder = tmp_path_factory.mktemp("made")
    base(folder / "base")
    adapter(folder / "adapter")
    Template(TEMPLATE, "<|im_end|>", SYSTEM).save(folder / "adapter")
    return ModelRef(folder / "base", "digest", folder / "adapter")


def exported(model: ModelRef, exporter: Any, work: Path, numbers: str = "float32") -> tuple[Any, Desk]:
    """What the worker makes, without its process."""
    from docutune.hf import compare
    from docutune.hf.exporting import Exporting

    compare.NEW_TOKENS = 6  # these models never end a reply
    desk = Desk(work / "result")
    question = [to_json((Message("user", f"What is part {n}?"),)) for n in range(QUESTIONS)]
    spec = {"model": to_json(model), "work": str(work), "folder": str(desk.folder), "numbers": numbers}

    def convert(exporter: Any, merged: Path, context: Any) -> Export:
        made = exporter.export(merged, context)
        assert isinstance(made, Export)
        return made

    done = Exporting({**spec, "questions": question}, desk, exporter).go(convert)
    assert sorted(path.name for path in work.iterdir()) == ["result"], "the merged model went"
    assert desk.reports == sorted(desk.reports), "the bar never goes back"
    return done, desk


def test_ollama_gets_weights_and_a_modelfile(model: ModelRef, tmp_path: Path) -> None:
    from docutune.plugins.exporters.ollama.export import Ollama

    done, desk = exported(model, Ollama(OllamaConfig(num_ctx=4096)), tmp_path, "bfloat16")
    lines = (desk.folder / "Modelfile").read_text()
    assert lines.startswith('FROM .\nTEMPLATE """{{ if .System }}<|im_start|>system\n')
    assert f'SYSTEM """{SYSTEM}"""\n' in lines
    assert 'PARAMETER stop "<|im_end|>"\n' in lines
    assert "PARAMETER num_ctx 1024\n" in lines, "the model's own context is shorter than what was asked for"
    assert "PARAMETER temperature 0\nPARAMETER repeat_penalty 1\n" in lines
    assert (desk.folder / "model.safetensors").is_file()
    assert any("not known to read Qwen3ForCausalLM" in line for line in done["advice"])
    assert any("Ollama itself was not asked" in line for line in done["advice"])
    from docutune.parity import Parity

    parity = from_json(Parity, done["parity"])
    assert parity.outcome == "passed", parity
    assert parity.logits and parity.logits > 1e-4, "bfloat16 rounds"
    assert parity.tie == 0.25


def test_a_gguf_file_is_read_again_and_answers_alike(model: ModelRef, tmp_path: Path) -> None:
    from docutune.parity import Parity
    from docutune.plugins.exporters.gguf.export import Gguf

    done, desk = exported(model, Gguf(GgufConfig(llama_cpp=str(CONVERTER), outtype="f32")), tmp_path)
    assert (desk.folder / "model.gguf").read_bytes()[:4] == b"GGUF"
    parity = from_json(Parity, done["parity"])
    assert (parity.outcome, parity.equal) == ("passed", QUESTIONS)
    assert parity.notes == ("tokenizer and chat template in the file were not compared, its weights were",)


def test_a_converter_that_fails_is_told_with_its_last_word(tmp_path: Path) -> None:
    from docutune.plugins.exporters.gguf.export import Gguf

    base(tmp_path / "merged")
    with pytest.raises(DocutuneError, match=r"ended with exit code 3: cannot convert .* to f16"):
        Gguf(GgufConfig(llama_cpp=str(CONVERTER))).export(tmp_path / "merged", Desk(tmp_path / "out"))


def test_a_file_that_nothing_here_reads_is_not_called_checked(model: ModelRef, tmp_path: Path) -> None:
    from docutune.parity import Parity
    from docutune.plugins.exporters.gguf.export import Gguf

    script = tmp_path / "convert_hf_to_gguf.py"
    script.write_text("import pathlib, sys; pathlib.Path(sys.argv[sys.argv.index('--outfile') + 1]).write_text('x')")
    (tmp_path / "work").mkdir()
    done, _ = exported(model, Gguf(GgufConfig(llama_cpp=str(tmp_path), python=sys.executable)), tmp_path / "work")
    parity = from_json(Parity, done["parity"])
    assert parity.outcome == "not checked"
    assert parity.unread and parity.unread.startswith("transformers does not read this file")


def test_without_a_converter_there_is_one_clear_line(
    environment: Installed, model: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    from docutune.plugins.exporters.gguf.export import Gguf

    monkeypatch.setenv("PATH", str(environment.work))
    with pytest.raises(DocutuneError, match=r"there is no convert_hf_to_gguf.py on PATH"):
        Gguf(GgufConfig())
    with pytest.raises(DocutuneError, match="no such file"):
        Gguf(GgufConfig(llama_cpp=str(environment.work)))
    (environment.work / "pipeline.yaml").write_text("version: 1\n")
    done = docutune(environment.work, "plugins", "info", "gguf")
    assert "exporter gguf" in done.stdout and "llama_cpp" in done.stdout
