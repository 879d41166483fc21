"""Solids seen from a side: known silhouettes, turns, gradients, and look-alikes that fail."""

import pytest
import torch
from toy_world import toy_world

from synthgen.spec.errors import SynthgenError
from synthgen.spec.projection import (
    foreground,
    hull,
    lifted,
    overlap,
    pictures,
    projected,
    silhouettes,
    turned,
    turned_each,
    views_agree,
)
from synthgen.spec.solids import Views

S = 8


def box(side=S):
    """A box of no symmetry: depth 2 to 4, row 1 to 5, column 0 to 2."""
    solid = torch.zeros(1, side, side, side, dtype=torch.uint8)
    solid[:, 2:5, 1:6, 0:3] = 1
    return solid


def strongest(lines, density):
    """A projection's look-alike: the strongest voxel of each line of sight."""
    return 1 - torch.exp(-density * lines.amax(dim=1))


def unturned(solids, angle, height, width):
    """A turn's look-alike: it permutes no axis."""
    return solids.float()


def squares(turn):
    """Whether a cube from each axis is its square."""
    cube = torch.zeros(1, S, S, S)
    cube[:, 2:5, 3:6, 1:4] = 1
    ok = True
    for angle, rows in ((0, cube.amax(1)), (90, cube.amax(3).transpose(1, 2))):
        shown = projected(turn(cube, angle, S, S), 30.0)
        ok = ok and bool(torch.allclose(shown, rows, atol=1e-5))
    return ok


def test_the_projection_of_a_cube_from_the_axes_is_its_square():
    assert squares(turned)
    assert not squares(unturned)


def test_a_quarter_turn_permutes_the_axes():
    solid = torch.rand(1, S, S, S)
    quarter = turned(solid, 90, S, S)
    assert torch.equal(quarter, solid.permute(0, 3, 2, 1).flip(1))
    assert not torch.equal(unturned(solid, 90, S, S), quarter)
    half = turned(solid, 180, S, S)
    assert torch.equal(half, solid.flip(1, 3))
    again = turned(quarter, 90, S, S)
    assert torch.equal(again, half)


def reached(project):
    """The share of the voxels on lines of sight that the projection has a gradient at."""
    solid = torch.full((1, S, S, S), 0.1, requires_grad=True)
    project(turned(solid, 0, S, S), 1.0).sum().backward()
    return float((solid.grad > 0).float().mean())


def test_gradients_reach_every_voxel_that_is_seen():
    assert reached(projected) == 1
    assert reached(lambda lines, density: (lines.sum(1) > 0.5).float() + 0 * lines[:, 0]) == 0
    distinct = torch.rand(1, S, S, S, requires_grad=True)
    strongest(turned(distinct, 0, S, S), 1.0).sum().backward()
    assert (distinct.grad > 0).float().mean() < 0.2, "a look-alike: one voxel a line alone"
    full = torch.ones(1, 32, 32, 32, requires_grad=True)
    projected(turned(full, 0, 32, 32), 1.0).sum().backward()
    assert (full.grad > 0).all(), "where all is filled, too"


def test_each_of_a_batch_has_its_own_angle():
    solids = torch.rand(3, S, S, S)
    angles = torch.tensor([0.0, 90.0, 45.0])
    found = turned_each(solids, angles, S, 6)
    for row, angle in enumerate(angles.tolist()):
        one = turned(solids[row : row + 1], angle, S, 6)
        assert torch.allclose(found[row], one[0], atol=1e-6)


def test_a_lifted_view_is_seen_as_it_was():
    view = torch.rand(2, 3, S, S)
    for angle in (0, 90, 180, 270):
        volume = lifted(view, angle, S)
        assert volume.shape == (2, 3, S, S, S)
        seen = turned(volume[:, 0], angle, S, S)
        assert torch.allclose(seen, view[:, :1].expand(-1, S, -1, -1), atol=1e-6)


def test_the_hull_of_a_box_is_the_box_and_never_less_than_the_solid():
    turns = (0.0, 90.0, 180.0, 270.0)
    views = (silhouettes(box(), turns, S, S).byte() * 255)[..., None]
    assert torch.equal(hull(views, turns, S), box())
    assert not torch.equal(hull(views.roll(1, 1), turns, S), box()), "views under wrong angles"
    toy = torch.from_numpy(toy_world(12, 16).voxels)
    seen = (silhouettes(toy, turns, S, S).byte() * 255)[..., None]
    assert (hull(seen, turns, S) >= toy).all()


def test_what_views_show_is_found_on_any_plain_background():
    turns = (0.0, 90.0)
    shown = silhouettes(box(), turns, S, S)
    white = (shown.byte() * 255)[..., None]
    assert torch.equal(foreground(white), shown)
    photo = torch.full((1, 2, S, S, 3), 200, dtype=torch.uint8)
    photo[shown] = torch.tensor([200, 60, 200], dtype=torch.uint8)
    assert torch.equal(foreground(photo), shown)
    assert views_agree(white, photo).item() == 1
    assert views_agree(white, photo.roll(1, 1)).item() < 0.9


def test_overlap_is_that_of_sets():
    one, other = torch.zeros(3, 4, dtype=torch.bool), torch.zeros(3, 4, dtype=torch.bool)
    one[0, :2], other[0, 1:3] = True, True
    one[1, 0] = True
    assert overlap(one, other).tolist() == pytest.approx([1 / 3, 0, 1])


def test_a_picture_depends_on_its_own_solid_and_tells_sides_apart():
    solids = torch.cat([box(), box().flip(1), box().flip(3)])
    drawn = pictures(solids, 2 * S, 2 * S, 3)
    assert drawn.shape == (3, 2 * S, 2 * S, 3) and drawn.dtype == torch.uint8
    assert torch.equal(drawn[1:2], pictures(solids[1:2], 2 * S, 2 * S, 3))
    assert (drawn[0] != drawn[1]).any() and (drawn[0] != drawn[2]).any()
    assert not pictures(torch.zeros_like(box()), 16, 16).any()
    assert pictures(box(), 12, 20).shape == (1, 12, 20, 1)


def test_views_in_the_mirror_are_those_of_the_mirrored_solid():
    turns = (0.0, 60.0, 300.0)
    field = Views(3, S, S, 1, turns)
    views = (silhouettes(box(), turns, S, S).byte() * 255)[..., None]
    mirrored = (silhouettes(box().flip(3), turns, S, S).byte() * 255)[..., None]
    assert torch.equal(field.mirrored(views), mirrored)
    assert not torch.equal(views.flip(3), mirrored), "a look-alike: angles are not changed"
    with pytest.raises(SynthgenError, match="leave out --flip"):
        Views(2, S, S, 1, (0.0, 60.0)).mirrored(views[:, :2])
