"""A dataset of the digits' generator, and how a table of it is measured."""

import pytest

from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.utility.stage import utility

QUICK = {
    "quick": True, "steps": 40, "batch_size": 16, "width": 8, "seeds": 2, "flip": False, "device": "cpu",
    "precision": "fp32",
}  # fmt: skip


@pytest.fixture
def quick():
    """Settings of classifiers that are trained in a second."""
    return dict(QUICK)


@pytest.fixture(scope="module")
def dataset(run_folder, tmp_path_factory):
    from synthgen.spec.settings.sample import SampleSettings
    from synthgen.stages.sample.stage import sample

    out = tmp_path_factory.mktemp("made") / "digits"
    sample(SampleSettings.parse({
        "generator": str(run_folder), "out": str(out), "filters": "none", "per_class": 60,
        "device": "cpu", "precision": "fp32", "batch_size": 64,
    }))  # fmt: skip
    return out


@pytest.fixture
def measure(dataset, digit_folder, test_folder, tmp_path):
    def run(**changes):
        values = {
            **QUICK, "dataset": str(dataset), "real": str(digit_folder), "test": str(test_folder),
            "cache_dir": str(tmp_path / "cache"), "sizes": ("5", "all"),
        }  # fmt: skip
        return utility(UtilitySettings.parse({**values, **changes}))

    return run
