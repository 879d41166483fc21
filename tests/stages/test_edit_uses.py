"""Edits of attributes and of ages, on scenes with known attributes through every command."""

import json
from collections import Counter
from functools import partial

import datasets
import numpy as np
import pytest
from edited import FIELD, rows_of, write_edited
from toy_world import toy_world, write_photos
from uses import (
    TINY,
    command,
    every_command,
    runs_in,
    same_bytes_after_a_kill,
    same_weights_from_the_middle,
    sampled,
    stored,
)

from synthgen.cli.train import sampling_command
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.stage import train

TOY = toy_world(72, 16)
USES = {
    "edits": {"use": "edit-attributes", "field": {"attributes": ",".join(FIELD.names)}},
    "ages": {"use": "ageing", "use_options": {"attribute": "height"}},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_edited(TOY, tmp_path_factory.mktemp("toy") / "data")


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A function that gives the finished run of a name."""
    return runs_in(tmp_path_factory.mktemp("runs"), partial(values, data))


def values(data, name):
    narrow = {"width": 4, "width_d": 4, "blocks": 1, "d_steps": 1}
    return {**TINY, "images": 96, **USES[name], "options": narrow, "data": str(data)}


@pytest.fixture
def made(trained, data, tmp_path):
    """A function that samples from rows: settings in, the report out."""

    def run(name="edits", out="made", **changes):
        asked = {"n": 24, "batch_size": 16, **changes}
        return sampled(trained(name), data, tmp_path / out, **asked)

    return run


def rows_made(trained, report, name="edits"):
    return stored(report.root, load_generator(str(trained(name)), "cpu", "fp32"))


def test_source_and_edit_are_written_with_what_both_have(made, trained, capsys):
    report = made(set={"color": "green"})
    found, rows = rows_made(trained, report)
    known = {image.tobytes(): row for row, image in enumerate(TOY.images)}
    of = [known[image.tobytes()] for image in rows["source"]]
    assert len(set(of)) == 24 and of == found["number"], "each row is given once"
    wanted = rows_of(TOY)[of]
    wanted[np.array(of) % 9 == 0, 1] = np.nan
    np.testing.assert_array_equal(rows["source_attributes"], wanted)
    wanted[:, 0] = FIELD.choices["color"].index("green")
    np.testing.assert_array_equal(rows["attributes"], wanted)
    assert (rows["image"] != rows["source"]).any()
    assert all(0 <= value <= 1 for value in found["identity_agreement"])
    assert found.features["source_attributes"] == found.features["attributes"]
    assert "do not say" not in capsys.readouterr().err


def test_balanced_counts_are_exact_and_the_rest_stays_a_rows_own(made, trained, capsys):
    report = made(balance=("color",), images_per_shard=12, set={"large": 1})
    _, rows = rows_made(trained, report)
    asked, own = rows["attributes"], rows["source_attributes"]
    assert set(Counter(asked[:, 0].tolist()).values()) == {6} and set(asked[:, 2]) == {1.0}
    assert len(set(own[:, 2])) == 2
    np.testing.assert_array_equal(asked[:, [1, 3]], own[:, [1, 3]])
    assert "balanced: color=blue" in capsys.readouterr().err


def test_by_default_rows_are_asked_for_what_other_real_rows_have(made, trained, capsys):
    _, rows = rows_made(trained, made())
    asked, own = rows["attributes"], rows["source_attributes"]
    law = load_generator(str(trained("edits")), "cpu", "fp32").law["attributes"].numpy()
    known = {tuple(row[[0, 2, 3]].tolist()) for row in law}
    assert {tuple(row[[0, 2, 3]].tolist()) for row in asked} <= known
    assert (asked[:, 3] != own[:, 3]).sum() > 12 and not np.isnan(asked[~np.isnan(own)]).any()
    said = capsys.readouterr().err
    assert "asked for: color, ground, large, height, as other real rows have them" in said
    assert "8 of 72 given rows do not say their 'ground'" in said


def test_images_that_say_nothing_can_be_edited(made, trained, tmp_path, capsys):
    report = made(source=str(write_photos(TOY, tmp_path / "photos")), set={"large": "yes"})
    found, rows = rows_made(trained, report)
    assert np.isnan(rows["source_attributes"]).all() and set(rows["attributes"][:, 2]) == {1.0}
    assert found[0]["source_attributes"] == dict.fromkeys(FIELD.names)
    assert "72 of 72 given rows do not say their 'large'" in capsys.readouterr().err


def test_the_filter_of_identity_says_what_it_lost(made, tmp_path):
    plain = datasets.load_dataset(str(made(out="plain").root), split="train")
    least = float(np.median(plain["identity_agreement"]))
    rules = {"identity": {"min": round(least, 4), "quantile": 0.99}}
    (tmp_path / "rules.yaml").write_text(json.dumps(rules))
    report = made(filters=str(tmp_path / "rules.yaml"), keep_rejects=True, n=12)
    kept = datasets.load_dataset(str(report.root), split="train")
    lost = datasets.load_dataset(str(report.root), "rejects", split="train")
    assert set(lost["reason"]) == {"identity"} and len(kept) == 12
    assert max(lost["identity_agreement"]) < min(kept["identity_agreement"])
    assert f"identity {len(lost)}" in report.text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"set": {"colr": "red"}}, "--set colr: .*did you mean 'color'"),
        ({"set": {"height": 7}}, "--set height=7: outside of 0.14"),
        ({"set": {"color": "pink"}}, "one of blue, green, red, yellow, not 'pink'"),
        ({"set": {"color": "red"}, "balance": ("color",)}, "is to be balanced as well"),
        ({"source": None}, "give rows that have image, attributes with --given"),
        ({"field": {"attributes": "colr"}}, "no column 'colr' .*did you mean 'color'"),
    ],
)
def test_mistakes_are_told(changes, words, made):
    with pytest.raises(SynthgenError, match=words) as caught:
        made(**changes)
    assert "\n" not in str(caught.value)


def test_ageing_goes_by_one_number(made, trained, data):
    report = made("ages", set={"height": 0.2})
    found, rows = rows_made(trained, report, "ages")
    assert list(found.features["attributes"]) == ["height"]
    assert set(rows["attributes"][:, 0].tolist()) == {np.float32(0.2)}
    assert len(set(rows["source_attributes"][:, 0].tolist())) == 24
    assert found.features["color"].dtype == "string", "what is no age travels along"
    config = json.loads((trained("ages") / "bundle" / "config.json").read_text())
    assert config["options"]["identity"] == 1.0
    wrong = {**values(data, "ages"), "use_options": {"attribute": "color"}}
    with pytest.raises(SynthgenError, match="ageing goes by a number, and 'color' is none"):
        train(TrainSettings.parse({**wrong, "out": "unused"}))


def test_what_to_type_next_names_the_rows(trained):
    said = sampling_command(trained("edits") / "bundle")
    assert " --given DATA " in said and said.endswith("rows that have image and attributes")


@pytest.mark.parametrize("name", USES)
def test_the_notice_is_in_both_cards(name, made, trained):
    root = made(name).root
    assert "need a legal ground" in (trained(name) / "bundle" / "README.md").read_text()
    assert "need a legal ground" in (root / "README.md").read_text()


@pytest.mark.slow
def test_every_command_takes_such_a_dataset(made, trained, data, tmp_path, capsys):
    first = made(out="a", images_per_shard=12, keep_rejects=True, balance=("color",)).root
    second = made(out="b", seed=5).root
    real = ("--real", data)
    every_command(first, second, trained("edits"), real, tmp_path, capsys, "none")
    found = json.loads((first / "report" / "metrics.json").read_text())["edits"]
    told = {each["attribute"]: each for each in found["attributes"]}
    assert told["color"]["images"] + told["color"]["kept_images"] == 24 == found["images"]
    assert told["height"]["number"] and told["height"]["images"] == 0
    assert told["height"]["rank"] is not None and 0 <= found["identity"] <= 1
    assert found["compared"] == 24 and 0 <= found["nearest"] <= 1
    assert "images are nearer to their own source than" in (first / "README.md").read_text()
    assert "Edits, as the bundle" in (first / "report" / "report.html").read_text()
    learnt = ("utility", first, *real, "--test", "held-out", "--sizes", "all", "--seeds", 1,
              "--steps", 4, "--quick", "--attribute", "large", "--device", "cpu")  # fmt: skip
    assert command(*learnt) in (0, None)
    again = ("calibrate", trained("edits") / "bundle", "--data", data, "--device", "cpu")
    before = load_generator(str(trained("edits")), "cpu", "fp32").calibration["quantiles"]
    assert command(*again) in (0, None)
    after = load_generator(str(trained("edits")), "cpu", "fp32").calibration["quantiles"]
    assert after["identity_agreement"] == before["identity_agreement"]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(made, trained, data, tmp_path, commands):
    root = made(images_per_shard=6, balance=("color",)).root
    plain = [
        "sample", "--generator", trained("edits"), "--given", data, "--n", 24, "--filters", "none",
        "--device", "cpu", "--precision", "fp32", "--images-per-shard", 6, "--balance", "color",
        "--batch-size", 16,
    ]  # fmt: skip
    same_bytes_after_a_kill(plain, root, tmp_path, commands)


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(trained, data, tmp_path):
    same_weights_from_the_middle(trained("edits"), values(data, "edits"), tmp_path / "again")
