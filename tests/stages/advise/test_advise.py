"""Data sets of different make: the right way is named first, and ways that cannot help are not."""

import csv
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from toy_joints import write_columns
from toy_world import toy_world, write_masks, write_pairs

import synthgen
from synthgen.cli.main import cli
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.advise import AdviseSettings
from synthgen.stages.advise.stage import advise

NAMES = ("nought", "one", "two")


def save(folder, images, start=0):
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(images, start):
        Image.fromarray(pixels.squeeze()).save(folder / f"{number:04d}.png")


def classes(folder, digits, counts, names=NAMES, look=lambda pixels, rng: pixels, start=0):
    """So many of the noughts, ones and twos as class folders, in some look."""
    images, labels = digits
    rng = np.random.default_rng(0)
    for label, (name, count) in enumerate(zip(names, counts, strict=True)):
        own = images[labels == label][start : start + count]
        save(folder / name, [look(pixels, rng) for pixels in own])
    return folder


def told(folder, **options):
    return advise(AdviseSettings.parse({"data": str(folder), **options}))


def useless(advice):
    return {each.way for each in advice.useless}


def night(pixels, rng):
    """A digit in another look: dark grey on lighter grey, with noise."""
    noise = rng.integers(0, 40, pixels.shape)
    return (200 - pixels.astype(int) // 2 - noise).astype(np.uint8)


@pytest.fixture(scope="module")
def few(digits, tmp_path_factory):
    return classes(tmp_path_factory.mktemp("few") / "few", digits, (40, 40, 40))


def test_few_and_balanced(few):
    advice = told(few)
    assert advice.names == ("collect", "teachers")
    assert useless(advice) == {"plain sampling"}
    text = "\n".join(advice.lines())
    assert "knows no more of the world" in text and "-0.6 ± 0.6" in text
    assert "nought 40, one 40, two 40" in text


def test_a_long_tail(digits, tmp_path):
    advice = told(classes(tmp_path / "tail", digits, (120, 60, 12)))
    assert advice.names == ("weighted-loss", "collect")
    assert "two 5.3" in advice.ways[0].does
    assert "a GAN for rare classes" in useless(advice)
    milder = told(classes(tmp_path / "milder", digits, (170, 60, 55)))
    assert milder.names == ("weighted-loss", "fill-classes", "collect")
    assert "a GAN for rare classes" not in useless(milder)


def test_a_target_of_another_look(few, digits, tmp_path):
    save(tmp_path / "night", [night(p, np.random.default_rng(1)) for p in digits[0][1000:1200]])
    advice = told(few, target=str(tmp_path / "night"))
    assert advice.names == ("adapt",)
    assert advice.facts.target.apart.share > 0.95 > 0.75 > advice.facts.target.apart.halves
    assert str(tmp_path / "night") in advice.ways[0].commands[0]


def test_a_shuffled_target_is_no_other_domain(few, digits, tmp_path):
    """Other images of the same look, in any order, are no place to translate to."""
    images, labels = digits
    rows = np.random.default_rng(0).permutation(np.flatnonzero(labels < 3)[200:])
    save(tmp_path / "same", images[rows])
    advice = told(few, target=str(tmp_path / "same"))
    assert "adapt" not in advice.names and "translation" in useless(advice)


def test_masks(tmp_path):
    advice = told(write_masks(toy_world(60, 16), tmp_path / "masks"))
    assert advice.names == ("layout-to-photo",) and advice.facts.masks == ("mask",)
    night = toy_world(60, 16, seed=1).twins
    save(tmp_path / "night", night)
    both = told(tmp_path / "masks", target=str(tmp_path / "night"))
    assert both.names == ("recolour", "layout-to-photo")


def with_ages(folder, digits, old):
    """Digits with a column of ages beside the label; ``old`` says who is old."""
    images, labels = digits
    folder.mkdir()
    rows = np.flatnonzero(labels < 2)[:240]
    with (folder / "metadata.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["file_name", "label", "age"])
        for row in rows:
            Image.fromarray(images[row, :, :, 0]).save(folder / f"{row}.png")
            out.writerow([f"{row}.png", NAMES[labels[row]], "old" if old(row) else "young"])
    return folder


def test_an_attribute_that_goes_together_with_the_label(digits, tmp_path):
    labels, luck = digits[1], np.random.default_rng(0).random(2000)
    skewed = told(with_ages(tmp_path / "skewed", digits, lambda r: (luck[r] < 0.95) == labels[r]))
    assert skewed.names[0] == "edit-attributes"
    assert "attributes=age" in skewed.ways[0].commands[0]
    assert skewed.facts.associations[0].strength > 0.8
    shuffled = told(with_ages(tmp_path / "shuffled", digits, lambda r: luck[r] < 0.5))
    assert "edit-attributes" not in shuffled.names
    named = told(with_ages(tmp_path / "named", digits, lambda r: labels[r] == 1))
    assert "edit-attributes" not in named.names  # no row shows them apart: nothing to learn from


def test_a_pool_beside(digits, tmp_path):
    data = classes(tmp_path / "data", digits, (20, 20, 20))
    images, labels = digits
    save(tmp_path / "pool", np.concatenate([images[labels == k][20:] for k in range(3)]))
    advice = told(data, unlabelled=str(tmp_path / "pool"))
    assert advice.names == ("grow",) and advice.facts.pool.repeats < 0.05
    assert advice.facts.pool.images == 477
    assert f"--unlabelled {tmp_path / 'pool'}" in advice.ways[0].commands[0]


def test_a_pool_of_the_labelled_images_is_none(few, digits, tmp_path):
    images, labels = digits
    save(tmp_path / "pool", np.concatenate([images[labels == k][:40] for k in range(3)]))
    advice = told(few, unlabelled=str(tmp_path / "pool"))
    assert "grow" not in advice.names and "this pool" in useless(advice)
    assert advice.facts.pool.repeats == 1


def test_plenty(digits, tmp_path):
    images, labels = digits
    for name, parity in (("even", 0), ("odd", 1)):
        save(tmp_path / "plenty" / name, images[labels % 2 == parity][:600])
    assert told(tmp_path / "plenty").names == ("real-only",)


def test_a_flat_folder_without_labels(digits, tmp_path):
    save(tmp_path / "flat", digits[0][:60])
    advice = told(tmp_path / "flat")
    assert advice.names == ("label-some",) and not advice.useless


def test_a_generator_that_knows_the_classes(digits, tmp_path):
    generator = load_generator("fashion-mnist-28")
    names = generator.classes[:3]
    for name in names:
        save(tmp_path / "clothes" / name, generator.sample([name] * 12))
    advice = told(tmp_path / "clothes")
    assert advice.names[0] == "shared-generator" and "collect" not in advice.names
    assert "fashion-mnist-28" in advice.ways[0].commands[0]
    only_named = told(classes(tmp_path / "named", digits, (40, 40, 40), names))
    assert "shared-generator" not in only_named.names  # the names are there, the look is not


def test_pairs(tmp_path):
    advice = told(write_pairs(toy_world(40, 16), tmp_path / "pairs"))
    assert advice.names == ("image-to-image",) and advice.facts.partners == ("source",)


def test_joints(tmp_path):
    advice = told(
        write_columns(toy_world(40, 16), toy_world(40, 16).keypoints, tmp_path / "joints")
    )
    assert advice.names == ("pose-to-person",)


def test_a_background_that_tells_the_class(digits, tmp_path):
    colours = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]])

    def on(pick):
        def look(pixels, rng):
            ground = colours[pick(rng)] + rng.integers(-20, 20, 3)
            return np.where(pixels > 100, 255, ground).astype(np.uint8)

        return look

    for place, name in enumerate(NAMES):
        own = digits[0][digits[1] == place][:60]
        rng = np.random.default_rng(place)
        save(tmp_path / "told" / name, [on(lambda _, k=place: k)(p, rng) for p in own])
        save(tmp_path / "any" / name, [on(lambda r: r.integers(3))(p, rng) for p in own])
    advice = told(tmp_path / "told")
    assert advice.names[0] == "backgrounds" and advice.facts.corners.share > 0.95
    assert "teachers" not in advice.names
    assert "backgrounds" not in told(tmp_path / "any").names


