"""The runtime `local` on a real model of small size: streams, what decides them, and memory that comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import tiny
from installed import Installed

from docutune.errors import TooLong, UsageError
from docutune.jobs import open_session
from docutune.jobs.sessions import RemoteSession
from docutune.records import GREEDY, Message, ModelRef, Probe, Sampling, Streamed, Variant, from_json, to_json
from docutune.template import Template

TOKENS = 24
ASKED = [(Message("user", f"What does {name} do?"),) for name in tiny.FACTS]
DRAWN = Sampling(temperature=1.0, seed=7)
OPTIONS: dict[str, Any] = {"quantization": "none", "max_new_tokens": TOKENS, "batch_size": 4}
Stream = Generator[str, None, Streamed | None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A model of random weights, and an adapter of random weights: both babble, each in its own way."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from docutune.hf.encode import read_template
    from docutune.hf.load import load_tokenizer

    folder = tmp_path_factory.mktemp("runtime")
    base = tiny.base(folder / "base")
    torch.set_float32_matmul_precision("highest")  # as in a worker: making a tiny model lowers it
    torch.manual_seed(0)
    loaded = AutoModelForCausalLM.from_pretrained(base.folder)
    for weights in loaded.parameters():
        weights.data += torch.randn_like(weights) * 0.1
    loaded.save_pretrained(base.folder)
    adapted = get_peft_model(
        loaded,
        LoraConfig(r=4, lora_alpha=64, init_lora_weights=False, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    adapted.save_pretrained(folder / "adapter")
    read_template(load_tokenizer(base.folder), "tiny").save(folder / "adapter")
    return ModelRef(base.folder, base.digest, folder / "adapter")


@pytest.fixture(scope="module")
def session(model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteSession]:
    with open_session("local", OPTIONS, model, tmp_path_factory.mktemp("serve")) as opened:
        yield opened


def here(model: ModelRef, **options: Any) -> Any:
    """A session in this process."""
    from docutune.plugins.runtimes.local.plugin import Config
    from docutune.plugins.runtimes.local.serve import Local

    return Local(Config(**{**OPTIONS, **options})).open(model)


def used_up(stream: Stream) -> tuple[list[str], Streamed | None]:
    pieces = []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as stop:
            return pieces, stop.value


def text(stream: Stream) -> str:
    return "".join(used_up(stream)[0])


def first(stream: Stream) -> str:
    return next(piece for piece in stream if piece)


# ---- what decides a reply


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_p": float("nan")},
        {"max_new_tokens": 0},
        {"stop": ("",)},
        {"stop": "END"},
        {"stop": (1,)},
    ],
)
def test_a_sampling_that_cannot_be_is_refused_by_its_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Sampling(**wrong)


def test_a_sampling_goes_through_json() -> None:
    sampling = Sampling(0.5, 0.9, 7, 3, ("\n", "END"))
    assert from_json(Sampling, to_json(sampling)) == sampling
    assert to_json(GREEDY) == {}


@pytest.mark.parametrize("variant", ["base", "tuned"])
def test_a_stream_is_the_batch_answer_in_pieces(session: RemoteSession, variant: Variant) -> None:
    long = (Message("user", "What does fetch do? " * 90),)  # its prompt is read in two parts
    probes = [Probe(str(index), messages) for index, messages in enumerate([*ASKED, long])]
    answers = {answer.probe: answer for answer in session.answer(probes, variant)}
    assert len({answer.text for answer in answers.values()}) == len(probes)
    for probe in probes:
        pieces, end = used_up(session.stream(probe.messages, variant))
        assert "".join(pieces) == answers[probe.id].text
        assert end is not None
        assert end.ended == answers[probe.id].ended
        assert end.ended or end.output_tokens == TOKENS


def test_base_and_tuned_differ(session: RemoteSession) -> None:
    assert text(session.stream(ASKED[0], "base")) != text(session.stream(ASKED[0], "tuned"))


def test_the_same_seed_gives_the_same_text_and_another_gives_another(session: RemoteSession) -> None:
    texts = [text(session.stream(ASKED[0], "base", replace(DRAWN, seed=seed))) for seed in (7, 7, 8, None, None)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 4


def test_a_small_top_p_leaves_the_likeliest_token_alone(session: RemoteSession) -> None:
    greedy = text(session.stream(ASKED[0], "base"))
    assert text(session.stream(ASKED[0], "base", replace(DRAWN, top_p=1e-9))) == greedy
    assert text(session.stream(ASKED[0], "base", DRAWN)) != greedy


def test_only_what_top_p_keeps_is_drawn() -> None:
    import torch
    from transformers import GenerationConfig

    from docutune.hf.choosing import Choice

    scores = torch.tensor([0.5, 0.05, 0.3, 0.15]).log()
    plain = GenerationConfig()
    drawn = {Choice(Sampling(1.0, 0.75, seed=seed), plain)([0], scores) for seed in range(200)}
    assert drawn == {0, 2}
    assert {Choice(Sampling(1.0, seed=seed), plain)([0], scores) for seed in range(200)} == {0, 1, 2, 3}


def test_the_model_s_own_settings_count_as_in_answers(model: ModelRef) -> None:
    opened = here(model)
    settings = opened._open("base").writer.model.generation_config
    plain = text(opened.stream(ASKED[1], "base"))
    settings.repetition_penalty, settings.no_repeat_ngram_size = 1.5, 2
    (answer,) = opened.answer([Probe("one", ASKED[1])], "base")
    assert text(opened.stream(ASKED[1], "base")) == answer.text != plain


def test_a_reply_ends_before_its_stop_string(session: RemoteSession) -> None:
    whole = text(session.stream(ASKED[0], "base", DRAWN))
    for start in range(2, len(whole) - 4, 5):
        stop = whole[start : start + 4]
        pieces, end = used_up(session.stream(ASKED[0], "base", replace(DRAWN, stop=("never said", stop))))
        assert "".join(pieces) == whole[: whole.find(stop)]
        assert end is not None
        assert end.ended


def test_stop_strings_are_cut_to_the_character_however_tokens_fall() -> None:
    from docutune.hf.spelling import Spelling

    said = "the catalogue, the cat and the café 🐈 sat"
    stops = [("cat ",), ("é",), ("🐈 s", "cat and the"), ("catalog", "talo"), ("sat", "at"), ("dog",), ("sat!", "tt")]
    for stop in stops:
        ends = [(said.find(one) + len(one), said.find(one)) for one in stop if one in said]
        expected = said[: min(ends)[1]] if ends else said
        for size in (1, 2, 3, 5, 50):
            data = said.encode()
            tokens = [data[start : start + size] for start in range(0, len(data), size)]
            spelling = Spelling(lambda ids, of=tokens: b"".join(of[id] for id in ids).decode(errors="replace"), stop)
            shown = ""
            for index in range(len(tokens)):
                shown += spelling.add(index)
                assert expected.startswith(shown)
            assert shown + spelling.finish() == expected
            assert spelling.stopped == bool(ends)


def test_a_reply_ends_where_the_model_has_no_more_positions(model: ModelRef, tmp_path: Path) -> None:
    def shorten(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 60}))

    opened = here(tiny.moved(replace(model, adapter=None), tmp_path / "short", shorten))
    _, end = used_up(opened.stream(ASKED[0], "base", Sampling(max_new_tokens=500)))
    assert end is not None
    assert (end.ended, end.input_tokens + end.output_tokens) == (False, 60)


# ---- several at a time


def test_streams_that_come_and_go_do_not_touch_each_other(model: ModelRef) -> None:
    """Of both variants, of all lengths, more than are written at once; one is given up, one was never possible."""
    opened = here(model, max_length=64)
    samplings = [GREEDY, DRAWN, replace(DRAWN, seed=8, max_new_tokens=5), replace(DRAWN, top_p=0.9)]
    wanted = [
        (messages, variant, samplings[index % 4])
        for index, messages in enumerate(ASKED)
        for variant in ("base", "tuned")
    ]
    alone = [text(opened.stream(*one)) for one in wanted]
    assert len(set(alone)) == len(alone)
    given_up: Stream = opened.stream(ASKED[0], "base", Sampling(max_new_tokens=2000))
    first(given_up)
    refused: Stream = opened.stream((Message("user", "fetch " * 100),), "tuned")
    streams = [opened.stream(*one) for one in wanted]
    pieces: list[list[str]] = [[] for _ in streams]
    for turn, _ in enumerate(zip_longest(*(shown(stream, into) for stream, into in zip(streams, pieces, strict=True)))):
        if turn == 3:
            given_up.close()
            with pytest.raises(TooLong):
                next(refused)
    assert ["".join(one) for one in pieces] == alone


def shown(stream: Stream, into: list[str]) -> Iterator[None]:
    for piece in stream:
        into.append(piece)
        yield


def test_streams_of_one_variant_are_written_in_one_batch_and_a_closed_one_no_more(model: ModelRef) -> None:
    opened = here(model)
    rows: list[int] = []
    opened._open("base").writer.model.get_base_model().register_forward_pre_hook(
        lambda module, args, given: rows.append(len(given["input_ids"])), with_kwargs=True
    )
    streams = [opened.stream(messages, "tuned", Sampling(max_new_tokens=500)) for messages in ASKED[:3]]
    for _ in range(6):
        for stream in streams:
            next(stream)
    assert rows[-1] == 3
    passes = len(rows)
    streams.pop().close()
    for _ in range(3):
        for stream in streams:
            next(stream)
    assert set(rows[passes:]) == {2}


def test_a_model_that_looks_at_a_window_streams_too(model: ModelRef, tmp_path: Path) -> None:
    """Rows with windows do not fit beside each other: each is written by itself, as its model would alone."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    from docutune.hf.load import load_tokenizer

    tokenizer = load_tokenizer(model.folder)
    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "initializer_range": 0.5}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "sliding_window": 12}
    windowed = MistralForCausalLM(
        MistralConfig(vocab_size=len(tokenizer), max_position_embeddings=256, **sizes, **heads)
    )
    windowed.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    opened = here(ModelRef(tmp_path, "digest"))
    alone = {}
    for index, messages in enumerate(ASKED[:3]):
        (answer,) = opened.answer([Probe(str(index), messages)], "base")
        alone[index] = answer.text
    pieces: list[list[str]] = [[], [], []]
    streams = [shown(opened.stream(messages, "base"), into) for messages, into in zip(ASKED, pieces, strict=False)]
    list(zip_longest(*streams))
    assert {index: "".join(one) for index, one in enumerate(pieces)} == alone


