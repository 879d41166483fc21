"""The page, read as a browser would: a strict parser, and in Chromium where there is one."""

import json
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from synthgen.spec.errors import SynthgenError
from synthgen.spec.evaluate_settings import EvaluateSettings
from synthgen.stages.evaluate import evaluate
from synthgen.stages.report import report


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.links = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [v for k, v in attributes if k in ("src", "href")]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_has_samples_counts_figures_and_plain_words(sampled, run_folder, digit_folder):
    root = sampled(n=60).root
    bare = Page(report(root).read_text())
    assert "synthgen evaluate" in "".join(bare.text)
    values = {"dataset": str(root), "real": str(digit_folder), "generator": str(run_folder)}
    evaluate(EvaluateSettings.parse({**values, "device": "cpu"}))
    page = Page(report(root).read_text())
    text = " ".join(page.text)
    for words in ("In plain words", "nought", "kernel distance", "real against real", "flatter"):
        assert words in text
    assert page.tags.count("table") == 1 and "script" not in page.tags
    assert page.links and all(link.startswith("data:image/png") for link in page.links)


def test_class_names_are_text_whatever_they_are(sampled):
    root = sampled(n=60).root
    manifest = json.loads((root / "manifest.json").read_text())
    evil = "<script>alert(1)</script>"
    text = json.dumps(manifest).replace("nought", evil)
    (root / "manifest.json").write_text(text)
    page = report(root).read_text()
    assert "<script" not in page and "&lt;script&gt;" in page


def test_an_unfinished_dataset_has_no_report(tmp_path):
    with pytest.raises(SynthgenError, match="is no finished"):
        report(tmp_path)


BROWSER = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


@pytest.mark.skipif(BROWSER is None, reason="no browser on this machine")
def test_the_page_opens_in_a_browser(sampled, tmp_path):
    page = report(sampled(n=60).root)
    picture = tmp_path / "page.png"
    subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--screenshot={picture}",
         "--window-size=1200,1600", page.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert picture.stat().st_size > 10_000
