"""Evaluation of datasets that are known to be good, copied, collapsed or wrongly labelled."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from synthgen.evaluation.record import Evaluation
from synthgen.evaluation.text import as_text
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate import stage
from synthgen.stages.evaluate.observations import Judge
from synthgen.stages.evaluate.stage import evaluate
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.judging import feature_cache


@pytest.fixture
def evaluated(run_folder, digit_folder):
    def run(root, **changes) -> Evaluation:
        values = {
            "dataset": str(root), "real": str(digit_folder), "generator": str(run_folder),
            "device": "cpu", "extractor": "classifier",
        }  # fmt: skip
        return evaluate(EvaluateSettings.parse({**values, **changes}))

    return run


@pytest.fixture
def three(digits):
    """Nought, one and two: those in the folder (the first 100 of each), and those that are not."""
    images, labels = digits
    seen, fresh = [], []
    for label in range(3):
        rows = np.flatnonzero(labels == label)
        seen.append(rows[:100])
        fresh.append(rows[100:])
    seen, fresh = np.concatenate(seen), np.concatenate(fresh)
    return (images[seen], labels[seen]), (images[fresh], labels[fresh])


def bad(found):
    return {finding.about for finding in found.findings if finding.level == "bad"}


def test_unseen_real_images_get_a_clean_report(fabricated, evaluated, three):
    found = evaluated(fabricated(*three[1]))
    assert not bad(found) and "Do not" not in found.verdict
    assert found.seen and found.memorisation.known
    assert found.memorisation.copies == 0 and found.memorisation.near.share < 0.05
    assert found.overall.made.recall > 0.7 * found.overall.real.recall
    assert all(entry.agreement > 0.9 for entry in found.classes)


def test_a_generator_that_replays_its_training_images_is_damned(fabricated, evaluated, three):
    images, labels = three[0]
    root = fabricated(images[::2], labels[::2])
    found = evaluated(root)
    assert "memorisation" in bad(found)
    assert found.verdict.startswith("Do not train on this: it replays its training images")
    assert found.memorisation.copies > 120  # a tenth of the folder was held out from training
    assert "the generator replays its training images" in as_text(found)
    assert f"{found.memorisation.copies} of 150" in as_text(found)
    assert max(p.closeness for p in found.memorisation.near.pairs) == pytest.approx(0, abs=1e-6)


def test_copies_with_a_little_noise_or_mirrored_do_not_hide(fabricated, evaluated, three):
    images, labels = three[0]
    noise = np.random.default_rng(0).integers(-6, 7, images.shape)
    noisy = np.clip(images.astype(int) + noise, 0, 255).astype(np.uint8)
    found = evaluated(fabricated(noisy, labels))
    assert found.memorisation.copies == 0 and "memorisation" in bad(found)
    assert "replays its training images" in found.verdict
    mirrored = evaluated(fabricated(images[:, :, ::-1], labels, "mirrored"))
    assert mirrored.memorisation.copies == 270 and "memorisation" in bad(mirrored)


def test_a_collapsed_generator_is_damned(fabricated, evaluated, three):
    """One image per class, a shade different each time so that no two are equal."""
    images, labels = three[1]
    first = np.stack([images[labels == label][0] for label in range(3)])[labels].astype(int)
    shades = np.random.default_rng(0).integers(-2, 3, images.shape)
    found = evaluated(fabricated(np.clip(first + shades, 0, 255).astype(np.uint8), labels))
    assert {"repetition", "diversity", "coverage"} <= bad(found)
    assert "it repeats itself" in found.verdict
    assert max(entry.diversity for entry in found.classes) < 0.2
    assert "of the real diversity" in as_text(found)


def test_wrong_labels_and_noise_are_damned(fabricated, evaluated, three):
    images, labels = three[1]
    assert "labels" in bad(evaluated(fabricated(images, (labels + 1) % 3)))
    noise = np.random.default_rng(0).integers(0, 256, images.shape).astype(np.uint8)
    assert "realism" in bad(evaluated(fabricated(noise, labels, "noise")))


def test_a_linear_probe_is_a_second_witness_of_labels(fabricated, evaluated, three):
    """Of features that no filter uses: the bundle's own are none."""
    images, labels = three[1]
    wrong = np.where(np.arange(len(labels)) % 2, (labels + 1) % 3, labels)
    root = fabricated(images, wrong)
    found = evaluated(root, extractor="efficientnet-lite0@32")
    assert all(0.3 < entry.probe_agreement < 0.65 for entry in found.classes)
    assert all(entry.real_probe_agreement > 0.8 for entry in found.classes)
    assert "linear probe" in as_text(found)
    assert all(entry.probe_agreement is None for entry in evaluated(root).classes)


