"""Fields know their rows; tasks say what is given; conditions enter networks in one way."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from synthgen.algorithms.registry import build, find, registered
from synthgen.networks.condition import Mixed, embed, misread, readable
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image, Label
from synthgen.spec.frames import Windows
from synthgen.spec.image import ImageSpec
from synthgen.spec.kinds import field_from_json, field_to_json
from synthgen.spec.maps import Keypoints, Mask
from synthgen.spec.solids import Views, Voxels
from synthgen.spec.task import Derived, Task, label_to_image, sampled, two_kinds
from synthgen.spec.texts import Text
from synthgen.spec.vectors import Attributes
from synthgen.training.augment import no_augmentation
from synthgen.training.batches import Stream, TaskBatches, random_windows
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings

BODY = Keypoints(("left", "right", "head"), 16, 12, ((0, 2), (1, 2)), ((0, 1),))
FIELDS = [
    Image(16, 12, 3, "night"), Label(("a", "b")), Attributes(("smiling", "age"), {"age": (0, 90)}),
    Text(40, 64), Mask(("sky", "road", "car"), 16, 12), BODY, Voxels(5), Views(4, 8, 8, 1),
]  # fmt: skip
RNG = np.random.default_rng(0)


def stored(field, count=6):
    """Random stored rows."""
    dtype, shape = field.stored()
    if isinstance(field, Text):
        return np.stack([field.read(f"a red car {k}") for k in range(count)])
    if isinstance(field, Keypoints):
        rows = RNG.integers(0, 12, (count, *shape)).astype(np.float32)
        rows[..., 2] = 1
        return rows
    if isinstance(field, Attributes):
        return np.stack([[k % 2, 30.0 + k] for k in range(count)]).astype(np.float32)
    most = len(getattr(field, "names", ())) or (2 if isinstance(field, Voxels) else 256)
    return RNG.integers(0, most, (count, *shape)).astype(dtype)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.kind)
def test_rows_go_to_networks_and_back_and_a_field_to_json_and_back(field):
    assert field_from_json(field_to_json(field)) == field
    rows = torch.from_numpy(stored(field))
    tensor = field.tensor(rows)
    sizes = {"index": (), "vector": (field.entering,)}
    if field.enters in sizes:
        assert tensor.shape[1:] == sizes[field.enters]
    else:
        assert tensor.shape[1] == field.entering and tensor.is_floating_point()
    if isinstance(field, Label):
        tensor = torch.nn.functional.one_hot(tensor, 2).float()
    if isinstance(field, Text):
        with pytest.raises(SynthgenError, match="cannot be made"):
            field.rows(tensor)
        return
    again, finite = field.rows(tensor)
    assert torch.allclose(again.float(), rows.float(), atol=1e-3) and finite.all()
    assert torch.equal(field.mirrored(field.mirrored(rows)), rows)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.kind)
def test_a_damaged_field_is_one_line(field):
    record = field_to_json(field)
    for key in [key for key in record if key not in ("kind", "shows", "ranges")]:
        for junk in (None, -1, {"a": 1}):
            if key in ("skeleton", "pairs") and junk is None:
                continue
            with pytest.raises(SynthgenError):
                field_from_json({**record, key: junk})


def test_what_is_written_is_read():
    tags = Attributes(("smiling", "blond"))
    assert tags.read(["blond"]).tolist() == [0, 1]
    assert tags.read({"smiling": "yes"}).tolist()[0] == 1 and np.isnan(tags.read({})[0])
    assert tags.tensor(torch.tensor([[1.0, float("nan")]])).tolist() == [[1, 0]]
    with pytest.raises(ValueError, match="did you mean 'blond'"):
        tags.read({"blonde": 1})
    near, far = Text().tensor(torch.from_numpy(np.stack([Text().read(t) for t in
                 ("red colour", "red color", "blue sphere")]))) @ Text().tensor(
                 torch.from_numpy(Text().read("red colour")[None])).T, None  # fmt: skip
    assert far is None and near[1] > 0.5 > near[2]
    mask = Mask(("a", "b", "c"), 8, 8).read(
        np.kron([[0, 2], [2, 0]], np.ones((16, 16))).astype("u1")
    )
    assert set(np.unique(mask)) == {0, 2}  # the mean of two classes is no third one


def cases():
    rng = np.random.default_rng(1)
    return [(rng.integers(0, 2**31), bool(k % 2)) for k in range(300)]


def test_images_maps_and_joints_move_together_in_three_hundred_cases():
    """Against scipy's interpolation and plain arithmetic on the joints."""
    side, image, mask = 12, Image(12, 12, 1), Mask(tuple("abcde"), 12, 12)
    body = Keypoints(("left", "right"), side, side, (), ((0, 1),))
    for seed, flip in cases():
        rng = np.random.default_rng(seed)
        picture = rng.integers(0, 256, (side, side)).astype(np.uint8)
        classes = rng.integers(0, 5, (side, side)).astype(np.uint8)
        joints = np.concatenate([rng.uniform(0, side - 1, (2, 2)), np.ones((2, 1))], axis=1)
        top, left = rng.uniform(-0.4, 0.4, 2)
        height, width = rng.uniform(0.5, 1.5, 2)
        windows = Windows(*(torch.tensor([v], dtype=torch.float64)
                            for v in (top, left, height, width)))  # fmt: skip
        rows = (torch.from_numpy(picture)[None, ..., None], torch.from_numpy(classes)[None],
                torch.from_numpy(joints)[None])  # fmt: skip
        made = [f.framed(r, windows) for f, r in zip((image, mask, body), rows, strict=True)]
        if flip:
            made = [f.mirrored(r) for f, r in zip((image, mask, body), made, strict=True)]
        centres = (np.arange(side) + 0.5) / side
        down = (top + height * centres) * side - 0.5
        right = (left + width * (centres[::-1] if flip else centres)) * side - 0.5
        grid = np.meshgrid(down, right, indexing="ij")
        wanted = map_coordinates(picture.astype(float), grid, order=1, mode="grid-constant")
        assert np.abs(made[0][0, ..., 0].numpy() - wanted).max() <= 1
        nearest = np.stack([np.floor(axis + 0.5) for axis in grid]).astype(int)
        inside = ((nearest >= 0) & (nearest < side)).all(axis=0)
        clipped = nearest.clip(0, side - 1)
        assert np.array_equal(made[1][0].numpy(), classes[clipped[0], clipped[1]] * inside)
        x = ((joints[:, 0] + 0.5) / side - left) / width * side - 0.5
        y = ((joints[:, 1] + 0.5) / side - top) / height * side - 0.5
        seen = (x >= -0.5) & (x < side - 0.5) & (y >= -0.5) & (y < side - 0.5)
        x = side - 1 - x if flip else x
        order = [1, 0] if flip else [0, 1]
        wanted_joints = np.stack([x, y, seen], axis=1)[order]
        assert np.allclose(made[2][0].numpy(), wanted_joints, atol=1e-6)


