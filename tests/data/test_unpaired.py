"""Two folders of images: pairs, or two sets that are none, and which of them is made."""

import pytest
from toy_world import save, toy_world, write_pairs, write_unpaired

from synthgen.data.strata import load_strata
from synthgen.data.unpaired import one_of_two, two_folders
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.two_sets import two_sets

TOY = toy_world(12, 16)


def settings(folder, **options):
    return DataSettings.parse({"data": str(folder), "min_per_class": 1, **options})


def two(folder, first="day", second="night", shared=0):
    """Six images in each of two folders, the first ``shared`` of them with names in common."""
    for row in range(6):
        save(TOY.images[row], folder / first / f"{row:04d}.png")
        name = f"{row:04d}.png" if row < shared else f"other{row}.png"
        save(TOY.twins[row], folder / second / name)
    return folder


def test_folders_of_pairs_and_of_two_sets_are_told_apart(tmp_path):
    pairs = two_folders(settings(write_pairs(TOY, tmp_path / "pairs")))
    assert pairs.paired and (pairs.source, pairs.made) == ("A", "B")
    found = two_folders(settings(write_unpaired(TOY, tmp_path / "sets")))
    assert not found.paired and (found.source, found.made) == ("trainA", "trainB")
    assert found.places[0].endswith("sets/trainB") and "--image-column trainA" in found.text


def test_two_folders_of_other_names_are_classes_until_one_is_named(tmp_path):
    folder = two(tmp_path)
    assert two_folders(settings(folder)) is None
    found = two_folders(settings(folder, image_column="night"))
    assert (found.source, found.made, found.paired) == ("day", "night", False)
    with pytest.raises(SynthgenError, match=r"no folder 'nigt'.*did you mean 'night'"):
        two_folders(settings(folder, image_column="nigt"))
    assert two_folders(settings(folder, image_column="night", structure="classes")) is None


def test_the_split_that_is_wanted_is_read(tmp_path):
    for split in ("train", "test"):
        two(tmp_path, f"{split}A", f"{split}B")
    for split in ("train", "test"):
        found = two_folders(settings(tmp_path, split=split))
        assert (found.source, found.made) == (f"{split}A", f"{split}B")


def test_one_of_two_sets_is_read_and_anything_else_as_it_was(tmp_path):
    sets = settings(two(tmp_path / "sets", "A", "B"))
    assert one_of_two(sets, made=True).data.endswith("sets/B")
    assert one_of_two(sets, made=False).data.endswith("sets/A")
    classes = sets.model_copy(update={"classes": ("A", "B")})
    assert one_of_two(classes, made=True) == classes, "they are classes of that name"
    pairs = settings(write_pairs(TOY, tmp_path / "pairs"))
    assert one_of_two(pairs, made=False) == pairs
    everything = sets.model_copy(update={"classes": ("all",), "resolution": 16})
    data = load_strata(everything, beside=True)
    assert (data.images == TOY.twins[:6]).all()


def test_some_names_in_common_end_in_one_line(tmp_path):
    folder = two(tmp_path, "A", "B", shared=4)
    assert two_folders(settings(folder)).paired
    from synthgen.data.records import open_rows

    with pytest.raises(SynthgenError, match=r"has no partner .* \(4 such files .* 4 pairs\)"):
        open_rows(settings(folder))


def test_a_source_that_is_named_makes_two_sets_whatever_files_are_called(tmp_path):
    folder = two(tmp_path, shared=6)
    named = {"data": str(folder / "night"), "source": str(folder / "day"), "use": "x"}
    found = two_sets(TrainSettings.parse(named))
    assert found.kinds == ("day", "night") and found.text == ""
    assert found.made.data.endswith("night") and found.source.data.endswith("day")
    assert found.source.use is None and not found.labelled
