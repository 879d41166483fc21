"""Few labelled digits, a pool, a test set, and what grows of them once for all tests."""

import pytest
from growing import LABELLED, NAMES, POOL, settings
from PIL import Image


@pytest.fixture(scope="package")
def images(digits, tmp_path_factory):
    """A folder with few labelled digits, a flat pool with a stranger among them, and a test set of
    which one image is in the pool."""
    root = tmp_path_factory.mktemp("grow")
    pixels, labels = digits
    (root / "pool").mkdir()
    for label, name in enumerate(NAMES):
        own = pixels[labels == label][..., 0]
        for part, rows in (("few", own[:LABELLED]), ("test", own[[59, *range(70, 95)]])):
            (root / part / name).mkdir(parents=True)
            for number, each in enumerate(rows):
                Image.fromarray(each).save(root / part / name / f"{number}.png")
        for number, each in enumerate(own[POOL]):
            Image.fromarray(each).save(root / "pool" / f"{label}-{number:03d}.png")
    for number, each in enumerate(pixels[labels == 7][:20, ..., 0]):
        Image.fromarray(each).save(root / "pool" / f"stranger-{number}.png")
    return root


@pytest.fixture(scope="package", autouse=True)
def short_classifiers():
    """The label classifier of each round's training learns for a moment: no test is of it."""
    from synthgen.stages.train import decide

    patch = pytest.MonkeyPatch()
    patch.setattr(decide, "CLASSIFIER_IMAGES", (800, 800))
    yield
    patch.undo()


@pytest.fixture(scope="package")
def grown(images, tmp_path_factory):
    out = tmp_path_factory.mktemp("grown") / "out"
    from synthgen.stages.grow.stage import grow

    return grow(settings(images, out))
