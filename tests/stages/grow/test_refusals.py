"""What ``synthgen grow`` refuses, in one line."""

import shutil

import pytest
from growing import settings

from synthgen.spec.errors import SynthgenError
from synthgen.stages.grow.folder import begun
from synthgen.stages.grow.stage import grow


def test_a_folder_of_other_images_or_files_is_refused(images, tmp_path):
    other = tmp_path / "foreign"
    other.mkdir()
    (other / "mine.txt").write_text("x")
    with pytest.raises(SynthgenError, match="is not empty and holds no run"):
        grow(settings(images, other))
    assert [path.name for path in other.iterdir()] == ["mine.txt"]
    changed = tmp_path / "images"
    shutil.copytree(images, changed)

    def no_step(name, work):
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        grow(settings(changed, out), no_step)
    assert begun(out, settings(changed, out))
    next((changed / "pool").iterdir()).unlink()
    with pytest.raises(SynthgenError, match="the unlabelled images are others than when"):
        grow(settings(changed, out), no_step)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": ("one",)}, "has the one class 'one', and there is nothing to tell apart"),
        ({"unlabelled": "few"}, "all images of the pool are labelled ones"),
        ({"out": "memory://grown"}, "a dataset that grows goes into a folder of this machine"),
        ({"labelled": "nowhere/at/all"}, "no such folder"),
    ],
)
def test_a_mistake_is_one_line(images, tmp_path, changes, words):
    changes = {k: str(images / v) if v == "few" else v for k, v in changes.items()}
    with pytest.raises(SynthgenError, match=words):
        grow(settings(images, tmp_path / "out", **changes))
    assert not (tmp_path / "out").exists()


def test_classifiers_that_are_sure_of_nothing_end_the_run_in_one_line(images, tmp_path):
    with pytest.raises(SynthgenError, match=r"sure of no image .* lower --confidence"):
        grow(settings(images, tmp_path / "out", confidence=0.9999, steps=1))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"minutes": 1}, "images and minutes both say how long"),
        ({"sample_share": 0.9, "pool_share": 0.2}, "add up to 1.1"),
        ({"class_ratio": 0.5}, "'class_ratio' is 0.5"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(images, tmp_path, changes, words):
    with pytest.raises(SynthgenError, match=words):
        settings(images, tmp_path, **changes)
