"""The report, read by a strict parser, and looked at in Chromium where there is one."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from synthgen.evaluation.utility import Utility
from synthgen.evaluation.utility_rows import SAW_ALL, SAW_NOTHING, UtilityRow
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.stage import evaluate
from synthgen.stages.publish.report import report

EVIL = "<script>alert('1')</script>"


class Page(HTMLParser):
    """Every start tag has its end; attributes that name something are collected."""

    VOID = {"img", "meta", "br", "line", "path", "circle", "polyline"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.sources, self.open = [], [], [], []
        self.feed(text)
        assert not self.open
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for key, value in attributes:
            assert not key.startswith("on"), "no script in an attribute"
            if key in ("src", "href", "xlink:href", "action", "srcset"):
                self.sources.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        assert tag in self.VOID

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data.strip())


@pytest.fixture
def compared(run_folder, digit_folder):
    def run(root):
        values = {
            "dataset": str(root), "real": str(digit_folder), "generator": str(run_folder),
            "device": "cpu", "extractor": "classifier",
        }  # fmt: skip
        return evaluate(EvaluateSettings.parse(values))

    return run


def utility():
    def row(kind, real, accuracies, made):
        saw = SAW_NOTHING if kind == "real" else SAW_ALL
        share = {"real": 0.0, "synthetic": 1.0, "real + synthetic": 0.5}[kind]
        return UtilityRow(
            kind, real, real == 100, 3 * real, made, share, saw, accuracies, (0.5, 0.5, 0.5)
        )

    rows = (
        row("real", 10, (0.50, 0.52), 0), row("real", 100, (0.81, 0.83), 0),
        row("synthetic", 0, (0.70, 0.72), 60),
        row("real + synthetic", 10, (0.61, 0.64), 60),
        row("real + synthetic", 100, (0.82, 0.83), 60),
    )  # fmt: skip
    return Utility(
        "out", "digits", SAW_ALL, ("nought", "one", "two"), "digits", "f", "digits test", "g",
        90, 0, (0, 1), {}, rows,
    )  # fmt: skip


def test_before_an_evaluation_it_says_that_nothing_is_known(sampled):
    page = Page(report(sampled(n=60).root).read_text())
    assert "How good it is, is not known" in page.text and "synthgen evaluate" in page.text
    assert page.tags.count("img") == 60


def test_after_it_the_page_shows_everything_and_needs_nothing(sampled, compared, tmp_path):
    root = sampled(n=120, filters="default", keep_rejects=True).root
    found = compared(root)
    (root / "report" / "utility.json").write_text(json.dumps(utility().to_json()))
    text = report(root).read_text()
    page = Page(text)
    for words in (
        found.verdict, *(finding.text for finding in found.findings), "label classifier of 'digits'",
        "nought", "Beside real images", "A map of real and synthetic", "The closest pairs",
        "The pairs most alike", "Kept only just", "Thrown away only just", "Does a model get better?",
        "real images per class", "Where it comes from", "flatter it",
    ):  # fmt: skip
        assert words in page.text, words
    assert "script" not in page.tags and "link" not in page.tags
    pictures = [source for source in page.sources if not source.startswith("#")]
    assert len(pictures) > 3 * 28
    assert all(re.match(r"data:image/(png|jpeg);base64,", source) for source in pictures)
    assert (
        "url(" not in text
        and "@import" not in text
        and "http" not in re.sub("http-equiv", "", text)
    )


def test_the_same_words_and_figures_stand_in_the_page_the_card_and_the_record(sampled, compared):
    root = sampled(n=90).root
    found = compared(root)
    record = json.loads((root / "report" / "metrics.json").read_text())
    card, page = (root / "README.md").read_text(), Page(report(root).read_text())
    assert record["verdict"] == found.verdict and found.verdict in page.text
    assert f"**{found.verdict}**" in card and "## How good it is" in card
    value = f"{found.overall.made.frechet_distance:.3f}"
    assert value in page.text and value in card
    assert f"{record['overall']['made']['frechet_distance']:.3f}" == value
    assert [entry["kept"] for entry in record["acceptance"]] == [30, 30, 30]


def test_a_copying_and_a_collapsed_generator_are_damned_at_the_top(fabricated, compared, digits):
    images, labels = digits
    rows = np.concatenate([np.flatnonzero(labels == label)[:60] for label in range(3)])
    replayed = fabricated(images[rows], labels[rows], "replayed")
    first = np.stack([images[labels == label][0] for label in range(3)])[labels[rows]]
    collapsed = fabricated(first, labels[rows], "collapsed")
    for root, words in (
        (replayed, "Do not train on this: it replays its training images"),
        (collapsed, "it repeats itself"),
    ):
        found = compared(root)
        text = report(root).read_text()
        top = text[: text.index('class="tiles"')]
        assert words in top and 'class="verdict bad"' in top
        assert found.verdict in (root / "README.md").read_text()
        assert found.verdict.startswith("Do not train on this")


def test_what_changed_since_is_left_out(sampled, compared):
    root = sampled(n=60, seed=1).root
    compared(root)
    sampled("extend", n=90, seed=1)
    page = Page(report(root).read_text())
    assert "metrics.json and evidence.json are of other images" in page.text
    assert "How good it is" not in (root / "README.md").read_text()


def test_names_are_text_and_pictures_are_pictures_whatever_they_are(sampled, compared):
    root = sampled(n=60).root
    compared(root)
    for name in ("manifest.json", "report/metrics.json"):
        text = (root / name).read_text().replace('"nought"', json.dumps(EVIL))
        (root / name).write_text(text)
    evidence = json.loads((root / "report" / "evidence.json").read_text())
    evidence["training_pairs"][0]["made"] = 'x" onerror="alert(1)'
    evidence["training_pairs"][1]["made"] = "https://example.org/a.png"
    (root / "report" / "evidence.json").write_text(json.dumps(evidence))
    page = Page(report(root).read_text())
    assert "script" not in page.tags and EVIL in page.text
    assert not any("example.org" in source for source in page.sources)


def test_an_unfinished_dataset_or_a_damaged_record_has_no_report(tmp_path, sampled, compared):
    with pytest.raises(SynthgenError, match="is no finished"):
        report(tmp_path)
    root = sampled(n=60).root
    compared(root)
    (root / "report" / "metrics.json").write_text('{"version": 1}')
    with pytest.raises(SynthgenError, match="run synthgen evaluate again"):
        report(root)


BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]

MEASURE = """<script>
const images = [...document.images];
document.title = JSON.stringify({
  images: images.length,
  broken: images.filter(one => !one.complete || one.naturalWidth === 0).length,
  fetched: performance.getEntriesByType('resource').filter(one => !one.name.startsWith('data:')).length,
  wide: document.documentElement.scrollWidth > document.documentElement.clientWidth + 1,
  empty: [...document.querySelectorAll('svg')].filter(one => one.getBoundingClientRect().height < 50).length,
});
</script>"""


def browse(page, folder, *more):
    call = [BROWSER, *SWITCHES, f"--user-data-dir={folder}", *more, page.as_uri()]
    return subprocess.run(call, check=True, capture_output=True, text=True, timeout=120).stdout


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine: apt install chromium")
def test_a_browser_shows_it_whole_without_a_network_wide_and_narrow(sampled, compared, tmp_path):
    root = sampled(n=120, filters="default", keep_rejects=True).root
    compared(root)
    (root / "report" / "utility.json").write_text(json.dumps(utility().to_json()))
    text = report(root).read_text()
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', text).group()
    # The page itself runs no script: this copy of it looks at itself and is allowed to.
    seen = tmp_path / "seen.html"
    seen.write_text(text.replace(policy, "").replace("</html>", f"{MEASURE}</html>"))
    for width in (1280, 500):
        out = browse(seen, tmp_path / f"user-{width}", f"--window-size={width},900", "--dump-dom")
        found = json.loads(re.search(r"<title>(.*?)</title>", out).group(1))
        assert found["images"] > 3 * 28
        assert found == {**found, "broken": 0, "fetched": 0, "wide": False, "empty": 0}
    picture = tmp_path / "page.png"
    browse(root / "report" / "report.html", tmp_path / "user",
           "--window-size=1280,2000", f"--screenshot={picture}")  # fmt: skip
    from PIL import Image

    colours = np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 200, "the page under its own policy is not blank"