def test_without_a_test_split_images_are_to_be_kept_aside(few, tmp_path):
    alone = told(few, private=True)
    assert not alone.facts.test_split and "--test HELD" in alone.ways[0].commands[-1]
    assert [line.split(":")[0].strip() for line in alone.lines()].count("HELD") == 2
    shutil.copytree(few, tmp_path / "both" / "train")
    for name in NAMES:
        (tmp_path / "both" / "test" / name).mkdir(parents=True)
        path = tmp_path / "both" / "train" / name / "0039.png"
        path.rename(tmp_path / "both" / "test" / name / "0039.png")
    both = told(tmp_path / "both", private=True)
    assert both.facts.images == 117 and both.facts.test_split
    assert "HELD" not in "\n".join(both.lines())


def test_images_that_must_stay_where_they_are(few):
    advice = told(few, private=True)
    assert advice.names[0] == "share" and "docs/privacy.md" in advice.ways[0].why


def test_the_command_the_json_and_the_frame_agree(few):
    done = CliRunner().invoke(cli, ["advise", "--data", str(few), "--json"])
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["format"] == "synthgen-advice" and record["version"] == 1
    frame = synthgen.advise(str(few))
    assert [each["way"] for each in record["ways"]] == list(frame["way"][frame["helps"]])
    assert json.loads(json.dumps(frame.attrs["advice"])) == record
    with pytest.raises(SynthgenError, match="is the data itself"):
        told(few, target=str(few))
