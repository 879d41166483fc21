"""What a run decides where its settings leave it open."""

import json

import numpy as np
import pytest
import torch

from synthgen.cli.options import settings_from
from synthgen.data.glance import Glance, glance
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import BUDGETS, TrainSettings
from synthgen.stages.train.decide import decide
from synthgen.stages.train.folder import begin, begun, decided_before
from synthgen.stages.train.per_class import parts
from synthgen.stages.train.sizes import SIZES, fit

CPU, GPU = torch.device("cpu"), torch.device("cuda")


class Watch:
    """Networks as fast as their width and side say."""

    def __init__(self, unit):
        self.unit = unit
        self.asked = []

    def seconds_per_image(self, side, options):
        self.asked.append((side, options.get("width")))
        return self.unit * (side / 32) ** 2 * (options.get("width", 32) / 12) ** 1.5

    def classifier_seconds_per_image(self, side):
        return self.unit / 10


def seen(side=200, per_class=400, classes=3):
    labels = np.repeat(np.arange(classes), per_class)
    names = tuple(f"c{k}" for k in range(classes))
    return Glance("photos", names, labels, side, side * side, 3, (), np.zeros(0, dtype=np.int64))


def decided(unit=0.001, device=CPU, glanced=None, **values):
    settings = TrainSettings.parse({"data": "photos", **values})
    return decide(settings, glanced or seen(), device, Watch(unit))


@pytest.mark.parametrize("device,cap", [(CPU, 64), (GPU, 128)])
def test_photographs_are_brought_to_a_side_that_the_device_can_train(device, cap):
    made = decided(device=device)
    assert made.settings.resolution == cap
    assert any(f"{cap} px" in line and "--resolution 200" in line for line in made.lines)
    small = decided(device=device, glanced=seen(side=28))
    assert small.settings.resolution == 28
    assert not any("--resolution" in line for line in small.lines)
    assert decided(device=device, resolution=200).settings.resolution == 200


def test_few_images_get_narrow_networks_unless_told_otherwise():
    few = decided()
    assert few.settings.options == {"width": 24, "widest": 192}
    assert (few.settings.images, few.settings.batch_size) == (120_000, 64)
    assert any("few images" in line and "--flip" in line for line in few.lines)
    assert not few.settings.flip
    assert decided(options={"width": 40}).settings.options == {"width": 40}
    assert decided(algorithm="stylegan2").settings.options == {}
    many = decided(glanced=seen(per_class=4000)).settings
    assert (many.options, many.images, many.batch_size) == ({}, 200_000, 128)


def test_more_minutes_never_give_smaller_or_narrower_networks():
    found = [decided(minutes=m).settings for m in (0.2, 1, 3, 10, 30, 100, 300, 1000)]
    sizes = [(s.resolution, s.options["width"]) for s in found]
    sides = [side for side, _ in sizes]
    assert sides == sorted(sides) and sizes[0] == (32, 12) and sizes[-1] == (64, 24)
    for side in set(sides):
        widths = [width for own, width in sizes if own == side]
        assert widths == sorted(widths)


def test_what_is_given_is_kept_under_a_budget_of_time():
    made = decided(minutes=1, resolution=96, options={"width": 20}, batch_size=6, ticks=3).settings
    assert (made.resolution, made.options, made.batch_size, made.ticks) == (
        96, {"width": 20}, 6, 3,
    )  # fmt: skip


def test_a_plan_says_what_twice_the_time_would_give():
    lines = decided(minutes=10).lines
    assert lines[0].startswith("10 minutes on this machine: ")
    assert lines[1].startswith("20 minutes would be ")


def test_a_long_run_on_a_cpu_says_so_with_the_line_to_copy():
    lines = decided(unit=0.05).lines
    assert any("hours here" in s and "--data photos --minutes 60" in s for s in lines)
    long = decided(unit=0.05, classes=("salt, pepper", "a"), flip=True, images=900_000).lines
    line = next(line for line in long if "--minutes" in line)
    assert "--classes '\"salt, pepper\",a' --flip" in line and "--images" not in line
    assert not any("--minutes" in line for line in decided(unit=0.0001).lines)
    assert not any("--minutes" in line for line in decided(unit=0.05, device=GPU).lines)


