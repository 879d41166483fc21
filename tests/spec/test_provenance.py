"""Records of where images come from: read as they were written, whoever wrote them."""

import json

import pytest

from synthgen.spec.image import ImageSpec
from synthgen.spec.provenance import Origin, TrainingRecord

OLD = {
    "data": "cifar10", "data_fingerprint": "d3", "data_images": 45000, "images_shown": 240000,
    "batch_size": 128, "augment": "none", "flip": True, "seed": 0, "precision": "bfloat16",
    "hardware": "a CPU", "of a newer version": [1],
}  # fmt: skip
GENERATOR = {
    "name": "x", "algorithm": "r3gan", "domains": ["day", "night"],
    "image": {"height": 8, "width": 9, "channels": 1}, "weights_sha256": "ab", "training": OLD,
}  # fmt: skip


def test_a_training_is_written_as_it_was_read():
    record = TrainingRecord.from_json(OLD)
    assert (record.data_images, record.holdout, record.only_class) == (45000, None, None)
    assert json.dumps(record.to_json()) == json.dumps(OLD)


def test_a_new_training_is_written_without_what_is_not_known():
    record = TrainingRecord(data="digits", holdout=0.1, flip=False, seed=0)
    assert record.to_json() == {"data": "digits", "holdout": 0.1, "flip": False, "seed": 0}
    assert TrainingRecord.from_json(record.to_json()) == record


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "0"},
        {"seed": True},
        {"data": 5},
        {"flip": 1},
        {"holdout": []},
        {"data_images": 1.5},
    ],
)
def test_a_training_of_other_kinds_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        TrainingRecord.from_json({**OLD, **change})


@pytest.mark.parametrize("lacking", [(), ("domains",), ("training",), ("weights_sha256",)])
def test_an_origin_is_written_as_it_was_read(lacking):
    record = {key: value for key, value in GENERATOR.items() if key not in lacking}
    origin = Origin.from_json(record)
    assert json.dumps(origin.to_json()) == json.dumps(record)
    assert origin.image == ImageSpec(8, 9, 1)
    assert (len(origin.task(("a", "b")).streams) == 2) == ("domains" not in lacking)
    assert origin.trained.data == (None if "training" in lacking else "cifar10")


@pytest.mark.parametrize(
    "change",
    [
        {"image": {"height": 8, "width": 10**6, "channels": 1}}, {"image": {"height": 8}},
        {"image": {"height": 8, "width": 8, "channels": 4}}, {"name": 3}, {"domains": ["one"]},
        {"domains": [1, 2]}, {"training": []}, {"weights_sha256": 5},
    ],
)  # fmt: skip
def test_an_origin_of_other_kinds_is_refused(change):
    with pytest.raises((ValueError, TypeError, KeyError)):
        Origin.from_json({**GENERATOR, **change})
