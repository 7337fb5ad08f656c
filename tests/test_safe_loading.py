"""Files of models and trainings are read, never run: no pickles, no code that comes with a model."""

from __future__ import annotations

import ast
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docutune.errors import DocutuneError
from docutune.hubs import Hubs
from docutune.records import ModelRef
from docutune.registry import Registry

pytestmark = pytest.mark.training

ROOT = Path(__file__).parent.parent
CODE = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"


def hubs() -> Hubs:
    return Hubs(Registry.load())


class Trap:
    """What pickles to the making of a file, once something reads the pickle."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.made,)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the smallest kind, as trainings get it."""
    from docutune.hf.tiny import Recipe, make

    folder = tmp_path_factory.mktemp("base")
    (folder / "texts.jsonl").write_text(json.dumps({"text": "What does it do? It reads a page. " * 40}) + "\n", "utf-8")
    (folder / "model").mkdir()
    recipe = Recipe(vocabulary=320, hidden=64, fewest_steps=2, most_steps=2)
    return make(folder / "texts.jsonl", Silent(folder / "model"), recipe).folder  # type: ignore[arg-type]


class Silent:
    """A context for work in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seed = folder, 0

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        pass


@pytest.fixture
def base(made: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return Path(shutil.copytree(made, tmp_path / "base"))


def changed(path: Path, **values: Any) -> None:
    known = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    path.write_text(json.dumps({**known, **values}), "utf-8")


def weights() -> Any:
    from docutune.hf.load import device, load_base

    return lambda folder: load_base(folder, "none", device())


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pth"])
def test_a_model_of_pickles_alone_is_refused(base: Path, name: str) -> None:
    (base / "model.safetensors").unlink()
    (base / name).write_bytes(pickle.dumps(Trap(base / "ran")))
    said = f"holds no \\*.safetensors weights, only {name}, which could run code when it is read"
    with pytest.raises(DocutuneError, match=said):
        hubs().resolve(str(base), base.parent)
    assert str(hubs().mistake("./base", base.parent)).endswith("could run code when it is read")
    with pytest.raises(DocutuneError, match="cannot be loaded"):
        weights()(base)
    assert not (base / "ran").exists()


def test_a_pickle_beside_the_weights_is_left_alone(base: Path) -> None:
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "rng_state.pth"):
        (base / name).write_bytes(pickle.dumps(Trap(base / "ran")))
    assert hubs().resolve(str(base), base.parent).folder == base
    assert weights()(base).num_parameters() > 0
    assert not (base / "ran").exists()


def test_shards_that_are_no_safetensors_are_refused(base: Path) -> None:
    (base / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(base / "ran")))
    changed(base / "model.safetensors.index.json", weight_map={"model.norm.weight": "pytorch_model.bin"})
    with pytest.raises(DocutuneError, match=r"lacks pytorch_model\.bin, which model\.safetensors\.index\.json names"):
        hubs().resolve(str(base), base.parent)


def test_a_model_that_needs_its_own_code_is_refused(base: Path) -> None:
    (base / "configuration_own.py").write_text(CODE, "utf-8")
    (base / "modeling_own.py").write_text(CODE, "utf-8")
    changes = {"AutoConfig": "configuration_own.Own", "AutoModelForCausalLM": "modeling_own.Own"}
    changed(base / "config.json", model_type="own", auto_map=changes)
    with pytest.raises(DocutuneError, match=r"needs code of its own \(auto_map in config\.json\), which is never run"):
        hubs().resolve(str(base), base.parent)
    with pytest.raises(DocutuneError, match="needs code of its own, which is never run"):
        weights()(base)
    assert not (base / "ran").exists()


def test_a_model_that_names_code_is_loaded_without_it_where_transformers_knows_it(base: Path) -> None:
    """As published models of the Phi family do."""
    (base / "modeling_own.py").write_text(CODE, "utf-8")
    changed(base / "config.json", auto_map={"AutoModelForCausalLM": "modeling_own.Own"})
    changed(base / "tokenizer_config.json", auto_map={"AutoTokenizer": ["modeling_own.Own", "modeling_own.Own"]})
    assert hubs().resolve(str(base), base.parent).folder == base
    assert type(weights()(base)).__name__ == "Qwen3ForCausalLM"
    assert not (base / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b"garbage!" * 50),
        ("model.safetensors", None),
        ("config.json", b"<html>not found</html>"),
        ("config.json", b"[1]"),
        ("tokenizer.json", None),
        ("tokenizer_config.json", b""),
    ],
)
def test_a_damaged_file_of_a_model_is_named(base: Path, name: str, content: bytes | None) -> None:
    """`None`: the file ends in the middle, as after an interrupted copy."""
    from docutune.hf.load import load_tokenizer

    whole = (base / name).read_bytes()
    (base / name).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(DocutuneError) as told:
        load_tokenizer(base)
        weights()(base)
    assert told.value.message.startswith(f"{base / name}: the file is damaged: ")
    assert "\n" not in told.value.message
    assert told.value.hint == "download the model again, or copy its folder again"


def test_a_tokenizer_that_needs_its_own_code_is_refused(base: Path) -> None:
    from docutune.hf.load import load_tokenizer

    (base / "tokenizer.json").unlink()
    (base / "tokenization_own.py").write_text(CODE, "utf-8")
    own = {"auto_map": {"AutoTokenizer": ["tokenization_own.Own", None]}, "tokenizer_class": "Own"}
    changed(base / "tokenizer_config.json", **own)
    with pytest.raises(DocutuneError, match="tokenizer that needs code of its own"):
        hubs().resolve(str(base), base.parent)
    with pytest.raises(DocutuneError, match="no usable tokenizer"):
        load_tokenizer(base)
    assert not (base / "ran").exists()


def test_an_adapter_of_a_pickle_is_refused(base: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    from docutune.hf.load import load_adapter

    adapter = tmp_path / "adapter"
    get_peft_model(weights()(base), LoraConfig(target_modules=["q_proj"])).save_pretrained(str(adapter))
    assert load_adapter(weights()(base), adapter)
    (adapter / "adapter_model.safetensors").unlink()
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Trap(adapter / "ran")))
    with pytest.raises(DocutuneError, match=r"adapter: no adapter_model\.safetensors"):
        load_adapter(weights()(base), adapter)
    assert not (adapter / "ran").exists()


def sources() -> Iterator[tuple[Path, ast.AST]]:
    files = [path for folder in ("core", "plugins") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 150
    for path in files:
        yield from ((path, node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))


def test_no_module_reads_pickles() -> None:
    """Nor can one ask a library to: torch.load, numpy.load with pickles, joblib and the like stand nowhere."""
    readers = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
    for path, node in sources():
        if isinstance(node, ast.Import):
            assert not {name.name.partition(".")[0] for name in node.names} & readers, path
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in readers, path
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "load":
            owner = ast.unparse(node.func.value)
            assert owner not in {"torch", "np", "numpy"}, f"{path}: {ast.unparse(node)}"


def test_nothing_is_loaded_without_saying_that_its_code_stays_unrun() -> None:
    seen = 0
    for path, node in sources():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr == "from_pretrained" and ast.unparse(node.func.value) != "PeftModel":  # it runs none
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert given.get("trust_remote_code") == "False", f"{path}:{node.lineno}"
            assert given.get("local_files_only") == "True", f"{path}:{node.lineno}"
            seen += 1
    assert seen >= 3


def test_a_training_and_its_model_read_no_pickle(base: Path, tmp_path: Path) -> None:
    """Python tells of every class that a pickle names: none in a training, resumed, and an answer of its model."""
    samples = tmp_path / "train.jsonl"
    turns = [{"role": "user", "content": "What does it do?"}, {"role": "assistant", "content": "It reads a page."}]
    samples.write_text(f"{json.dumps({'messages': turns})}\n" * 4, "utf-8")
    model = ModelRef(base, "digest")
    command = [sys.executable, "-c", WORK, str(model.folder), str(samples), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-2:] == ["answered", "the hook hears a pickle"]
    assert "stopped" in lines
    assert any(line.startswith("the training goes on at step") for line in lines), lines


WORK = """
import pickle, sys
from pathlib import Path
import torch, datasets, peft, trl.trainer.sft_trainer, bitsandbytes, tensorboard