@pytest.mark.parametrize(
    "per_class,share", [(30, 0.2), (100, 0.2), (160, 0.156), (250, 0.1), (5000, 0.1)]
)
def test_the_hold_out_has_25_images_a_class_where_a_fifth_allows(per_class, share):
    assert decided(glanced=seen(per_class=per_class)).settings.holdout == share
    assert decided(glanced=seen(per_class=per_class), holdout=0.3).settings.holdout == 0.3


def test_samples_scored_are_at_most_four_times_the_real_ones():
    assert decided(glanced=seen(per_class=100)).settings.score_samples == 4 * 60
    assert decided(glanced=seen(per_class=20_000)).settings.score_samples == 2048
    short = decided(images=1000).settings
    assert (short.score_samples, short.ticks) == (125, 4)


def test_narrow_networks_are_measured_first_and_slow_ones_not_at_all():
    watch = Watch(0.01)
    found = fit(100, (64, 32), SIZES, {}, watch.seconds_per_image)
    assert (found.side, found.options) == (32, {"width": 12, "widest": 96})
    assert {width for _, width in watch.asked} <= {12, 16}


def test_private_images_are_spoken_of_first():
    assert any("--no-reference" in line for line in decided().lines)
    assert not any("--no-reference" in line for line in decided(reference=False).lines)


def test_a_glance_reads_sizes_and_colours_of_a_few(digit_folder):
    found = glance(TrainSettings.parse({"data": str(digit_folder)}))
    assert (found.short_side, found.channels, len(found.labels)) == (8, 1, 300)
    assert found.images(16, TrainSettings.parse({"data": "x"})).shape == (32, 16, 16, 1)
    assert set(found.encoded_labels) == {0, 1, 2}


def test_a_budget_of_the_command_line_takes_the_place_of_the_recipes(tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("images: 5000\ndata: photos\n")
    parsed = settings_from(TrainSettings, str(recipe), {"minutes": "3"}, BUDGETS)
    assert (parsed.images, parsed.minutes) == (None, 3.0)
    with pytest.raises(SynthgenError, match="say how long to train"):
        settings_from(TrainSettings, None, {"data": "x", "minutes": "3", "images": "5"}, BUDGETS)


def test_a_run_that_an_older_version_began_keeps_what_it_was_begun_with(digit_folder, tmp_path):
    older = {
        **TrainSettings.parse({"data": str(digit_folder)}).model_dump(mode="json"),
        "images": 200_000, "batch_size": 128, "holdout": 0.1, "ticks": 20,
        "score_samples": 2048, "classifier_images": 400_000,
    }  # fmt: skip
    (tmp_path / "settings.json").write_text(json.dumps(older))
    again = TrainSettings.parse({"data": str(digit_folder)})
    assert begun(tmp_path, again)
    kept = decided_before(tmp_path, again)
    assert (kept.resolution, kept.images, kept.score_samples) == (8, 200_000, 2048)
    assert kept.options == {}
    with pytest.raises(SynthgenError, match="images=200000, not 5"):
        begun(tmp_path, TrainSettings.parse({"data": str(digit_folder), "images": 5}))


def test_what_a_run_decided_is_what_it_goes_on_with(digit_folder, tmp_path):
    given = TrainSettings.parse({"data": str(digit_folder), "minutes": 3})
    made = decide(given, glance(given), CPU, Watch(0.001)).settings
    begin(tmp_path / "run", given, made)
    assert begun(tmp_path / "run", given)
    assert decided_before(tmp_path / "run", given) == made
    assert decided_before(tmp_path / "other", given) is None
    (tmp_path / "run" / "decided.json").write_text("{}")
    with pytest.raises(SynthgenError, match=r"decided\.json: 'resolution' is None"):
        decided_before(tmp_path / "run", given)


def test_each_class_of_a_set_has_its_share_of_the_time():
    settings = TrainSettings.parse({"data": "photos", "hours": 1, "per_class": True, "out": "o"})
    made = decide(settings, seen(), CPU, Watch(0.001)).settings
    own = parts(settings, made, ("a", "b", "c"))
    assert [part.seconds for part in own] == [1200.0] * 3
    assert {part.resolution for part in own} == {made.resolution}
