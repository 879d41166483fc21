"""Solids from views, on the toy world through every command."""

import json
import signal

import datasets
import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from solids import ANGLES, write_solids, write_table, write_views
from toy_world import toy_world, write_photos
from uses import (
    PLAIN,
    TINY,
    command,
    every_command,
    same_weights_from_the_middle,
    stored,
)

from synthgen.dataset.codecs.registry import codec_of
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.projection import foreground, overlap, pictures, silhouettes
from synthgen.spec.settings.inspect import InspectSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.finished.export import export
from synthgen.stages.inspect.stage import inspect
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.dry_run import describe
from synthgen.stages.train.stage import train

TOY = toy_world(60, 16)
SMALL = {"width": 4, "width_d": 4, "latent": 4}
USES = {
    "derived": {"options": SMALL},
    "views": {"options": SMALL},
    "noise": {"options": SMALL, "use_options": {"given": "nothing"}},
    "silhouettes": {"algorithm": "prgan", "options": {**SMALL, "embedding": 4}},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The toy world in the form that each run reads."""
    root = tmp_path_factory.mktemp("toy")
    return {
        "derived": write_solids(TOY, root / "derived"),
        "views": write_views(TOY, root / "views"),
        "noise": write_table(TOY, root / "noise", "array", views=False),
        "silhouettes": write_photos(TOY, root / "silhouettes", classes=True),
    }


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A function that gives the finished run of a name."""
    out = tmp_path_factory.mktemp("runs")

    def run(name):
        if not (out / name).exists():
            train(TrainSettings.parse({**values(data, name), "out": str(out / name)}))
        return out / name

    return run


def values(data, name):
    field = {"field": {"voxels": "shape"}} if name == "noise" else {}
    own = {**TINY, "use": "views-to-3d", **USES[name], **field}
    return {**own, "data": str(data[name]), "min_per_class": 2}


@pytest.fixture
def made(trained, data, tmp_path):
    """A function that samples: settings in, the report out."""

    def run(name, out="made", **changes):
        given = {} if name in ("noise", "silhouettes") else {"source": str(data[name])}
        settings = {
            **PLAIN, "generator": str(trained(name)), **given, "n": 20, "out": str(tmp_path / out),
        }  # fmt: skip
        return sample(SampleSettings.parse({**settings, **changes}))

    return run


def columns(trained, report, name):
    """The dataset, its generator, and stored rows by column, voxels among them."""
    generator = load_generator(str(trained(name)), "cpu", "fp32")
    data, rows = stored(report.root, generator)
    cells = data.with_format("arrow")[:].column("voxels").to_pylist()
    rows["voxels"] = codec_of(generator.task.fields["voxels"]).decode(cells)
    return data, generator, rows


@pytest.mark.parametrize("name", ["derived", "views", "noise"])
def test_the_image_is_a_picture_of_the_voxels_beside_it(name, made, trained, tmp_path):
    report = made(name)
    data, generator, rows = columns(trained, report, name)
    drawn = pictures(torch.from_numpy(rows["voxels"]), 16, 16)
    assert (drawn.numpy() == rows["image"]).all()
    assert data.features["voxels"] == datasets.Value("binary")
    assert generator.given == (() if name == "noise" else ("views",))
    assert generator.task.fields["voxels"].side == 8
    export(report.root, tmp_path / "files", "imagefolder")
    files = sorted((tmp_path / "files").rglob("*.voxels.npy"), key=lambda path: path.name)
    assert (np.stack([np.load(file) for file in files]) == rows["voxels"]).all()


def test_silhouettes_alone_give_solids_whose_silhouette_is_the_image(made, trained):
    _, _, rows = columns(trained, made("silhouettes"), "silhouettes")
    turns = [view * 45.0 for view in range(8)]
    seen = silhouettes(torch.from_numpy(rows["voxels"]), turns, 16, 16)
    shown = torch.from_numpy(rows["image"])[..., 0] > 127
    assert set(np.unique(rows["image"])) <= {0, 255}
    assert ((seen == shown[:, None]).flatten(2).all(dim=2)).any(dim=1).all()


@pytest.mark.parametrize("name", ["derived", "views"])
def test_views_are_compared_with_the_silhouettes_of_what_was_made(name, made, trained):
    data, _, rows = columns(trained, made(name), name)
    views = torch.from_numpy(rows["views"])
    again = silhouettes(torch.from_numpy(rows["voxels"]), ANGLES, 8, 8)
    wanted = overlap(again, foreground(views))
    assert np.allclose(data["views_agreement"], wanted, atol=1e-5)
    known = (
        silhouettes(torch.from_numpy(TOY.voxels), ANGLES, 8, 8).byte() * 255
        if name == "derived" else None
    )  # fmt: skip
    if known is not None:
        mine = {row.tobytes() for row in known[..., None].numpy()}
        assert all(row.tobytes() in mine for row in rows["views"])


def test_views_alone_are_enough_to_make_solids(made, trained, tmp_path):
    alone = write_views(TOY, tmp_path / "alone", solids=False)
    data, _, rows = columns(trained, made("views", source=str(alone)), "views")
    assert len(data) == 20 and rows["voxels"].shape == (20, 8, 8, 8)


def test_a_look_before_a_run_refuses_what_training_refuses(tmp_path):
    good = write_views(toy_world(16, 16), tmp_path / "good", classes=False)
    asked = {"use": "views-to-3d", "resolution": 16, "device": "cpu", "min_per_class": 2}
    found = inspect(InspectSettings.parse({**asked, "data": str(good)}))
    assert "column 'views': 16 times 4 views from 0, 90, 180, 270 degrees" in found.columns
    Image.new("RGB", (16, 16)).save(good / "views" / "0002" / "a.png")
    found = inspect(InspectSettings.parse({**asked, "data": str(good)}))
    assert [each.kind for each in found.warnings].count("empty views") == 1
    (good / "views" / "0002" / "a.png").unlink()
    trained = {**asked, **TINY, "data": str(good), "out": str(tmp_path / "run"), "options": SMALL}
    for look in (
        lambda: inspect(InspectSettings.parse({**asked, "data": str(good)})),
        lambda: describe(TrainSettings.parse(trained)),
        lambda: train(TrainSettings.parse(trained)),
    ):
        with pytest.raises(SynthgenError, match=r"0002.npy.*lacks the view views/0002/a.png"):
            look()


@pytest.mark.slow
def test_every_command_takes_such_a_dataset(made, trained, data, tmp_path, capsys):
    name = "derived"
    first = made(name, "a", images_per_shard=8, keep_rejects=True).root
    second = made(name, "b", seed=5).root
    real = ("--real", data[name])
    every_command(first, second, trained(name), real, tmp_path, capsys, "none")
    found = json.loads((first / "report" / "metrics.json").read_text())["reconstruction"]
    assert found["solids"] > 0 and found["trained_on"] == 0
    assert {len(found["overlaps"])} == {3} and all(0 <= x <= 1 for x in found["overlaps"].values())
    assert "IoU" in (first / "report" / "report.html").read_text()
    assert command("export", first, "--format", "glb", "--out", tmp_path / "glb") in (0, None)
    cells = datasets.load_dataset(str(first), split="train")["voxels"]
    files = sorted((tmp_path / "glb").rglob("*.glb"))
    assert len(files) == sum(any(cell) for cell in cells) > 0
    assert trimesh.load(files[0], force="mesh").is_watertight
    held = ("--test", "held-out", "--sizes", "2", "--seeds", 1, "--steps", 4, "--quick")
    held += ("--device", "cpu")
    assert command("utility", first, *real, *held) in (0, None)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(made, trained, data, tmp_path, commands):
    root = made("derived", n=10, images_per_shard=5).root
    plain = [
        "sample", "--generator", trained("derived"), "--given", data["derived"], "--n", 10,
        "--filters", "none", "--device", "cpu", "--precision", "fp32", "--images-per-shard", 5,
        "--out", tmp_path / "killed",
    ]  # fmt: skip
    assert commands.start(*plain, faults={40: signal.SIGKILL}).wait() != 0
    commands.run(*plain)
    there, wanted = (
        {path.name: path.read_bytes() for path in (folder / "data").iterdir()}
        for folder in (tmp_path / "killed", root)
    )
    assert there == wanted


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(trained, data, tmp_path):
    name = "silhouettes"
    same_weights_from_the_middle(trained(name), values(data, name), tmp_path / "again")
