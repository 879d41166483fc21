"""``metrics.jsonl``: one line per tick."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from synthgen.spec.errors import SynthgenError
from synthgen.storage.whole import write_whole


class MetricsLog:
    """An append-only file of JSON lines that a resumed run cuts back to its checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> list[dict[str, Any]]:
        """All whole lines; a last line cut short by a kill is dropped."""
        if not self.path.exists():
            return []
        rows: list[dict[str, Any]] = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return rows

    def cut_back(self, shown: int, attempt: int = 0) -> None:
        """Forget every line of this attempt of more than ``shown`` images, and of later attempts:
        they are about to be made again."""
        kept = [
            row
            for row in self.rows()
            if row["attempt"] < attempt or (row["attempt"] == attempt and row["images"] <= shown)
        ]
        write_whole(self.path, "".join(json.dumps(row) + "\n" for row in kept))

    def append(self, row: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())


def read_metrics(run: str | Path) -> pd.DataFrame:
    """The metrics of a training run: a row for each line of ``metrics.jsonl``, in order. Columns
    are the lines' keys; ``images`` is how many real images had been shown. Rollbacks are rows with
    an ``event``.

    Raises:
        SynthgenError: the folder holds no run.
    """
    path = Path(run) / "metrics.jsonl"
    if not path.is_file():
        raise SynthgenError(f"{run}: holds no training run (no metrics.jsonl)")
    return pd.DataFrame(MetricsLog(path).rows())
