"""Write one shard: staged, checked, hashed, flushed, renamed, and only then receipted."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from synthgen.dataset.commit import disk_errors, publish, staged_name
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt, file_sha256, write_receipt
from synthgen.dataset.rows import Rows
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan, ShardPlan

ROW_GROUP_BYTES = 16_000_000
"""Row groups of 8 to 32 MB: readers fetch and decode one at a time."""


@dataclass(frozen=True)
class Made:
    """A shard's rows and what is known of their making."""

    kept: Rows
    thrown: Rows | None
    """Rejects, where they are kept."""
    rejected: dict[str, dict[str, int]]
    seconds: dict[str, float]
    device: str
    order: str


def write_shard(layout: Layout, plan: Plan, shard: ShardPlan, made: Made) -> Receipt:
    """Commit the shard and its receipt. Interrupted anywhere, it leaves nothing under a final name
    that a later run does not replace.

    Raises:
        SynthgenError: the disk is full or not writable, or the rows are not those of the plan.
    """
    start = time.perf_counter()
    counts = np.bincount(made.kept.labels, minlength=len(plan.classes)).tolist()
    if tuple(counts) != shard.quotas:
        raise ValueError(f"{shard.name}: rows per class {counts}, planned {list(shard.quotas)}")
    with disk_errors(layout.root):
        rejects_hash = None
        if made.thrown is not None and len(made.thrown):
            staged = _stage_rows(layout, plan, shard, made.thrown, f"rejects-{shard.name}")
            rejects_hash = file_sha256(staged)
            publish(staged, layout.rejects / shard.name)
        staged = _stage_rows(layout, plan, shard, made.kept, shard.name)
        size, digest = staged.stat().st_size, file_sha256(staged)
        publish(staged, layout.data / shard.name)
        seconds = {**made.seconds, "write": time.perf_counter() - start}
        receipt = Receipt(
            shard.name,
            len(made.kept),
            dict(zip(plan.classes, counts, strict=True)),
            size,
            digest,
            made.order,
            made.rejected,
            {stage: round(value, 3) for stage, value in seconds.items()},
            made.device,
            rejects_hash,
        )
        write_receipt(layout, shard, receipt)
    return receipt


def stage_table(layout: Layout, table: pa.Table, name: str) -> Path:
    """The table as a checked Parquet file in staging.

    Raises:
        SynthgenError: it reads back otherwise than it was written.
    """
    rows = _group_rows(table.nbytes, table.num_rows)
    starts = range(0, max(1, table.num_rows), rows)
    return _stage_tables(layout, (table.slice(start, rows) for start in starts), name)


def _stage_rows(layout: Layout, plan: Plan, shard: ShardPlan, rows: Rows, name: str) -> Path:
    group = _group_rows(rows.file_bytes, len(rows))
    tables = rows.to_tables(plan.classes, plan.seed, shard.index, group)
    return _stage_tables(layout, tables, name)


def _group_rows(size: int, rows: int) -> int:
    """Rows of a row group, where ``rows`` of them take ``size`` bytes."""
    return max(1, ROW_GROUP_BYTES * rows // max(1, size))


def _stage_tables(layout: Layout, tables: Iterable[pa.Table], name: str) -> Path:
    """One or more tables as the row groups of a file; see :func:`stage_table`."""
    layout.staging.mkdir(parents=True, exist_ok=True)
    staged = layout.staging / staged_name(name)
    groups = iter(tables)
    table = next(groups)
    schema, rows = table.schema, 0
    try:
        with pq.ParquetWriter(
            staged,
            schema,
            # Encoded images do not compress again, and a dictionary of them is their copy.
            compression={
                name: "none" if name.endswith(".bytes") else "zstd" for name in _leaves(schema)
            },
            use_dictionary=False,
            write_page_index=True,
            store_schema=True,
        ) as writer:
            while table is not None:
                writer.write_table(table, row_group_size=max(1, table.num_rows))
                rows += table.num_rows
                del table  # its memory takes the next one
                table = next(groups, None)
        written = pq.ParquetFile(staged)
        if written.metadata.num_rows != rows or written.schema_arrow != schema:
            raise SynthgenError(f"{staged}: read back differently than written; check the disk")
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return staged


def _leaves(schema: pa.Schema) -> list[str]:
    leaves = []
    for field in schema:
        nested = pa.types.is_struct(field.type)
        leaves += [f"{field.name}.{part.name}" for part in field.type] if nested else [field.name]
    return leaves
