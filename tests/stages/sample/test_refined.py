"""Datasets of refined latents: the same bytes however they are made, and a record of it."""

import json
import shutil

import golden
import numpy as np
import pytest
from finished import rows_of, shards

from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import read_manifest
from synthgen.dataset.verify import verify
from synthgen.generators.zoo import load_generator
from synthgen.sampling.refining import GROUP
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.refined import Refined, aim_of
from synthgen.stages.sample.repair import repair
from synthgen.stages.sample.reproduce import reproduce
from synthgen.stages.sample.stage import sample

BUNDLE = str(golden.BUNDLES / "r3gan")


@pytest.fixture(scope="module")
def asked(digit_folder):
    return {
        "generator": BUNDLE, "n": 36, "images_per_shard": 18, "batch_size": 16, "device": "cpu",
        "precision": "fp32", "filters": "none", "refine_latents": 4, "real": str(digit_folder),
    }  # fmt: skip


def made(out, asked, mode="new", **changes):
    return sample(SampleSettings.parse({**asked, "out": str(out), **changes}), mode)


@pytest.fixture(scope="module")
def refined(asked, tmp_path_factory):
    return made(tmp_path_factory.mktemp("refined") / "digits", asked)


def test_they_are_other_images_of_the_same_candidates_and_on_record(refined, asked, tmp_path):
    root = refined.root
    assert verify(root).problems == [] and "refine " in refined.text()
    plain = made(tmp_path / "plain", asked, refine_latents=None, real=None).root
    numbers = [
        [(row["label"], row["shard"], row["candidate"]) for row in rows_of(each)]
        for each in (root, plain)
    ]
    assert numbers[0] == numbers[1]
    apart = [
        np.abs(np.asarray(a["image"], dtype=int) - np.asarray(b["image"])).mean()
        for a, b in zip(rows_of(root), rows_of(plain), strict=True)
    ]
    assert 1 < np.mean(apart) < 60
    settings = read_manifest(Layout(root)).settings
    assert settings.refined.steps == 4 and settings.refined.real_images == 300
    assert "latents were refined in 4 steps" in (root / "README.md").read_text()
    record = json.loads((plain / "manifest.json").read_text())["settings"]
    assert not {"refined", "refine_latents", "real", "real_split"} & set(record)


@pytest.mark.slow
def test_two_workers_write_the_same_bytes(asked, tmp_path):
    """Of refined latents, and of soft labels, which are another column."""
    both = [
        made(tmp_path / str(workers), asked, soft_labels=True, workers=workers).root
        for workers in (1, 2)
    ]
    assert shards(both[0]) == shards(both[1]) and "soft_label" in rows_of(both[1])[0]


def test_a_candidate_depends_on_its_numbers_alone(asked, digit_folder):
    generator = load_generator(BUNDLE, "cpu", "fp32")
    settings = SampleSettings.parse(asked)
    aim = aim_of(settings, generator, generator.classes)
    labels = np.array([0, 2, 0, 1, 2, 0])
    numbers = np.array([3, GROUP, 70, 5, 1, 0])
    shard = np.full_like(labels, 2)

    def drawn(order):
        maker = Refined(generator, (0, 1, 2), aim)
        return maker.candidates(labels[order], shard, numbers[order], seed=3)["image"]

    whole, order = drawn(np.arange(6)), np.array([4, 1, 0, 5, 3, 2])
    assert np.abs((drawn(order) - whole[order]).numpy()).max() < 1e-5
    fewer = drawn(np.full(6, 2))  # as a row is reproduced: others of its group are not asked for
    assert np.abs((fewer[0] - whole[2]).numpy()).max() < 1e-5


def test_it_is_mended_grown_and_reproduced(refined, asked, digit_folder, tmp_path):
    root, moved = tmp_path / "digits", tmp_path / "elsewhere"
    shutil.copytree(refined.root, root)
    sorted((root / "data").iterdir())[1].unlink()
    shutil.copytree(digit_folder, moved)
    repair(root, generator=BUNDLE, real=str(moved), device="cpu")
    assert shards(root) == shards(refined.root)
    found = reproduce(root, 20, generator=BUNDLE, device="cpu")
    assert found.same and found.largest == 0
    grown = made(root, asked, "extend", n=54).root
    assert set(shards(refined.root).values()) <= set(shards(grown).values())
    (moved / "one" / "000.png").write_bytes((moved / "two" / "000.png").read_bytes())
    with pytest.raises(SynthgenError, match=r"not what the latents of .* were refined towards"):
        reproduce(root, 3, generator=BUNDLE, real=str(moved), device="cpu")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"real": None}, "needs real images"),
        ({"refine_latents": None}, "set refine_latents"),
        ({"compile": True}, "do not go together"),
        ({"generator": str(golden.BUNDLES / "cogan")}, "more than noise and a class"),
        ({"real": "./nowhere"}, "nowhere"),
    ],
)
def test_what_does_not_go_together_is_one_line(changes, said, asked, tmp_path):
    with pytest.raises(SynthgenError, match=said):
        made(tmp_path / "no", asked, **changes)
    assert not (tmp_path / "no").exists()


def test_real_images_that_lack_a_class_are_named(asked, digit_folder, tmp_path):
    shutil.copytree(digit_folder, tmp_path / "few")
    shutil.rmtree(tmp_path / "few" / "two")
    with pytest.raises(SynthgenError, match="two"):
        made(tmp_path / "no", asked, real=str(tmp_path / "few"))
