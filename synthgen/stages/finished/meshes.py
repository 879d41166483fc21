"""Solids of a finished dataset as meshes that any viewer opens."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np

from synthgen.dataset.manifest import Manifest
from synthgen.spec.errors import SynthgenError
from synthgen.spec.solids import Voxels

MeshFormat = Literal["obj", "glb"]
HALF = 0.5
"""Between an empty voxel and a filled one."""


def _packages() -> tuple[Any, Any]:
    try:
        return import_module("skimage.measure"), import_module("trimesh")
    except ImportError as error:
        raise SynthgenError(
            f"meshes need scikit-image and trimesh ({error.name} is missing): "
            "pip install 'synthgen[3d]'"
        ) from None


def solid_column(manifest: Manifest) -> str:
    """The column of solids.

    Raises:
        SynthgenError: the dataset has none.
    """
    fields = manifest.columns.fields.items()
    found = next((name for name, field in fields if isinstance(field, Voxels)), None)
    if found is None:
        raise SynthgenError("this dataset has no solids: meshes are made of a column of voxels")
    return found


@dataclass(frozen=True)
class Meshes:
    """Makes the meshes of one column."""

    column: str
    form: MeshFormat

    def apart(self, files: Mapping[str, bytes]) -> tuple[dict[str, bytes], bytes | None]:
        """A row's files by ``column.ending`` without its solid, and the mesh of that; ``None`` of
        an empty solid."""
        own = next(name for name in files if name.rpartition(".")[0] == self.column)
        solid = np.load(io.BytesIO(files[own]), allow_pickle=False).astype(np.uint8)
        others = {name: content for name, content in files.items() if name != own}
        return others, mesh_file(solid, self.form)


def meshes_of(manifest: Manifest, form: str) -> Meshes:
    """What makes a dataset's meshes.

    Raises:
        SynthgenError: the packages are missing, or the dataset has no solids.
    """
    column = solid_column(manifest)
    _packages()
    kind: MeshFormat = "obj" if form == "obj" else "glb"
    return Meshes(column, kind)


def mesh_file(solid: np.ndarray, form: MeshFormat) -> bytes | None:
    """The mesh of a solid ``uint8 [S, S, S]``: its surface half a voxel around the middles of the
    filled voxels; ``None`` if there are none.

    A voxel is one unit wide, the upright axis is y, and the front looks along z, as viewers expect.
    The surface is closed, at the grid's border too. Marching cubes: Lorensen & Cline 1987.
    """
    if not solid.any():
        return None
    measure, trimesh = _packages()
    around = np.pad(solid.astype(np.float32), 1)
    points, faces, _, _ = measure.marching_cubes(around, HALF)
    middle = (np.array(around.shape) - 1) / 2
    deep, down, right = (points - middle).T
    # Turned over in two axes: neither mirrored nor inside out.
    vertices = np.stack([right, -down, -deep], axis=1)
    mesh = trimesh.Trimesh(vertices, faces, process=True)
    if mesh.volume < 0:
        mesh.invert()
    written = mesh.export(file_type=form)
    return written.encode() if isinstance(written, str) else bytes(written)
