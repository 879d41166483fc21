"""Publishing without pictures of real images."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hub_server import TOKEN, Hub
from PIL import Image

from synthgen.cli.main import cli
from synthgen.dataset.commit import read_json
from synthgen.dataset.verify import verify
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.stage import evaluate
from synthgen.stages.publish.report import report
from synthgen.stages.publish.stage import publish


@pytest.fixture
def evaluated(sampled, run_folder, digit_folder):
    """A dataset with evidence and a page that shows twelve training images."""
    root = sampled(n=90).root
    evaluate(EvaluateSettings.parse({
        "dataset": str(root), "real": str(digit_folder), "generator": str(run_folder),
        "device": "cpu", "extractor": "classifier",
    }))  # fmt: skip
    report(root)
    return Path(root)


@pytest.fixture
def real(digit_folder):
    """The pixels of all real images."""
    return {np.asarray(Image.open(path)).tobytes() for path in digit_folder.rglob("*.png")}


def pictures(folder):
    """The pixels of all pictures in the JSON and HTML files of a folder."""
    found = set()
    for path in [*folder.rglob("*.json"), *folder.rglob("*.html")]:
        for text in re.findall(r"iVBORw0KGgo[A-Za-z0-9+/]+=*", path.read_text()):
            found.add(np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))).tobytes())
    return found


def run(*arguments):
    done = CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_no_picture_of_a_real_image_leaves(evaluated, real, tmp_path):
    there, again = tmp_path / "there", tmp_path / "again"
    publish(evaluated, str(there))
    assert len(pictures(there) & real) >= 3, "by default the report shows them"
    shown = (evaluated / "report" / "report.html").read_bytes()
    run("publish", "--no-real-images", evaluated, again)
    run("publish", "--no-real-images", evaluated, there)  # over what was published before
    for folder in (there, again):
        assert pictures(folder) and not pictures(folder) & real
        assert not (folder / "report" / "evidence.json").exists()
        page = (folder / "report" / "report.html").read_text()
        assert "made without pictures of real images" in page and "The closest pairs show" in page
        assert "A map of real and synthetic" in page  # of places, no pictures
        assert verify(folder).problems == []
    metrics = "report/metrics.json"
    assert (again / metrics).read_bytes() == (evaluated / metrics).read_bytes()
    # At home all is as it was, and what was sent is not sent again.
    assert (evaluated / "report" / "report.html").read_bytes() == shown
    before = {path: path.stat().st_mtime_ns for path in again.rglob("*") if path.is_file()}
    publish(evaluated, str(again), real_images=False)
    assert before == {p: p.stat().st_mtime_ns for p in again.rglob("*") if p.is_file()}


def test_the_page_alone_is_made_without_them(evaluated, real):
    run("report", "--no-real-images", evaluated)
    (evaluated / "report" / "evidence.json").unlink()
    assert pictures(evaluated) and not pictures(evaluated) & real


def test_the_hub_loses_the_pictures_that_it_has(evaluated, monkeypatch):
    from huggingface_hub import constants

    server = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    try:
        from huggingface_hub import HfApi

        def names():
            files = HfApi().list_repo_files("me/private", repo_type="dataset")
            return {name for name in files if name.startswith("report/")}

        publish(evaluated, "hf://me/private")
        assert "report/evidence.json" in names()
        publish(evaluated, "hf://me/private", real_images=False)
        assert names() == {"report/contact-sheet.png", "report/metrics.json", "report/report.html"}
    finally:
        server.close()


def test_translations_are_refused_since_their_sources_are_real(evaluated, tmp_path):
    manifest = read_json(evaluated / "manifest.json")
    manifest["settings"]["source_fingerprint"] = "0" * 64
    (evaluated / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SynthgenError, match="column 'source': it cannot be published without"):
        publish(evaluated, str(tmp_path / "there"), real_images=False)
    assert not (tmp_path / "there").exists()