def test_threads_ask_one_worker_at_the_same_time(session: RemoteSession) -> None:
    wanted = [(messages, variant, DRAWN) for messages in ASKED for variant in ("base", "tuned")]
    alone = [text(session.stream(*one)) for one in wanted]
    found: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda index=index, one=one: found.update({index: text(session.stream(*one))}))
        for index, one in enumerate(wanted)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(len(wanted))] == alone


def test_a_question_is_answered_beside_a_stream(session: RemoteSession) -> None:
    stream = session.stream(ASKED[0], "base", Sampling(max_new_tokens=3000))
    first(stream)
    assert session.info().architecture == "Qwen3ForCausalLM"
    assert len(list(session.answer([Probe("one", ASKED[1])], "tuned"))) == 1
    first(stream)  # it has not ended
    stream.close()
    assert text(session.stream(ASKED[0], "base"))


ENDLESS = """
from pathlib import Path
from pydantic import BaseModel, ConfigDict
from docutune import Registration, hookimpl

class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

class Endless:
    def __init__(self, config): pass
    def open(self, model): return self
    def stream(self, messages, variant, sampling):
        try:
            while True: yield "" if variant == "base" else "on "
        finally:
            Path(f"{variant}-ended").touch()
    def close(self): pass

@hookimpl
def docutune_runtimes():
    return [Registration("endless", 1, "Never ends by itself", Config, "endless:Endless")]
"""
GIVEN_UP = """
import sys, time
from pathlib import Path
from docutune.errors import DocutuneError
from docutune.jobs import open_session
from docutune.records import Message, ModelRef
with open_session("endless", {}, ModelRef(Path("m"), "digest"), Path("job")) as session:
    other = session.stream((Message("user", "?"),), "tuned")
    print(next(other))
    for variant in ("base", "tuned"):
        stream = session.stream((Message("user", "?"),), variant)
        next(stream)
        stream.close()
        deadline = time.monotonic() + 60
        while not Path(f"{variant}-ended").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        print(variant, Path(f"{variant}-ended").exists())
    print(next(other))
    try:
        session.info()
    except DocutuneError as error:
        print(error.message)
"""