def test_batches_have_every_field_and_move_the_joints_with_the_image():
    """A bright dot stays under its joint; the look-alike moves the image alone."""
    task = Task(
        {"image": Image(16, 16, 1), "joint": Keypoints(("dot",), 16, 16)},
        ("joint",), ("image",), (("image", "joint"),),
    )  # fmt: skip
    at = RNG.integers(4, 12, (20, 2))
    images = np.zeros((20, 16, 16, 1), np.uint8)
    images[np.arange(20), at[:, 1], at[:, 0]] = 255
    joints = np.concatenate([at[:, None], np.ones((20, 1, 1))], axis=2).astype(np.float32)
    stream = Stream({"image": images, "joint": joints}, np.arange(20), 0)

    def gap(batch):
        flat = batch["image"].flatten(1).argmax(dim=1)
        return (flat - batch["joint"].flatten(1).argmax(dim=1)).abs().float()

    batches = TaskBatches(task, [stream], flip=True, move=0.2)
    assert (gap(batches.at(0, 20, torch.device("cpu"))) <= 17).all()
    batches._task = Task({**task.fields, "joint": StaysPut(("dot",), 16, 16)}, task.given,
                         task.made, task.streams)  # fmt: skip
    assert (gap(batches.at(0, 20, torch.device("cpu"))) > 17).any()


class StaysPut(Keypoints):
    def framed(self, rows, windows):
        return rows

    def mirrored(self, rows):
        return rows


def attributes_task(side=16):
    fields = {"image": Image(side, side, 1), "tags": Attributes(("a", "b", "c"))}
    return Task(fields, ("tags",), ("image",), (("image", "tags"),))


ONE_STREAM = [n for n, f in registered().items() if f.takes.streams == 1 and not f.takes.plainest]


