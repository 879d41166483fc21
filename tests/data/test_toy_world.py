"""The toy world that the uses' tests run on is what it says of itself."""

import numpy as np
from toy_world import (
    ATTRIBUTES,
    JOINTS,
    MASK_NAMES,
    PAIRS,
    SHAPES,
    runs,
    toy_world,
    write_metadata,
)


def test_a_scene_depends_on_its_seed_and_number_alone():
    few, many = toy_world(6, 32, 1), toy_world(9, 32, 1)
    assert (few.images == many.images[:6]).all() and few.captions == many.captions[:6]
    assert (few.images != toy_world(6, 32, 2).images).any()
    assert (np.bincount(many.labels) == 3).all()


def test_all_facts_of_a_scene_agree():
    toy = toy_world(60)
    for row in range(len(toy)):
        mask, image, shape = toy.masks[row], toy.images[row], SHAPES[toy.labels[row]]
        assert set(np.unique(mask)) == {0, 1 + toy.labels[row]}
        assert MASK_NAMES[mask.max()] == shape and shape in toy.captions[row]
        colors = np.unique(image[mask > 0], axis=0)
        assert len(colors) == 1, "the solid has one colour"
        red, _, blue = colors[0].astype(int)
        large, warm, height = toy.attributes[row]
        assert bool(warm) == (red > blue)
        assert ("large" in toy.captions[row]) == bool(large)
        down, across = np.nonzero(mask)
        assert abs((down.max() - down.min() + 1) / 32 - 2 * height) < 0.07
        top, left, right = toy.keypoints[row][:3]
        assert abs(top[1] - down.min()) <= 3 and left[0] < top[0] < right[0]
        assert across.min() - 1 <= left[0] and right[0] <= across.max() + 1
    assert len(JOINTS) == toy.keypoints.shape[1] and len(ATTRIBUTES) == toy.attributes.shape[1]
    assert all("left" in JOINTS[a] and "right" in JOINTS[b] for a, b in PAIRS)


def test_views_are_what_the_voxels_show():
    toy = toy_world(30)
    for voxels, views in zip(toy.voxels, toy.views, strict=True):
        front, flank = voxels.any(axis=0), voxels.any(axis=2).T
        assert ((views[0].max(axis=-1) > 0)[::2, ::2] == front).mean() > 0.94
        assert ((views[1].max(axis=-1) > 0)[::2, ::2] == flank).mean() > 0.94
        assert (views[0] == views[2]).all() and (views[1] == views[3]).all()
    different = (toy.views[:, 0] != toy.views[:, 1]).any(axis=(1, 2, 3))
    assert different.mean() > 0.9


def test_the_twin_has_another_look_and_the_same_forms():
    toy = toy_world(30)
    assert toy.twins.mean() < toy.images.mean() - 40
    for mask, twin in zip(toy.masks, toy.twins, strict=True):
        assert len(np.unique(twin[mask > 0], axis=0)) == 1


def test_run_lengths_give_the_mask_back():
    for mask in toy_world(9).masks:
        counts = runs(mask > 0)
        flat = np.repeat(np.arange(len(counts)) % 2, counts)
        assert ((mask > 0) == flat.reshape(mask.shape[::-1]).T).all()
    assert runs(np.ones((2, 2), bool)) == [0, 4]


def test_it_writes_itself_with_all_its_columns(tmp_path):
    write_metadata(toy_world(4), tmp_path)
    assert len(list((tmp_path / "masks").iterdir())) == 4
    assert '"mask_file_name": "masks/0003.png"' in (tmp_path / "metadata.jsonl").read_text()