def test_a_stream_that_is_given_up_ends_in_the_worker_and_no_other_does(environment: Installed) -> None:
    environment.install("endless", {"endless.py": ENDLESS}, "endless = endless")
    done = environment.python(GIVEN_UP)
    assert done.stdout.splitlines() == [
        "on ",
        "base True",
        "tuned True",
        "on ",
        "runtime 'endless' of endless 1.0 has no info()",
    ], done.stderr


ENDED = """
import json, os, signal, sys
from pathlib import Path
from docutune.errors import DocutuneError
from docutune.jobs import open_session
from docutune.records import Message, ModelRef

def told(ask):
    try:
        list(ask)
    except DocutuneError as error:
        print(type(error).__name__, error.message)

Path("job").mkdir()
with open_session("endless", {}, ModelRef(Path("m"), "digest"), Path("job")) as session:
    streams = [session.stream((Message("user", "?"),), variant) for variant in ("base", "tuned", "tuned")]
    print(session.lost(), *map(next, streams[:2]))
    if sys.argv[1] == "close":
        session.close()
    else:
        os.kill(json.loads(Path("job/events.jsonl").read_text().splitlines()[0])["pid"], signal.SIGKILL)
    for stream in streams:
        told(stream)
    print(session.lost())
"""


@pytest.mark.parametrize(
    ("how", "error", "lost"),
    [
        ("kill", "JobError the worker process was killed by SIGKILL", "the worker process was killed by SIGKILL"),
        ("close", "DocutuneError the session is closed", "None"),
    ],
)
def test_a_session_that_ended_says_so_to_every_stream_in_one_line(
    how: str, error: str, lost: str, environment: Installed
) -> None:
    environment.install("endless", {"endless.py": ENDLESS}, "endless = endless")
    done = environment.python(ENDED, how)
    head, *told, last = [line for line in done.stdout.splitlines() if not line.startswith("  ")]
    assert head == "None  on "
    assert [line.startswith(error) for line in told] == [True] * 3, done.stdout + done.stderr
    assert last.startswith(lost)


