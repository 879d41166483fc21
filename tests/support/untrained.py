"""Bundles of uses whose networks have learnt nothing: made within a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthgen.algorithms.registry import build
from synthgen.generators.bundle import Criteria, save_bundle
from synthgen.spec.fields import Field
from synthgen.spec.image import ImageSpec
from synthgen.uses.registry import Offered, find_use


def untrained(
    folder: Path, name: str, options: Mapping[str, Any], columns: Mapping[str, Field],
    side: int = 16, **use_options: Any,
) -> Path:  # fmt: skip
    """The bundle of a use for RGB images with these columns beside them, without classes."""
    use = find_use(name)
    offered = Offered(ImageSpec(side, side, 3), None, columns)
    task = use.task(offered, use.options.parse(use_options, "options"))
    save_bundle(
        folder, algorithm=use.algorithm, options=options, task=task,
        built=build(use.algorithm, task, options), criteria=Criteria(), metrics={}, training={},
    )  # fmt: skip
    return folder
