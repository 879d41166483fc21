"""Meshes of solids, read back by another program's reader."""

import io

import numpy as np
import pytest
import trimesh

from synthgen.spec.errors import SynthgenError
from synthgen.stages.finished import meshes
from synthgen.stages.finished.meshes import mesh_file


def solid():
    """A box of 6 x 8 x 5 voxels (depth, row, column) that touches the grid's left border."""
    found = np.zeros((16, 16, 16), np.uint8)
    found[4:10, 3:11, 0:5] = 1
    return found


def read(content, form):
    return trimesh.load(io.BytesIO(content), file_type=form, force="mesh")


@pytest.mark.parametrize("form", ["obj", "glb"])
def test_a_box_is_closed_and_as_large_as_its_voxels(form):
    mesh = read(mesh_file(solid(), form), form)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0
    assert mesh.extents.tolist() == pytest.approx([5, 8, 6])
    # The left of the grid is at its left, its rows go downwards, its front looks along z.
    assert mesh.bounds[0].tolist() == pytest.approx([-8, -3, -2])


def test_a_mesh_is_not_mirrored():
    corner = solid()
    corner[4:6, 3:5, 5:9] = 1  # in front, above, to the right
    mesh = read(mesh_file(corner, "obj"), "obj")
    right = mesh.vertices[mesh.vertices[:, 0] > -2]
    assert (right[:, 1] > 2).all() and (right[:, 2] > 1).all()


def test_an_empty_solid_has_no_mesh():
    assert mesh_file(np.zeros((4, 4, 4), np.uint8), "obj") is None


def test_what_is_missing_is_told_in_one_line(monkeypatch):
    def missing(name):
        raise ImportError("no module", name=name)

    monkeypatch.setattr(meshes, "import_module", missing)
    with pytest.raises(SynthgenError, match=r"skimage.measure is missing.*synthgen\[3d\]"):
        mesh_file(solid(), "obj")
