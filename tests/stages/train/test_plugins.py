"""Scores, filters and extractors of another package, as installed: a dist-info that Python reads."""

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from packages import install

from synthgen.cli.main import main
from synthgen.spec.columns import RESERVED

GOOD = """
import torch
from synthgen.quality.rules import Bound, Rule


def redness(images, labels):
    return images.float().mean(dim=(1, 2, 3)) / 255 + labels


class Red(Rule):
    least: float = 0.0

    def resolve(self, name, context):
        count = len(context.classes)
        return [Bound(name, "redness", (self.least,) * count, (float("inf"),) * count)]


class Pixels:
    name, size, key = "pixels", 64, "../1"

    def __init__(self, device):
        pass

    def __call__(self, images):
        return images.mean(dim=1).flatten(1)
"""

POINTS = {
    "synthgen.scores": "redness = tiny:redness",
    "synthgen.filters": "red = tiny:Red",
    "synthgen.extractors": "pixels = tiny:Pixels",
}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a package into this process, until the test ends."""

    def run(code=GOOD, points=POINTS):
        monkeypatch.delitem(sys.modules, "tiny", raising=False)
        monkeypatch.syspath_prepend(install(tmp_path / "site", code, points))

    yield run
    sys.modules.pop("tiny", None)


@pytest.fixture
def failing(monkeypatch, capsys):
    """Runs a command that must end in one line and exit code 2; the line."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["synthgen", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr().err
        assert stopped.value.code == 2 and "Traceback" not in said
        return said.strip().splitlines()[-1]

    return run


def sampling(run_folder, out, *more):
    return ("sample", "--generator", run_folder, "--n", 30, "--out", out, "--filters", "none",
            "--device", "cpu", *more)  # fmt: skip


@pytest.mark.slow
def test_an_installed_package_adds_a_score_a_filter_and_an_extractor(
    run_folder, digit_folder, tmp_path
):
    site = install(tmp_path / "site", GOOD, POINTS)
    path = os.pathsep.join([str(site), *filter(None, sys.path)])

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "synthgen", *map(str, arguments)], check=False, text=True,
            capture_output=True, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run(*sampling(run_folder, tmp_path / "made"))
    rows = pq.read_table(tmp_path / "made" / "data").to_pylist()
    assert len(rows) == 30 and all(row["label"] <= row["redness"] for row in rows)
    (tmp_path / "rules.yaml").write_text("red: {least: 1.0}\n")
    run("filter", tmp_path / "made", "--filters", tmp_path / "rules.yaml", "--generator",
        run_folder, "--out", tmp_path / "kept")  # fmt: skip
    kept = pq.read_table(tmp_path / "kept" / "data").to_pylist()
    assert [r["candidate"] for r in kept] == [r["candidate"] for r in rows if r["redness"] >= 1]
    assert {row["label"] for row in kept} == {1, 2}
    said = run("evaluate", tmp_path / "made", "--real", digit_folder, "--extractor", "pixels",
               "--generator", run_folder, "--device", "cpu")  # fmt: skip
    assert "pixels" in said
    record = json.loads((tmp_path / "made" / "report" / "metrics.json").read_text())
    assert record["extractor"] == "pixels" and record["overall"] is not None


SCORE = {"synthgen.scores": "redness = tiny:redness"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nowhere_to_be_found", "cannot be loaded (ModuleNotFoundError: No module named"),
        ("", "cannot be loaded (AttributeError"),
        ("def redness(i, l): return i.float()", "for 30 images, not a tensor of as many"),
        ("def redness(i, l): return 1.0", "gives float for 30 images"),
        ("def redness(i, l): return l * float('nan')", "gives scores that are not finite numbers"),
        ("def redness(i, l): raise OSError('no\\ndisk')", "fails (OSError: no disk)"),
    ],
)
def test_a_broken_score_is_one_line_that_names_its_package(
    code, words, installed, failing, run_folder, tmp_path
):
    installed(code, SCORE)
    line = failing(*sampling(run_folder, tmp_path / "made", "--batch-size", 30))
    assert "score 'redness' of package tiny-plugin 1.2 " in line and words in line
    assert line.endswith("mend or uninstall it")


@pytest.mark.parametrize("name", ["brightness", "label", "candidate"])
def test_a_score_may_not_be_called_like_a_column(name, installed, failing, run_folder, tmp_path):
    assert name in RESERVED
    installed(GOOD, {"synthgen.scores": f"{name} = tiny:redness"})
    line = failing(*sampling(run_folder, tmp_path / "made"))
    assert f"score '{name}' of package tiny-plugin 1.2 has the name of a column" in line


BOUND = "from synthgen.quality.rules import *\nclass Red(Rule):\n  def resolve(self, name, context):\n    "


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nowhere_to_be_found", "cannot be loaded"),
        ("Red = dict", "is no subclass of synthgen.quality.rule.Rule"),
        (f"{BOUND}return 1 / 0", "fails (ZeroDivisionError"),
        (f"{BOUND}return [Bound(name, 'contrast', (0,), (1,))]", "limits for each of 3 classes"),
        (f"{BOUND}return [3]", "limits for each of 3 classes"),
    ],
)
def test_a_broken_filter_is_told_where_it_is_used_and_only_there(
    code, words, installed, failing, run_folder, tmp_path, sampled
):
    installed(code, {"synthgen.filters": "red = tiny:Red"})
    made = sampled(n=30, filters="default", acceptance_floor=0)
    (tmp_path / "rules.yaml").write_text("red:\n")
    line = failing("filter", made.root, "--filters", tmp_path / "rules.yaml", "--generator",
                   run_folder, "--out", tmp_path / "kept")  # fmt: skip
    assert "filter 'red' of package tiny-plugin 1.2 " in line and words in line


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nowhere_to_be_found", "cannot be loaded"),
        ("def Pixels(device): return 3", "cannot be made (AttributeError"),
        (GOOD.replace("64,", "63,"), "gives features (30, 64), not (30, 63)"),
        (GOOD.replace("flatten(1)", "flatten(1) * float('nan')"), "are not finite numbers"),
        (GOOD.replace("images.mean", "images.nonsense"), "fails (AttributeError"),
    ],
)
def test_a_broken_extractor_is_one_line(
    code, words, installed, failing, run_folder, digit_folder, sampled, tmp_path, monkeypatch
):
    # Else the features are there that the unbroken one of the same version gave of these images.
    monkeypatch.setenv("SYNTHGEN_CACHE", str(tmp_path / "cache"))
    made = sampled(n=30)
    installed(code, {"synthgen.extractors": "pixels = tiny:Pixels"})
    line = failing("evaluate", made.root, "--real", digit_folder, "--extractor", "pixels",
                   "--generator", run_folder, "--device", "cpu")  # fmt: skip
    assert "feature extractor 'pixels' of package tiny-plugin 1.2 " in line and words in line


def test_two_packages_of_one_name_are_told(installed, failing, run_folder, tmp_path, monkeypatch):
    installed(GOOD, SCORE)
    monkeypatch.syspath_prepend(install(tmp_path / "more", GOOD, SCORE, "other-plugin"))
    line = failing(*sampling(run_folder, tmp_path / "made"))
    assert "tiny-plugin 1.2" in line and "other-plugin 1.2" in line
