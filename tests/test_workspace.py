"""The store: what is kept comes back, what is damaged does not; the catalog and the notebook survive rough handling."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from docutune import atomic
from docutune.catalog import Catalog
from docutune.errors import DocutuneError, UsageError
from docutune.notebook import Notebook, wordings
from docutune.workspace import Store, read_manifest, write_manifest

KEY = "ab" * 32


@pytest.mark.parametrize("area", ["cache", "results"])
def test_kept_values_come_back_and_damaged_ones_do_not(tmp_path: Path, area: str) -> None:
    store = Store(tmp_path)
    store.keep(area, KEY, {"text": "中文", "numbers": [1, 2.5]})
    assert store.recall(area, KEY) == {"text": "中文", "numbers": [1, 2.5]}
    assert store.recall(area, "cd" * 32) is None
    place = store.folder / area / KEY[:2] / KEY[2:]
    content = bytearray(place.read_bytes())
    content[-3] ^= 1
    place.write_bytes(content)
    assert store.recall(area, KEY) is None
    place.write_bytes(b"")
    assert store.recall(area, KEY) is None


def test_a_staged_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path)
    final = store.model_folder(KEY)
    with pytest.raises(RuntimeError), store.staging(final) as folder:
        (folder / "half").write_text("half")
        raise RuntimeError("power cut")
    assert not final.exists()
    assert list(final.parent.iterdir()) == []
    for text in ("first", "second"):
        with store.staging(final) as folder:
            (folder / "whole").write_text(text)
        assert (final / "whole").read_text() == text
    assert [path.name for path in final.parent.iterdir()] == [final.name]


def test_a_disk_that_refuses_gives_one_line_with_path_and_size(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.mkdir()
    (target / "x").touch()
    with pytest.raises(DocutuneError, match=r"file: cannot write 5 bytes"):
        atomic.write_bytes(target, b"12345")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_only_one_run_at_a_time_and_a_dead_one_frees_the_lock(tmp_path: Path) -> None:
    store = Store(tmp_path)
    code = (
        "import sys, pathlib; from docutune.workspace import Store\n"
        "with Store(pathlib.Path(sys.argv[1])).locked():\n"
        "    print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert store.busy()
        with pytest.raises(DocutuneError, match="another docutune run"), store.locked():
            pass
        holder.kill()
        holder.wait()
    assert not store.busy()


def manifest(run: str, **more: object) -> dict[str, object]:
    step = {"name": "parse", "plugin": "core", "key": KEY, "status": "made", "seconds": 0.5, "figures": {}}
    figure = {"metric": "rougeL", "count": 3, "base": 0.1, "tuned": 0.9, "difference": 0.8, "low": 0.5, "high": 0.9}
    return {
        "run": run,
        "project": "acme",
        "started": f"2026-01-01T00:00:0{run[-1]}+00:00",
        "finished": None,
        "outcome": "finished",
        "seconds": 1.5,
        "dataset": "d" * 16,
        "steps": [step],
        "models": [{"name": "tiny", "key": KEY, "trainer": "trl", "base": "builtin/tiny"}],
        "figures": {"tiny": {"text-overlap": [{**figure, "verdict": "better"}]}},
        **more,
    }


def begun(store: Store) -> Path:
    run = store.next_run()
    with store.beginning(run):
        pass
    return run


def test_catalog_is_rebuilt_from_manifests(tmp_path: Path) -> None:
    store = Store(tmp_path)
    catalog = Catalog(store)
    for _ in range(2):
        run = begun(store)
        content = manifest(run.name, started=f"2026-01-01T00:00:0{len(store.runs())}+00:00")
        write_manifest(run, content)  # type: ignore[arg-type]
        catalog.record(read_manifest(run))
        catalog.record(read_manifest(run))
    before = catalog.runs()
    assert [row.models for row in before] == [("tiny",), ("tiny",)]
    assert before[0].started > before[1].started
    (store.folder / "catalog.sqlite").write_bytes(b"not a database, but long enough to look at" * 40)
    assert Catalog(store).runs() == before
    assert Catalog(store).rebuild() == 2
    assert Catalog(store).runs() == before


def test_a_run_folder_appears_with_its_first_files_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = begun(store)
    run = store.next_run()
    with pytest.raises(RuntimeError), store.beginning(run) as folder:
        (folder / "manifest.json").write_text("{}")
        raise RuntimeError
    assert store.runs() == [first]
    with store.beginning(run) as folder:
        (folder / "manifest.json").write_text("{}")
        assert store.runs() == [first]
    assert (store.folder / "runs/latest/manifest.json").read_text() == "{}"
    assert [path.name for path in (store.folder / "runs").glob(".*")] == []


def test_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = begun(store)
    (run / "manifest.json").write_text(json.dumps({"records_version": 99}))
    with pytest.raises(DocutuneError, match="another version"):
        read_manifest(run)


def test_runs_are_found_by_id_and_the_newest_is_the_default(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(UsageError, match="no run yet"):
        store.run_folder(None)
    runs = [begun(store) for _ in range(12)]
    assert store.runs() == runs
    assert store.run_folder(None) == runs[-1]
    assert store.run_folder(runs[3].name) == runs[3]
    assert (store.folder / "runs" / "latest").resolve() == runs[-1].resolve()
    with pytest.raises(UsageError, match="no run 'nope'"):
        store.run_folder("nope")


def test_notebook_loses_nothing_with_several_writers(tmp_path: Path) -> None:
    Store(tmp_path)
    code = (
        "import sys, pathlib\n"
        "from docutune.notebook import Notebook, wordings\n"
        "from docutune.workspace import Store\n"
        "book = Notebook(Store(pathlib.Path(sys.argv[1])))\n"
        "for n in range(15): book.add_wordings(wordings({sys.argv[2]: f'text {n}'}, 'edit'))\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    found = {(item.template, item.text) for item in Notebook(Store(tmp_path)).wordings()}
    assert found == {(name, f"text {n}") for name in "abc" for n in range(15)}


def test_a_damaged_notebook_is_named_not_overwritten(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create()
    (store.folder / "notebook.json").write_text('{"exchanges": {"1"')
    with pytest.raises(DocutuneError, match=r"notebook\.json: not readable"):
        Notebook(store).add_wordings(wordings({"a": "text"}, "edit"))
    assert (store.folder / "notebook.json").read_text() == '{"exchanges": {"1"'


def test_a_manifest_holds_no_number_that_json_does_not_have(tmp_path: Path) -> None:
    write_manifest(tmp_path, {"figures": [{"grad_norm": float("nan")}, float("inf")], "seconds": 1.5})
    text = (tmp_path / "manifest.json").read_text()
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in manifest.json"))
    assert (found["figures"], found["seconds"]) == ([{"grad_norm": None}, None], 1.5)
