"""Advice from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthgen.spec.settings.advise import AdviseSettings

if TYPE_CHECKING:
    import pandas as pd


def advise(data: str, **options: Any) -> pd.DataFrame:
    """A row for each way of making data that can help, the most helpful first, then those that do
    not.

    Columns: ``way``, ``helps`` (bool), ``does``, ``brings`` (what a learner does not get
    otherwise), ``why``, ``first`` (what to try before, without a GAN), ``evidence`` and
    ``commands`` (tuples of texts). ``attrs["advice"]`` is what ``synthgen advise --json`` prints.

    Args:
        data: folder, archive, table or hub id of the images that have labels.
        options: those of ``synthgen advise``: ``unlabelled``, ``target``, ``private`` and how the
            data are read.

    Raises:
        SynthgenError: the images cannot be read.
    """
    import pandas as pd

    from synthgen.stages.advise import stage

    found = stage.advise(AdviseSettings.parse({"data": str(data), **options}))
    rows = [(True, each) for each in found.ways] + [(False, each) for each in found.useless]
    frame = pd.DataFrame({
        "way": [each.way for _, each in rows],
        "helps": [helps for helps, _ in rows],
        "does": [each.does for _, each in rows],
        "brings": [each.brings for _, each in rows],
        "why": [each.why for _, each in rows],
        "first": [each.first for _, each in rows],
        "evidence": [
            tuple(f"{e.kind}: {e.figure} ({e.source})" for e in each.evidence) for _, each in rows
        ],
        "commands": [each.commands for _, each in rows],
    })  # fmt: skip
    frame.attrs["advice"] = found.to_json()
    return frame
