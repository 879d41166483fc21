"""``python -m benchmarks``: every page is listed; a user's mistake is one line and exit code 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import EXTRAS, SHARED, listing, main, pages, run
from benchmarks.measuring import FASHION
from synthgen.spec.errors import SynthgenError

ROOT = Path(__file__).parent.parent


def test_every_file_is_a_page_with_one_line_and_its_command_or_is_shared():
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    known = pages()
    assert set(known) == files - SHARED
    for name, line in known.items():
        text = (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
        assert line.endswith((".", "?")), name
        assert f"python -m benchmarks {name}" in text, name
        assert "def main(" in text, name
        assert f"  {name}" in listing() and line in listing()


def test_it_runs_from_a_checkout_and_imports_nothing_to_list():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "algorithms" in done.stdout and "busy" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["algoritms"], "did you mean 'algorithms'"),
        (["algorithms"], "--data is missing"),
        (["low-data"], "--data is missing"),
        (["grow"], "--data is missing"),
        (["planted-faults", "--generator", "fashion-mnist-28"], "--data is missing"),
        (["discriminator_faults", "--generator", "fashion-mnist-28"], "--data is missing"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr().err
    assert stop.value.code == 2 and words in said and said.count("\n") == 1


def takes_data():
    """The pages that have an option ``--data``."""
    text = {name: (ROOT / "benchmarks" / f"{name}.py").read_text() for name in pages()}
    return [name for name in text if "ask_for_data(" in text[name] and name != "gpu"]


@pytest.mark.parametrize("name", takes_data())
def test_data_that_is_not_there_is_one_line_that_says_what_and_where_from(
    name, tmp_path, monkeypatch, capsys
):
    absent = str(tmp_path / "absent")
    more = ["--generator", "fashion-mnist-28"] if name.endswith("_faults") else []
    monkeypatch.setattr(sys, "argv", ["benchmarks", name, "--data", absent, *more])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr().err
    assert stop.value.code == 2 and absent in said and said.count("\n") == 1
    assert "labelled images" in said and FASHION in said


def test_all_pages_that_need_data_are_asked():
    assert len(takes_data()) >= 5


def test_a_missing_package_is_named(monkeypatch):
    assert "sklearn" in EXTRAS
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for name in ("benchmarks.pictures", "benchmarks.encoding"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(SynthgenError, match=r"pip install 'synthgen\[benchmarks\]'"):
        run("encoding", ["--times", "1"])
