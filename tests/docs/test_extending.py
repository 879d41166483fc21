"""The packages of ``docs/extending.md`` are copied out of the page, installed and run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from toy_world import toy_world, write_photos

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


def runner(folder, *packages):
    """A function that runs a command in the folder where these packages are installed."""
    path = os.pathsep.join([*map(install, packages), *filter(None, sys.path)])

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "synthgen", *map(str, arguments)], check=False, text=True,
            capture_output=True, env={**os.environ, "PYTHONPATH": path}, cwd=folder,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


@pytest.mark.slow
def test_an_algorithm_and_a_score_from_the_page_train_and_sample(digit_folder, tmp_path):
    symmetry = written("A score", tmp_path / "symmetry")
    run = runner(tmp_path, written("An algorithm", tmp_path / "lsgan"), symmetry)
    run("train", "--data", digit_folder, "--algorithm", "lsgan", "--options", "width=8,latent=8",
        "--images", 640, "--batch-size", 32, "--ticks", 1, "--classifier-images", 3000,
        "--score-samples", 64, "--device", "cpu", "--out", "runs/lsgan")  # fmt: skip
    run("sample", "--generator", "runs/lsgan", "--n", 30, "--filters", symmetry / "rules.yaml",
        "--device", "cpu", "--out", "out", "--acceptance-floor", 0)  # fmt: skip
    rows = pq.read_table(tmp_path / "out" / "data").to_pylist()
    assert len(rows) == 30 and all(0.5 <= row["symmetry"] <= 1 for row in rows)


@pytest.mark.slow
def test_a_use_from_the_page_trains_and_samples(tmp_path):
    photos = write_photos(toy_world(40, 16), tmp_path / "photos")
    run = runner(tmp_path, written("A use", tmp_path / "colourise"))
    run("train", "--use", "colourise", "--data", photos, "--color", "rgb", "--resolution", 16,
        "--options", "width=4,width_d=4", "--images", 64, "--batch-size", 16, "--ticks", 1,
        "--classifier-images", 64, "--score-samples", 16, "--device", "cpu", "--out", "runs/c")  # fmt: skip
    run("sample", "--generator", "runs/c", "--given", photos, "--n", 12, "--filters", "none",
        "--device", "cpu", "--out", "out")  # fmt: skip
    rows = datasets.load_dataset(str(tmp_path / "out"), split="train")
    assert rows[0]["grey"].mode == "L" and rows[0]["image"].mode == "RGB"
    made = np.stack([np.asarray(row) for row in rows["image"]]).astype(float)
    again = np.rint(made @ [0.299, 0.587, 0.114])
    given = np.stack([np.asarray(row) for row in rows["grey"]])
    apart = np.abs(again - given).mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(rows["grey_agreement"], 1 - apart, atol=1e-4)
    said = run("evaluate", "out", "--real", photos, "--generator", "runs/c", "--device", "cpu",
               "--extractor", "classifier")  # fmt: skip
    assert "left grey: PSNR" in said
