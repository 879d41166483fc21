"""How many candidates were kept and thrown away: the receipts as one table."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from synthgen.dataset.commit import read_json
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import read_manifest
from synthgen.dataset.receipts import Receipt, read_receipt
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan
from synthgen.storage.place import Place, place

KEPT = "kept"
COLUMNS = ["shard", "class", "outcome", "images"]


def counts(receipts: Iterable[Receipt]) -> pd.DataFrame:
    """A table of the candidates: columns ``shard``, ``class``, ``outcome`` (``"kept"`` or the
    reason it was thrown away for), ``images``; one row each, in the order of the receipts."""
    rows = [
        (receipt.shard, name, outcome, images)
        for receipt in receipts
        for outcome, by_class in {KEPT: receipt.per_class, **receipt.rejected}.items()
        for name, images in by_class.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"images": "int64"})


def by_class(receipts: Iterable[Receipt]) -> pd.DataFrame:
    """A row for each class and a column for each outcome, ``int64``; ``"kept"`` is the first, the
    reasons follow in the order in which they first appear."""
    table = counts(receipts)
    names, outcomes = (list(dict.fromkeys(table[key])) for key in ("class", "outcome"))
    sums = table.groupby(["class", "outcome"], sort=False)["images"].sum().unstack(fill_value=0)
    return sums.reindex(index=names, columns=outcomes, fill_value=0).astype("int64")


def rejected(receipts: Iterable[Receipt]) -> pd.DataFrame:
    """A row for each class and a column for each reason of rejection, ``int64``.

    The reasons stand in the order in which they first appear.
    """
    return by_class(receipts).drop(columns=KEPT, errors="ignore")


def of_class(table: pd.DataFrame, name: str) -> dict[str, int]:
    """A class' row of :func:`by_class` or :func:`rejected`; empty if it has none."""
    if name not in table.index:
        return {}
    row = table.loc[[name]].to_dict("records")[0]
    return {str(outcome): int(images) for outcome, images in row.items()}


def seconds(receipts: Iterable[Receipt]) -> dict[str, float]:
    """Seconds of work by stage, over all shards."""
    table = pd.DataFrame([receipt.seconds for receipt in receipts])
    return {str(stage): float(total) for stage, total in table.sum().items()}


def read_receipts(folder: str | Place) -> pd.DataFrame:
    """The table :func:`counts` of the dataset in a folder, with a column ``split``; of a run that
    goes on, of the shards that are done.

    Raises:
        SynthgenError: there is no dataset, or it is damaged.
    """
    layout = Layout(place(folder))
    if layout.manifest.is_file():
        manifest = read_manifest(layout)
        plan, receipts = manifest.plan, list(manifest.receipts)
    elif layout.plan.is_file():
        plan = Plan.from_json(read_json(layout.plan))
        found = (read_receipt(layout, shard) for shard in plan.shards)
        receipts = [receipt for receipt in found if receipt is not None]
    else:
        raise SynthgenError(f"{layout.root}: is no synthgen dataset")
    table = counts(receipts)
    splits = {shard.name: shard.split for shard in plan.shards}
    table.insert(1, "split", table["shard"].map(splits))
    return table
