"""Train a generator: real images in, a bundle of the best generator out.

A run folder holds ``settings.json``, ``metrics.jsonl``, ``training.png``, ``samples/``,
``classifier/``, ``checkpoints/``, ``best/`` (the best bundle so far) and at the end ``bundle/`` and
``report.md``. A run that diverges or collapses is rolled back and changed (``training/watch.py``).
Started again with the same settings it goes on from its newest checkpoint; finished, it is left
alone. The folder may lie on a store (``store.py``).
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from synthgen.machine.threads import chosen_threads
from synthgen.spec.errors import SynthgenError
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.budget import Timetable
from synthgen.stages.train.decide import agree_on_settings
from synthgen.stages.train.folder import begin, begun, decided_before, held, sweep
from synthgen.stages.train.loading import check_domains
from synthgen.stages.train.per_class import train_set
from synthgen.stages.train.run import Run
from synthgen.stages.train.setup import prepare
from synthgen.stages.train.store import run_folder
from synthgen.storage.place import Place, place
from synthgen.training.distributed import ranks


def train(settings: TrainSettings) -> Place:
    """Run or resume the training that ``settings`` describe; the folder of the finished bundle.

    Under ``torchrun`` every process calls this; the first one writes.

    Raises:
        SynthgenError: the user can mend it: data, settings, device, or a folder of another run or
            in which another process trains.
    """
    if settings.out is None:
        raise SynthgenError("out: name the run folder")
    if settings.per_class:
        return train_set(settings, train)
    where = place(settings.out)
    bundle = where / "bundle"
    timetable = Timetable.of(settings)
    with ranks() as group, run_folder(where, group) as (out, send), ExitStack() as stack:
        begun(out, settings)
        if _finished(out):
            return bundle
        check_domains(settings)
        decided = agree_on_settings(settings, decided_before(out, settings), group)
        prepared = prepare(decided, group)
        if group.leads:
            stack.enter_context(held(out))
            if begun(out, settings):
                sweep(out)
            else:
                begin(out, settings, decided)
                send(True)
        group.wait()
        if _finished(out):  # by another process, while this one read the data
            return bundle
        device, image = prepared.training.device, prepared.data.image
        look = stack.enter_context(chosen_threads(settings.threads, device, image))
        Run(decided, prepared, out, group, send, timetable, look).go()
        group.wait()
    return bundle


def _finished(out: Path) -> bool:
    return (out / "bundle" / "config.json").exists()
