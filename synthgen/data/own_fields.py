"""What a folder that synthgen wrote says of its own columns: a dataset, or an export of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Field
from synthgen.spec.kinds import field_from_json

EXPORTED = "fields.json"
MANIFEST = "manifest.json"
FORMAT = "synthgen-dataset"
LARGEST = 2**28
"""Bytes of a record that is looked at."""


def own_fields(folder: Path | None) -> dict[str, Field]:
    """The fields beside the images by column; empty for a folder of somebody else."""
    if folder is None or not folder.is_dir():
        return {}
    record = _read(folder / EXPORTED)
    if record is None:
        manifest = _read(folder / MANIFEST) or {}
        generator = manifest.get("generator") if manifest.get("format") == FORMAT else None
        task = generator.get("task") if isinstance(generator, dict) else None
        record = task.get("fields") if isinstance(task, dict) else None
    try:
        return {str(name): field_from_json(each) for name, each in dict(record or {}).items()}
    except (SynthgenError, TypeError, ValueError):
        return {}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > LARGEST:
            return None
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
