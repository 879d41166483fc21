"""Calibrating a bundle again, and what its reference allows and forbids."""

import shutil

import numpy as np
import pytest
import torch

from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import load_filters
from synthgen.quality.reference import Reference
from synthgen.spec.calibrate_settings import CalibrateSettings
from synthgen.spec.errors import SynthgenError
from synthgen.stages.judging.calibrate import calibrate_on


@pytest.fixture
def bundle(run_folder, tmp_path):
    """A copy of the digits' bundle."""
    shutil.copytree(run_folder / "bundle", tmp_path / "bundle")
    return tmp_path / "bundle"


def again(bundle, digit_folder, **changes):
    values = {"bundle": str(bundle), "data": str(digit_folder), "device": "cpu", **changes}
    return calibrate_on(CalibrateSettings.parse(values))


def filters_of(bundle, spec="default"):
    generator = load_generator(str(bundle), "cpu")
    return load_filters(spec, Calibration.from_json(generator.calibration), generator.classes, 8)


def test_training_leaves_a_reference_of_its_training_images(run_folder, digit_folder):
    from synthgen.data.cache import load_images
    from synthgen.features.fingerprint import fingerprints
    from synthgen.spec.settings.data import DataSettings

    generator = load_generator(str(run_folder), "cpu")
    reference = Reference.from_tensors(generator.reference, torch.device("cpu"))
    data = load_images(DataSettings.parse({"data": str(digit_folder)}))
    rows = reference.rows.long().numpy()
    assert len(rows) == 270 and np.array_equal(data.labels[rows], reference.labels.numpy())
    prints = fingerprints(torch.from_numpy(np.asarray(data.images[rows])))
    found, where = reference.nearest_training(prints, reference.labels.long())
    assert (found == 0).all() and (where.numpy() == rows).mean() > 0.95
    held = np.setdiff1d(np.arange(300), rows)
    away = fingerprints(torch.from_numpy(np.asarray(data.images[held])))
    assert (reference.nearest_training(away, torch.from_numpy(data.labels[held]))[0] > 0).all()


def test_calibrating_again_gives_what_training_gave(bundle, digit_folder):
    before = load_generator(str(bundle), "cpu")
    report = again(bundle, digit_folder)
    after = load_generator(str(bundle), "cpu")
    # The bundle's classifier is the trained one in half precision.
    for name in ("fingerprints", "rows", "counts", "features"):
        old, new = (each.reference[name].float() for each in (before, after))
        assert torch.allclose(old, new, atol=0.05), name
    assert after.weights_sha256 == before.weights_sha256
    old, new = (Calibration.from_json(g.calibration) for g in (before, after))
    assert set(old.quantiles) == set(new.quantiles)
    assert np.allclose(old.quantiles["train_distance"], new.quantiles["train_distance"])
    assert "train_distance" in report.text() and "MB" in report.text()


def test_a_bundle_without_a_reference_says_so_and_filters_without_it(
    bundle, digit_folder, tmp_path
):
    assert {"memorised", "realism"} <= set(filters_of(bundle).reasons)
    again(bundle, digit_folder, reference=False)
    assert not (bundle / "reference.safetensors").exists()
    assert load_generator(str(bundle), "cpu").reference is None
    assert filters_of(bundle).reasons == (
        "validity", "statistics", "label_agreement", "exact_duplicate",
    )  # fmt: skip
    path = tmp_path / "rules.yaml"
    for rule in ("memorised", "realism", "near_duplicate", "embedding_duplicate"):
        path.write_text(f"{rule}:\n")
        with pytest.raises(
            SynthgenError, match=f"{rule}: .* has no reference .*synthgen calibrate"
        ):
            filters_of(bundle, str(path))


def test_other_images_than_those_trained_on_are_told(bundle, negative_folder, capsys):
    again(bundle, negative_folder)
    assert "these are not the images" in capsys.readouterr().err


def test_a_damaged_reference_is_one_clear_line(bundle):
    tensors = dict(load_generator(str(bundle), "cpu").reference)
    with pytest.raises(SynthgenError, match="lacks tensor 'rows'"):
        Reference.from_tensors(
            {k: v for k, v in tensors.items() if k != "rows"}, torch.device("cpu")
        )
    tensors["rows"] = tensors["rows"][:-1]
    with pytest.raises(SynthgenError, match="do not fit each other"):
        Reference.from_tensors(tensors, torch.device("cpu"))
