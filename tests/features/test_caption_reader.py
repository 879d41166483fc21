"""The reader of captions: it finds an image's own, and is sure only as far as it may be."""

import numpy as np
import pytest
import torch
from toy_world import toy_world

from synthgen.features.caption_reader import AMONG, BANK, CaptionReader
from synthgen.features.field_reader import reader_class
from synthgen.features.matching import finds_its_own
from synthgen.quality.readers.reading import Reading
from synthgen.spec.image import ImageSpec, to_float
from synthgen.spec.texts import Text
from synthgen.training.classifier import ClassifierSettings
from synthgen.training.field_reader import train_reader

FIELD = Text(64, 1024)
ROWS, LEARNT = 300, 220
HELD = np.arange(LEARNT, ROWS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A reader of 220 small scenes, the scenes and their stored captions."""
    toy = toy_world(ROWS, 16)
    rows = np.stack([FIELD.read(text) for text in toy.captions])
    settings = ClassifierSettings(5000, 32, False, 0, torch.device("cpu"), torch.float32)
    folder = tmp_path_factory.mktemp("reader")
    found = train_reader(toy.images, rows, FIELD, np.arange(LEARNT), HELD, settings, folder)
    return found, toy, rows


def test_images_find_their_captions_and_not_those_of_others(trained):
    found, toy, rows = trained
    assert found.right["r_precision"] > 10 / AMONG, found.right
    assert found.right["told_apart"] > 0.8, found.right
    assert "find their own among 20" in found.network.told(found.right)
    with torch.inference_mode():
        outputs = found.network(to_float(torch.from_numpy(toy.images[HELD])))
    shuffled = torch.from_numpy(rows[np.random.default_rng(0).permutation(HELD)])
    assert found.network.right(outputs, shuffled)["r_precision"] < 4 / AMONG  # the look-alike


def test_agreement_is_a_probability_that_real_pairs_bear_out(trained):
    found, toy, rows = trained
    reading = Reading(found.network, "caption")
    made = {"image": torch.from_numpy(toy.images[HELD])}
    own = reading.agreement(made, {"caption": torch.from_numpy(rows[HELD])})
    np.testing.assert_allclose(own, found.agreements, atol=1e-5)
    colors = {"red": "blue", "green": "yellow", "blue": "green", "yellow": "red"}
    wrong = [" ".join(colors.get(w, w) for w in toy.captions[k].split()) for k in HELD]
    wrong = torch.from_numpy(np.stack([FIELD.read(text) for text in wrong]))
    other = reading.agreement(made, {"caption": wrong})
    assert own.min() >= 0 and own.max() <= 1 and own.mean() - other.mean() > 0.3
    read = found.network.read(found.network(to_float(made["image"])))
    texts = [FIELD.text(row) for row in read.numpy()]
    assert set(texts) <= set(toy.captions)
    assert np.mean([text == toy.captions[k] for text, k in zip(texts, HELD, strict=True)]) > 0.1


def test_it_comes_back_from_its_bundle_s_files(trained):
    network = trained[0].network
    again = reader_class("text").from_config(network.config(), FIELD)
    again.load_state_dict(network.state_dict())
    assert again.among == network.among == 20 and again.bank.shape == (BANK, 64)
    with pytest.raises(ValueError, match="another size"):
        own = network.config()["network"]
        CaptionReader.from_config({"network": {**own, "classes": 3}}, FIELD)


def test_of_several_captions_one_is_learnt_from_and_the_first_is_judged():
    torch.manual_seed(0)
    field = Text(32, 256, several=3)
    reader = CaptionReader(ImageSpec(16, 16, 3), field, width=5)
    rows = np.stack([field.read(["a red disc", f"number {k}"]) for k in range(6)])
    rows = torch.from_numpy(rows)
    outputs = torch.nn.functional.normalize(torch.randn(6, 64), dim=1)
    assert torch.isfinite(reader.loss(outputs, rows))
    assert torch.equal(reader.agreements(outputs, rows), reader.agreements(outputs, rows[:, 0]))
    reader.calibrate(outputs, rows)  # all first captions are one: there is no mismatched pair
    assert reader.among == 1 and reader.right(outputs, rows).keys() == {"r_precision"}


def test_chance_finds_one_in_twenty():
    torch.manual_seed(0)
    own, others = torch.rand(4000), torch.rand(4000, 60)
    usable = torch.ones(4000, 60, dtype=torch.bool)
    assert 0.04 < finds_its_own(own, others, usable, 20).float().mean() < 0.06
    usable[:, 4:] = False  # fewer than are asked for: one in five
    assert 0.18 < finds_its_own(own, others, usable, 20).float().mean() < 0.22
    assert finds_its_own(own, others, torch.zeros_like(usable), 20).all()