# ---- what is loaded, and that it goes


def test_info_says_what_is_loaded_and_where_it_came_from(session: RemoteSession, model: ModelRef) -> None:
    from safetensors.numpy import load_file

    assert model.adapter is not None
    base = load_file(model.folder / "model.safetensors")
    info = session.info()
    assert info.parameters == sum(weights.size for weights in base.values())
    assert info.adapter_parameters == sum(
        weights.size for weights in load_file(model.adapter / "adapter_model.safetensors").values()
    )
    assert info.memory >= (info.parameters + info.adapter_parameters) * 4
    assert (info.architecture, info.quantization, info.dtype, info.device) == (
        "Qwen3ForCausalLM",
        "none",
        "float32",
        "cpu",
    )
    assert (info.base, info.adapter, info.digest) == (model.folder, model.adapter, model.digest)
    assert (info.context, info.origin) == (4096, str(model.folder))
    assert info.template == Template.load(model.adapter).digest


def test_info_counts_weights_as_they_are_without_quantization(model: ModelRef, tmp_path: Path) -> None:
    """Two weights stand in one byte; a base in the hub's cache is named as on the hub."""
    cached = tmp_path / "models--acme--tiny-chat" / "snapshots" / "abc"
    held = here(tiny.moved(replace(model, adapter=None), cached, lambda folder: None), quantization="nf4").info()
    plain = here(replace(model, adapter=None)).info()
    assert (held.quantization, held.parameters) == ("nf4", plain.parameters)
    assert held.memory < plain.memory
    assert (held.origin, held.adapter, held.adapter_parameters) == ("acme/tiny-chat", None, 0)


def test_unloading_gives_the_memory_back(model: ModelRef, tmp_path: Path) -> None:
    soak = [sys.executable, str(Path(__file__).parent / "soak/unload.py"), str(model.folder), str(model.adapter), "3"]
    done = subprocess.run(soak, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("loaded") == 3
