"""The packages of ``docs/extending.md`` are copied out of the page, installed and run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "extending.md"


def written(section, folder):
    """The files of a section, in ``folder``; their names stand in bold above them."""
    text = PAGE.read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    for name, body in re.findall(
        r"\*\*`([^`]+)`\*\*\n\n```\w+\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    ):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(body)
    return folder


def install(folder):
    """What pip leaves of a package: a dist-info that Python reads."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"].items()
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items())
            for group, named in points
        )
    )
    return str(folder)


@pytest.mark.slow
def test_an_algorithm_and_a_score_from_the_page_train_and_sample(digit_folder, tmp_path):
    lsgan = written("An algorithm", tmp_path / "lsgan")
    symmetry = written("A score", tmp_path / "symmetry")
    path = os.pathsep.join([install(lsgan), install(symmetry), *filter(None, sys.path)])

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "synthgen", *map(str, arguments)], check=False, text=True,
            capture_output=True, env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run("train", "--data", digit_folder, "--algorithm", "lsgan", "--options", "width=8,latent=8",
        "--images", 640, "--batch-size", 32, "--ticks", 1, "--classifier-images", 3000,
        "--score-samples", 64, "--device", "cpu", "--out", "runs/lsgan")  # fmt: skip
    run("sample", "--generator", "runs/lsgan", "--n", 30, "--filters", symmetry / "rules.yaml",
        "--device", "cpu", "--out", "out", "--acceptance-floor", 0)  # fmt: skip
    rows = pq.read_table(tmp_path / "out" / "data").to_pylist()
    assert len(rows) == 30 and all(0.5 <= row["symmetry"] <= 1 for row in rows)
