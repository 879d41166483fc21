import numpy as np
import pytest
import torch

from synthgen.quality.calibration import LEVELS, Calibration
from synthgen.quality.filters import FilterSet, load_filters
from synthgen.spec.errors import SynthgenError

CLASSES = ("cat", "dog")


def calibration():
    """Every score of the cats is uniform on [0, 1], of the dogs on [1, 2]; agreement on [0, 1]."""
    base = np.asarray(LEVELS)
    rows = {name: np.stack([base, base + 1, base * 2]) for name in
            ("brightness", "contrast", "entropy", "sharpness", "grain")}  # fmt: skip
    return Calibration(CLASSES, {**rows, "label_agreement": np.stack([base, base * 0.5, base])})


def scores(**changes):
    values = {"finite": 1.0, "brightness": 0.5, "contrast": 0.5, "entropy": 0.5,
              "sharpness": 0.5, "grain": 0.5, "label_agreement": 0.9}  # fmt: skip
    return {name: torch.tensor([value]) for name, value in {**values, **changes}.items()}


def reason(filters, label=0, **changes):
    verdict = int(filters.judge(scores(**changes), torch.tensor([label])))
    return filters.reasons[verdict - 1] if verdict else "kept"


def test_default_filters_reject_for_the_first_reason():
    filters = load_filters("default", calibration(), CLASSES)
    assert filters.reasons == ("validity", "statistics", "label_agreement", "exact_duplicate")
    assert reason(filters) == "kept"
    assert reason(filters, finite=0.0, brightness=9.0) == "validity"
    assert reason(filters, contrast=0.0, label_agreement=0.0) == "validity"
    assert reason(filters, brightness=2.3) == "statistics"
    assert reason(filters, brightness=2.1) == "kept"  # within the margin
    assert reason(filters, label_agreement=0.05) == "label_agreement"
    assert reason(filters, sharpness=float("nan")) == "statistics"


def test_agreement_is_asked_of_the_images_own_class_and_statistics_of_all():
    filters = load_filters("default", calibration(), CLASSES)
    everything = {name: 1.9 for name in ("brightness", "contrast", "entropy", "sharpness")}
    for label in (0, 1):
        assert reason(filters, label=label, **everything) == "kept"
    assert reason(filters, label=1, label_agreement=0.07) == "kept"
    assert reason(filters, label=0, label_agreement=0.07) == "label_agreement"
    swapped = load_filters("default", calibration(), ("dog", "cat"))
    assert reason(swapped, label=0, label_agreement=0.07) == "kept"


def test_a_sure_classifier_does_not_make_a_strict_filter():
    sure = calibration()
    sure.quantiles["label_agreement"][:] = 0.999
    filters = load_filters("default", sure, CLASSES)
    assert reason(filters, label_agreement=0.51) == "kept"
    assert reason(filters, label_agreement=0.49) == "label_agreement"


def test_none_keeps_validity_only():
    filters = load_filters("none", None, CLASSES)
    assert filters.reasons == ("validity",)
    assert reason(filters, label_agreement=0.0, brightness=99.0) == "kept"
    assert reason(filters, finite=0.0) == "validity"


def test_a_file_chooses_and_sets(tmp_path):
    path = tmp_path / "filters.yaml"
    path.write_text("label_agreement:\n  min: 0.95\nexact_duplicate: true\n")
    filters = load_filters(str(path), calibration(), CLASSES)
    assert filters.reasons == ("validity", "label_agreement", "exact_duplicate")
    assert reason(filters) == "label_agreement"
    path.write_text("statistics:\n")
    assert reason(load_filters(str(path), calibration(), CLASSES), brightness=5.0) == "statistics"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lable_agreement: {}", "unknown key 'lable_agreement'; did you mean 'label_agreement'"),
        ("label_agreement: {mni: 1}", "label_agreement: unknown key 'mni'; did you mean 'min'"),
        ("label_agreement: {min: 2}", "'min' is 2"),
        ("- a", "a settings file is a mapping"),
        ("a: [", "not valid YAML"),
    ],
)
def test_mistakes_in_a_file_are_one_clear_line(tmp_path, text, words):
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(SynthgenError, match=words) as caught:
        load_filters(str(tmp_path / "f.yaml"), calibration(), CLASSES)
    assert "\n" not in str(caught.value)


def test_a_bundle_without_calibration_says_what_to_do():
    with pytest.raises(SynthgenError, match="--filters none"):
        load_filters("default", None, CLASSES)


def test_a_set_survives_json_and_prints_its_thresholds():
    filters = load_filters("default", calibration(), CLASSES)
    import json

    assert FilterSet.from_json(json.loads(json.dumps(filters.to_json()))) == filters
    assert "cat >= 0.1, dog >= 0.05" in str(filters)