@pytest.mark.parametrize("name", ONE_STREAM)
def test_an_algorithm_takes_a_vector_in_place_of_a_class(name, small_networks):
    from synthgen.algorithms.contract import Tensors

    torch.manual_seed(0)
    algorithm = build(name, attributes_task(), small_networks[name])
    tags = torch.tensor([[1.0, -1, 0], [1, 1, 0], [-1, 1, 1], [1, 0, -1]])
    known = sampled(attributes_task(), torch.zeros(4, dtype=torch.int64), {"tags": tags})
    for latent, shape in algorithm.latents.items():
        known[latent] = torch.randn(1, *shape.shape).expand(4, *shape.shape)
    known["image"] = torch.rand(4, 1, 16, 16)
    scalars = {key: schedule.at(0.9) for key, schedule in algorithm.schedules.items()}
    t = Tensors(algorithm.networks, algorithm.tensors, known, {**scalars, "truncation": 1.0},
                lambda x: x)  # fmt: skip
    image = t[algorithm.samples["image"]]
    assert image.shape == (4, 1, 16, 16) and (image[0] - image[1]).abs().max() > 1e-5
    for phase in algorithm.phases:
        for term in phase.terms.values():
            assert torch.isfinite(term.formula(t))


@pytest.mark.parametrize("name", ONE_STREAM)
def test_an_algorithm_trains_on_a_label_and_attributes_that_are_partly_unknown(
    name, small_networks
):
    field = Attributes(("a", "age", "hair"), {"age": (0, 9)}, {"hair": ("red", "grey")})
    fields = {"image": Image(16, 16, 1), "label": Label(("x", "y")), "attributes": field}
    given = ("label", "attributes")
    task = Task(fields, given, ("image",), (("image", *given),), stratum="label")
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, 2, 16), rng.uniform(0, 9, 16), rng.integers(0, 2, 16)], axis=1)
    rows[::3, 0] = np.nan
    columns = {
        "image": rng.integers(0, 255, (16, 16, 16, 1), dtype=np.uint8),
        "label": np.arange(16) % 2, "attributes": rows.astype(np.float32),
    }  # fmt: skip
    batches = TaskBatches(task, [Stream(columns, np.arange(16), 0)], flip=True)
    loop = LoopSettings(
        images=16, batch_size=8, seed=0, ema_half_life=0.05, augment=no_augmentation,
        precision=torch.float32, device=torch.device("cpu"),
    )  # fmt: skip
    torch.manual_seed(0)
    training = Training(build(name, task, small_networks[name]), batches, loop)
    before = [p.clone() for p in training.algorithm.networks["G"].parameters()]
    for _ in range(2):
        training.step()  # raises where a loss or a weight is not finite
    changed = [
        not torch.equal(old, new)
        for old, new in zip(before, training.algorithm.networks["G"].parameters(), strict=True)
    ]
    assert any(changed)


def test_an_index_and_a_vector_are_embedded_beside_each_other():
    fields = {"image": Image(8, 8, 1), "label": Label(("x", "y")), "tags": Attributes(("a", "b"))}
    task = Task(
        fields, ("tags", "label"), ("image",), (("image", "label", "tags"),), stratum="label"
    )
    module = embed(task, 10)
    known = {"label": torch.tensor([0, 1]), "tags": torch.tensor([[1.0, -1], [1, -1]])}
    condition = task.condition(known, 2)
    assert condition.tolist() == [[0, 1, -1], [1, 1, -1]] and isinstance(module, Mixed)
    out = module(condition)
    assert out.shape == (2, 10) and (out[0, :5] != out[1, :5]).any()
    assert torch.equal(out[0, 5:], out[1, 5:]) and readable(task) == 4
    right = torch.tensor([[9.0, -9, 1, -1], [-9, 9, 1, -1]])
    assert misread(task, right, condition) < 1e-3 < misread(task, -right, condition)
    assert type(embed(label_to_image(("x", "y"), ImageSpec(8, 8, 1)), 4)) is torch.nn.Embedding


def test_tasks_go_to_json_and_back_and_mistakes_are_told():
    derived = {"small": Derived("area_down", ("image",))}
    fields = {"image": Image(8, 8, 1), "small": Image(4, 4, 1)}
    task = Task(fields, ("small",), ("image",), (("image",),), derived)
    assert Task.from_json(task.to_json()) == task
    with pytest.raises(SynthgenError, match="none of its fields"):
        Task(fields, ("smal",), ("image",), (("image",),), derived)
    with pytest.raises(SynthgenError, match="takes no map as a condition, which 'small' is"):
        build("r3gan", task, {})
    with pytest.raises(SynthgenError, match="learns from 2 sets of rows, this task has 1"):
        build("cyclegan", label_to_image(("a",), ImageSpec(8, 8, 1)), {})
    pair = two_kinds(("a",), ImageSpec(8, 8, 1), ("day", "night"))
    assert pair.kinds == ("day", "night") and find("cogan").takes.task(
        ("a",), ImageSpec(8, 8, 1)
    ).made == ("image", "source")


def test_windows_are_as_far_as_is_said():
    windows = random_windows(500, 0.25, torch.device("cpu"))
    assert windows.height.min() >= 0.75 and windows.height.max() <= 1.25
    assert torch.equal(windows.height, windows.width)