base, samples, folder = map(Path, sys.argv[1:])
heard = []
sys.addaudithook(lambda event, given: heard.append(given) if event == "pickle.find_class" else None)

from docutune.plugins.runtimes.local.plugin import Config as LocalConfig
from docutune.plugins.runtimes.local.serve import Local
from docutune.plugins.trainers.trl.plugin import Config
from docutune.plugins.trainers.trl.train import Trl
from docutune.records import Message, ModelRef, Probe


class Context:
    seed = 0
    def __init__(self, limit=None):
        self.folder, self.kept, self.limit = folder / "model", folder / "kept", limit
        self.folder.mkdir(exist_ok=True)
        self.kept.mkdir(exist_ok=True)
    def progress(self, done, total=None, **figures):
        if self.limit is not None and done >= self.limit:
            raise KeyboardInterrupt
    def note(self, text):
        print(text)


config = Config(model="builtin/tiny", max_steps=4, batch_size=2, max_length=64, save_steps=1)
try:
    Trl(config).train(samples, samples, ModelRef(base, "digest"), Context(limit=2))
except KeyboardInterrupt:
    print("stopped")
model = Trl(config).train(samples, samples, ModelRef(base, "digest"), Context())
session = Local(LocalConfig(max_new_tokens=4)).open(model)
list(session.answer([Probe("one", (Message("user", "What does it do?"),))], "tuned"))
print("answered" if not heard else heard)
pickle.loads(pickle.dumps(Path("x")))
print("the hook hears a pickle" if heard else "deaf")
"""