def test_the_record_is_written_read_and_names_its_extractor(sampled, evaluated):
    root = sampled(n=90).root
    found = evaluated(root)
    record = json.loads((root / "report" / "metrics.json").read_text())
    assert Evaluation.from_json(record, "metrics.json") == found
    assert found.extractor == "label classifier of 'digits'" and found.extractor in as_text(found)
    assert "FID" not in as_text(found)
    assert len(json.loads((root / "report" / "evidence.json").read_text())["training_pairs"]) == 12
    with pytest.raises(SynthgenError, match="of another version; run synthgen evaluate again"):
        Evaluation.from_json({**record, "version": 99}, "metrics.json")


def test_a_bundle_of_other_classes_or_images_judges_nothing(sampled, evaluated, monkeypatch):
    root = sampled(n=30).root
    with pytest.raises(
        SynthgenError, match="class 'nought' is not in generator 'fashion-mnist-28'"
    ):
        evaluated(root, generator="fashion-mnist-28")
    large = SimpleNamespace(
        name="large", classes=("two", "nought", "one"), image=ImageSpec(16, 16, 3)
    )
    monkeypatch.setattr(stage, "load_generator", lambda *given: large)
    with pytest.raises(SynthgenError, match=r"'large' makes 16x16 RGB images, and those of .*8x8"):
        evaluated(root)
    assert not (root / "report" / "metrics.json").exists()


def test_a_bundle_that_has_the_classes_in_another_order_judges_by_their_names(sampled):
    dataset = open_dataset(sampled(n=30, classes=("nought", "two")).root)
    task = SimpleNamespace(stratum="label")
    other = SimpleNamespace(classifier=None, classes=("two", "one", "nought"), task=task)
    assert Judge(other, dataset, None, None)._keys.tolist() == [2, 0]


def test_known_training_and_hold_out_images_are_kept_apart(fabricated, evaluated, three):
    """The digits' run held out a tenth: a copy of a held-out image is no copy of training."""
    found = evaluated(fabricated(*three[0]))
    assert found.memorisation.total == 270 and found.memorisation.copies == 270


def test_copies_are_looked_for_in_the_training_images_that_are_named(
    fabricated, evaluated, three, digit_folder, tmp_path
):
    """The real images are others: neither rows nor features of the two are mixed up."""
    other = tmp_path / "fresh"
    for name, label in (("nought", 0), ("one", 1), ("two", 2)):
        (other / name).mkdir(parents=True)
        for number, pixels in enumerate(three[1][0][three[1][1] == label]):
            Image.fromarray(pixels[:, :, 0]).save(other / name / f"{number:03d}.png")
    images, labels = three[0]
    found = evaluated(fabricated(images, labels), real=str(other), train=str(digit_folder))
    near = found.memorisation.near
    assert "memorisation" in bad(found) and not found.seen and found.memorisation.known
    assert near.share > 0.85 and near.pairs[0].closeness == pytest.approx(0, abs=1e-6)
    assert "the real images compared with" in found.memorisation.unseen
    clean = evaluated(fabricated(*three[1], "clean"), real=str(other), train=str(digit_folder))
    assert clean.memorisation.copies == 0 and "memorisation" not in bad(clean)


def test_features_are_kept_and_a_killed_evaluation_goes_on(
    sampled, evaluated, monkeypatch, tmp_path
):
    monkeypatch.setenv("SYNTHGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("synthgen.stages.finished.dataset.TOGETHER", 16)
    monkeypatch.setattr("synthgen.stages.evaluate.observations.TOGETHER", 16)
    root, computed = sampled(n=90).root, []
    embed = feature_cache.embed

    def counting(extract, images, *rest):
        if len(computed) == 5:
            raise KeyboardInterrupt
        computed.append(len(images))
        return embed(extract, images, *rest)

    monkeypatch.setattr(feature_cache, "embed", counting)
    with pytest.raises(KeyboardInterrupt):
        evaluated(root)
    assert not (root / "report" / "metrics.json").exists()
    monkeypatch.setattr(feature_cache, "embed", embed)
    seen = []
    monkeypatch.setattr(
        feature_cache, "embed", lambda e, i, *r: (seen.append(len(i)), embed(e, i, *r))[1]
    )
    found = evaluated(root)
    assert sum(computed) + sum(seen) == 90 + 300, "what was computed is not computed again"
    seen.clear()
    assert evaluated(root) == found and not seen
    for path in (tmp_path / "cache" / "features").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:100])
    assert evaluated(root) == found and sum(seen) == 390, "damaged pieces are made again"
