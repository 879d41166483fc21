"""Grow a dataset out of few labels and a pool of images without.

Each round labels the pool by classifiers, trains a class-conditional GAN on what they are sure of,
and samples it; the next classifiers learn from the samples too: Generative Pseudo-label Refinement
(Morerio et al. 2020, arXiv:2001.02950) and dual pseudo training (You et al. 2023, arXiv:2302.10586,
there with diffusion). Every step leaves a receipt: a run that is killed goes on, to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from synthgen.dataset.layout import load_line
from synthgen.machine.progress import say
from synthgen.spec.settings.grow import GrowSettings
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.grow.folder import (
    DATASET,
    FINISHED,
    POOL,
    REPORT,
    begin,
    begun,
    may_change,
    round_folder,
)
from synthgen.stages.grow.inputs import read_inputs, tell
from synthgen.stages.grow.labelling import RoundRecord, read_record
from synthgen.stages.grow.steps import Growth
from synthgen.stages.train.folder import held
from synthgen.storage.place import path_here
from synthgen.storage.whole import write_json_whole, write_whole

Do = Callable[[str, Callable[[], None]], None]
"""Does a step: is given its name and its work."""


@dataclass(frozen=True)
class GrowReport:
    """What has been grown."""

    root: Path
    rounds: tuple[RoundRecord, ...]
    """Of every labelling; the last one is by the classifiers that learnt from the dataset."""
    pool: Path | None
    """The pool with labels, where it is kept."""

    @property
    def dataset(self) -> Path:
        """The folder of the finished dataset."""
        return self.root / DATASET

    def text(self) -> str:
        """The rounds in a table, the paths, and the line that loads the dataset."""
        dataset = open_dataset(self.dataset)
        lines = [f"dataset: {self.dataset}", f"images:  {dataset.plan.rows:,}", "", self.table()]
        if self.pool is not None:
            lines += ["", f"pool:    {self.pool}"]
        return "\n".join([*lines, "", load_line(self.dataset, tuple(dataset.plan.splits))])

    def table(self) -> str:
        """The labellings as a Markdown table."""
        head = "| labelled by | pool images kept | unsure | surplus | held-out labels | test |"
        return "\n".join([head, "|---|---|---|---|---|---|", *map(self._row, self.rounds)])

    def _row(self, record: RoundRecord) -> str:
        last = record.number == len(self.rounds)
        name = "classifiers at the end" if last else f"round {record.number}"
        figures = (
            "-" if value is None else f"{value:.1%}" for value in (record.held_out, record.test)
        )
        counts = (sum(record.kept.values()), record.unsure, record.surplus)
        cells = [name, *(f"{count:,}" for count in counts), *figures]
        return f"| {' | '.join(cells)} |"


def at_once(name: str, work: Callable[[], None]) -> None:
    """Do a step here and now, and say which it is."""
    say(name)
    work()


def grow(settings: GrowSettings, do: Do | None = None) -> GrowReport:
    """What has been grown in the folder ``settings.out``: begun, or gone on with, and finished.

    Args:
        settings: of the run; a folder of other settings is refused.
        do: does the steps, one after another, for example as tasks of a scheduler; default: here
            and now.

    Raises:
        SynthgenError: the user can mend it: images, settings, device, folder, or classifiers that
            are sure of nothing.
    """
    out = path_here(settings.out, "a dataset that grows")
    if begun(out, settings, may_change(out, settings.rounds)) and is_finished(out):
        say(f"{out}: is finished")
        return report_of(out, settings)
    inputs = read_inputs(settings)
    tell(inputs)
    with held(out):
        begin(out, settings, inputs.fingerprints())
        for step in Growth(settings, inputs, out).steps():
            (do or at_once)(step.name, step.work)
        report = report_of(out, settings)
        told = "".join(f"\n- {line}\n" for line in inputs.test_lines())
        write_whole(out / REPORT, f"# Rounds\n\n{report.table()}\n{told}")
        write_json_whole(out / FINISHED, {"labellings": len(report.rounds)})
    return report


def is_finished(out: Path) -> bool:
    """Whether all steps are done."""
    return (out / FINISHED).exists() and (out / DATASET / "README.md").exists()


def report_of(out: Path, settings: GrowSettings) -> GrowReport:
    """What a folder's receipts say."""
    numbers = range(1, settings.rounds + 2)
    found = (read_record(round_folder(out, number, settings.rounds)) for number in numbers)
    rounds = tuple(record for record in found if record is not None)
    return GrowReport(out, rounds, out / POOL if settings.keep_pool else None)
