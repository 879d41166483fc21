import json
import shutil

import numpy as np
import pytest

from synthgen.generators.zoo import bundled_names, find_bundled, load_generator, short_name
from synthgen.spec.errors import SynthgenError


@pytest.fixture
def bundle(run_folder, tmp_path):
    return shutil.copytree(run_folder / "bundle", tmp_path / "copy")


def fails(folder, words):
    with pytest.raises(SynthgenError, match=words) as caught:
        load_generator(str(folder), "cpu", "fp32")
    assert "\n" not in str(caught.value)


def edit(bundle, **changes):
    path = bundle / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_samples_depend_on_seed_class_and_number_but_not_on_the_batch(bundle):
    generator = load_generator(str(bundle), "cpu", "fp32")
    images = generator.sample(["two", "one", "two"], batch_size=4)
    assert images.shape == (3, 8, 8, 1) and images.dtype == np.uint8
    assert not np.array_equal(images[0], images[2])
    again = generator.sample([2, 2, 1], batch_size=64)
    assert np.abs(again[[0, 2, 1]].astype(int) - images.astype(int)).max() <= 1
    assert not np.array_equal(generator.sample(["two"], seed=1), images[:1])


def test_truncation_nought_gives_one_image_a_class(bundle):
    images = load_generator(str(bundle), "cpu", "fp32").sample(["one"] * 3, truncation=0.0)
    assert np.array_equal(images[0], images[1]) and np.array_equal(images[1], images[2])


def test_wrong_classes_are_answered_with_the_nearest(bundle):
    generator = load_generator(str(bundle), "cpu", "fp32")
    with pytest.raises(SynthgenError, match=r"class 'tow' .*did you mean 'two'"):
        generator.sample(["tow"])
    with pytest.raises(SynthgenError, match="class 3 is not in generator"):
        generator.sample([3])


@pytest.mark.parametrize("name", ["generator.safetensors", "classifier.safetensors"])
def test_a_truncated_file_is_named(bundle, name):
    (bundle / name).write_bytes((bundle / name).read_bytes()[:-10])
    fails(bundle, f"{name}: truncated or changed")


def test_a_missing_file_is_named(bundle):
    (bundle / "generator.safetensors").unlink()
    fails(bundle, "generator.safetensors: No such file")


def test_folders_that_are_no_bundle(bundle, tmp_path):
    (tmp_path / "empty").mkdir()
    fails(tmp_path / "empty", "holds no generator bundle")
    (bundle / "config.json").write_text("{")
    fails(bundle, "config.json: damaged")
    (bundle / "config.json").write_text('{"model_type": "bert"}')
    fails(bundle, "is not the configuration of a synthgen generator")


def test_bundles_of_something_else(bundle):
    original = (bundle / "config.json").read_text()
    for changes, words in (
        ({"version": 9}, "bundle version 9"),
        ({"algorithm": "r4gan"}, "no algorithm 'r4gan'"),
        (
            {"options": {"width": 9, "widest": 16, "latent": 8, "style": 16}},
            "not of algorithm 'r3gan' with these options",
        ),
        ({"latents": {"w": [8]}}, "its latents are"),
        ({"files": {"../../etc/passwd": "0"}}, "which is no file of a bundle"),
        ({"classes": []}, "classes"),
        ({"surprise": 1}, "unknown key 'surprise'"),
    ):
        (bundle / "config.json").write_text(original)
        edit(bundle, **changes)
        fails(bundle, words)


def test_a_pickle_in_place_of_weights_is_never_opened(bundle):
    import hashlib
    import pickle

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    content = pickle.dumps((Bomb(), bytes(1_000_000)))
    (bundle / "generator.safetensors").write_bytes(content)
    files = json.loads((bundle / "config.json").read_text())["files"]
    files["generator.safetensors"] = hashlib.sha256(content).hexdigest()
    edit(bundle, files=files)
    fails(bundle, "not a safetensors file")


def test_names_of_generators(run_folder):
    assert "fashion-mnist-28" in bundled_names()
    assert find_bundled(["bag", "coat"]) == "fashion-mnist-28"
    assert short_name(str(run_folder)) == short_name(str(run_folder / "bundle")) == "digits"
    with pytest.raises(SynthgenError, match=r"knows class 'coatt' .*did you mean 'coat'.*train"):
        find_bundled(["bag", "coatt"])
    fails("fashion-mnist", "no generator 'fashion-mnist'.*did you mean 'fashion-mnist-28'")


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_generators_make_what_their_own_classifier_recognises(name):
    import torch

    from synthgen.spec.image import to_float

    generator = load_generator(name, "cpu")
    labels = np.repeat(np.arange(len(generator.classes)), 10)
    images = generator.sample(labels.tolist())
    guess = generator.classifier(to_float(torch.from_numpy(images))).argmax(dim=1).numpy()
    assert (guess == labels).mean() > 0.5
    assert sum(path.stat().st_size for path in generator.folder.iterdir()) <= 10_000_000
