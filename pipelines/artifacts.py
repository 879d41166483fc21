"""What a run shows in Prefect's UI: plan, progress, counts, contact sheet, link to the dataset."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from PIL import Image
from prefect.artifacts import (
    create_markdown_artifact,
    create_table_artifact,
)

from synthgen.dataset.counts import of_class, rejected, seconds
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt
from synthgen.spec.plan import Plan

LARGEST_SHEET = 900_000
"""Bytes of a contact sheet inside an artifact: larger ones are scaled down."""


def show_plan(plan: Plan, missing: int) -> None:
    """One row per split and class."""
    rows = [
        {"split": split, "class": name, "images": sum(
            shard.quotas[label] for shard in plan.shards if shard.split == split
        )}
        for split in plan.splits
        for label, name in enumerate(plan.classes)
    ]  # fmt: skip
    create_table_artifact(
        table=rows,
        key="plan",
        description=f"{plan.rows:,} images in {len(plan.shards)} shards, {missing} still to make",
    )


def show_counts(plan: Plan, receipts: Sequence[Receipt]) -> None:
    """Kept images and rejects by reason per class, and seconds of work by stage."""
    lost = rejected(receipts)
    rows: list[dict[str, object]] = [
        {"class": name, "images": images, **of_class(lost, name)}
        for name, images in plan.per_class.items()
    ]
    create_table_artifact(table=rows, key="counts", description="Images kept and thrown away.")
    devices = sorted({receipt.device for receipt in receipts})
    create_table_artifact(
        table=[
            {"stage": stage, "seconds": round(value, 2)}
            for stage, value in seconds(receipts).items()
        ],
        key="seconds",
        description="Seconds of work by stage, over all workers: " + ", ".join(devices),
    )


def show_dataset(layout: Layout, text: str) -> None:
    """The contact sheet and how to load the dataset."""
    sheet = ""
    if layout.contact_sheet.is_file():
        sheet = f"![contact sheet]({data_url(layout.contact_sheet.read_bytes())})\n\n"
    root = layout.root.resolve()
    create_markdown_artifact(
        f"# {root.name}\n\n{sheet}```\n{text}\n```\n\n[{root}]({root.as_uri()})\n",
        key="dataset",
        description="The finished dataset.",
    )


def data_url(picture: bytes) -> str:
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    while True:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=85)
        if buffer.tell() <= LARGEST_SHEET:
            return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
        image = image.resize((image.width // 2, image.height // 2))
