"""Adapt labelled images to a place whose images have no labels: a labelled dataset of its look.

The steps are those of other commands: look, train a translator under guards, translate every row,
audit the labels, keep what holds, refine on the target's own images (``stages/grow``). Each leaves
a folder and a receipt in the run's folder; killed at any point, the same command goes on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from synthgen.data.splits import Labelled
from synthgen.dataset.layout import load_line
from synthgen.machine.devices import resolve_device
from synthgen.machine.progress import say
from synthgen.machine.threads import chosen_threads
from synthgen.spec.errors import TooFewPass
from synthgen.spec.settings.adapt import AdaptSettings
from synthgen.spec.settings.grow import GrowSettings
from synthgen.stages.adapt.audit import Audit, refuse_flips
from synthgen.stages.adapt.auditing import audit, keep, known_audit, labelled_rows
from synthgen.stages.adapt.compare import Learning, Ways, as_table, rows_of
from synthgen.stages.adapt.folder import Places
from synthgen.stages.adapt.look import Look, look_at
from synthgen.stages.adapt.readers import Reader, pseudo_labels, train_reader
from synthgen.stages.adapt.rows import Labels, write_rows
from synthgen.stages.adapt.translation import train_translator, training, translate_all
from synthgen.stages.finished.dataset import open_dataset
from synthgen.stages.grow.folder import MAY_CHANGE, begin, begun, may_change
from synthgen.stages.grow.stage import Do, at_once, grow
from synthgen.stages.grow.steps import MEND
from synthgen.stages.train.folder import held
from synthgen.storage.place import path_here
from synthgen.storage.put_folder import put_folder, staging_beside
from synthgen.storage.whole import write_json_whole, write_whole
from synthgen.training.fixed_budget import Budget

AUDITOR, NAMER = 1, 2
"""Added to the run's seed: the readers differ in weights and order."""


@dataclass(frozen=True)
class AdaptReport:
    """What came of a run."""

    root: Path
    dataset: Path
    """The finished dataset."""
    audit: Audit
    kept: int
    """Translated rows that the audit leaves."""
    tested: dict[str, float] = field(default_factory=dict)
    """Accuracies on the test images by what was learnt from, in [0, 1]; empty without a test."""

    def text(self) -> str:
        """Dataset, audit and accuracies."""
        lines = [
            f"dataset: {self.dataset}",
            f"labels:  {self.audit.flipped:.1%} of {self.audit.rows:,} translated rows flipped, "
            f"{self.kept:,} kept; {self.root / 'audit.md'}",
        ]
        if self.tested:
            lines += ["", as_table(self.tested), ""]
        splits = tuple(open_dataset(self.dataset).plan.splits)
        return "\n".join([*lines, load_line(self.dataset, splits)])


def adapt(settings: AdaptSettings, do: Do | None = None) -> AdaptReport:
    """Make (or go on making) the dataset that ``settings`` describe.

    ``do`` is called for each step with its name and its work; default: done here and now.

    Raises:
        SynthgenError: the user can mend it: data, settings, a folder of another run, or labels that
            flipped in translation.
    """
    out = _folder(settings)
    look = look_at(settings)
    places = Places(out)
    training(settings, look.image, places)  # refuses what cannot be trained
    with ExitStack() as stack:
        stack.enter_context(held(out))
        begin(out, _lasting(settings), look.record())
        device = resolve_device(settings.device)
        stack.enter_context(chosen_threads(settings.threads, device, look.image))
        return _Run(settings, places, look).go(do or at_once)


def _folder(settings: AdaptSettings) -> Path:
    """The run's folder, which holds nothing or this run."""
    out = path_here(settings.out, "an adaptation").expanduser()
    places, free = Places(out), MAY_CHANGE
    if settings.rounds and places.done("refine") is None:
        free = may_change(places.rounds, settings.rounds)
    begun(out, _lasting(settings), free)
    return out


def _lasting(settings: AdaptSettings) -> AdaptSettings:
    """What a run may not have otherwise when it goes on, all but the audit's limit; and filters,
    which it may have otherwise for a while."""
    return settings.model_copy(update={"flip_limit": 0.1})


def describe(settings: AdaptSettings) -> str:
    """What ``adapt`` would do, as text; nothing is written but the cache of decoded images.

    Raises:
        SynthgenError: as for adapting itself.
    """
    look, places = look_at(settings), Places(_folder(settings))
    asked = training(settings, look.image, places)
    count = len(look.source.labels) * settings.copies
    lines = [
        *look.lines(),
        f"translator: {asked.algorithm}, "
        + (f"{asked.images:,} images shown" if asked.images else f"{asked.minutes:g} minutes")
        + (", labels guarded" if settings.guards else ", labels not guarded"),
        f"translations: {count:,}, audited; more than {settings.flip_limit:.0%} flipped labels "
        "stop the run",
        f"refinement: {settings.rounds} rounds of {settings.per_class:,} samples a class"
        if settings.rounds
        else "refinement: none",
        f"out: {places.dataset}",
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Run:
    """A run in its folder, which it holds."""

    settings: AdaptSettings
    places: Places
    look: Look

    def go(self, do: Do) -> AdaptReport:
        """All steps, those that are done left out."""
        for line in self.look.lines():
            say(line)
        settings, places = self.settings, self.places
        steps: list[tuple[str, Callable[[], None]]] = [
            ("source", self._source),
            ("readers", self._readers),
            ("translator", lambda: train_translator(settings, self.look.image, places)),
            ("translate", self._translate),
            ("audit", self._audit),
        ]
        for name, work in steps:
            self._once(name, work, do)
        found = replace(self._audited, limit=settings.flip_limit)
        refuse_flips(found, str(places.report), guards=settings.guards)
        self._once("keep", self._keep, do)
        self._tested(do)  # what needs no refinement is known before it
        if settings.rounds and places.done("refine") is None:
            self._refine(do)
            places.finish("refine")
        self._once("finish", self._finish, do)
        tested = self._tested(do)
        kept = open_dataset(places.kept).plan.rows
        report = AdaptReport(places.root, places.dataset, found, kept, tested)
        write_whole(places.root / "report.md", self._page(report))
        return report

    def _once(self, name: str, work: Callable[[], None], do: Do) -> None:
        if self.places.done(name) is None:
            do(name, work)
            self.places.finish(name)

    def _refine(self, do: Do) -> None:
        try:
            grow(self._growing(), lambda name, work: do(f"refine {name}", work))
        except TooFewPass as error:
            raise error.instead(MEND.format(images="--round-images")) from None

    @property
    def _audited(self) -> Audit:
        found = known_audit(self.places)
        assert found is not None
        return found

    def _source(self) -> None:
        prepared = self.look.prepared
        labels = Labels(prepared.labels, self.look.classes)
        write_rows(self.places.source, prepared.images, labels, self.look.source.carried)

    def _reader(self, folder: Path, seed: int) -> Reader:
        device = resolve_device(self.settings.device)
        return train_reader(
            self.look.prepared, len(self.look.classes), self._budget, self.settings.seed + seed,
            device, folder,
        )  # fmt: skip

    @property
    def _budget(self) -> Budget:
        own = self.settings
        return Budget(
            steps=own.steps, batch_size=own.classifier_batch, width=own.width, flip=own.flip
        )

    def _readers(self) -> None:
        """The auditor, and pseudo-labels of the target by another classifier."""
        auditor = self._reader(self.places.auditor, AUDITOR)
        say(f"auditor: {auditor.right:.1%} right on held-out images of the source")
        namer, device = self._reader(self.places.namer, NAMER), resolve_device(self.settings.device)
        images = self.look.target.images
        named = pseudo_labels(namer.probabilities(images, device))
        write_rows(self.places.target, images, Labels(named, self.look.classes))

    def _translate(self) -> None:
        translate_all(self.settings, self.look.classes, self.look.source.labels, self.places)

    def _audit(self) -> None:
        device = resolve_device(self.settings.device)
        auditor = self._reader(self.places.auditor, AUDITOR)
        found = audit(self.places, auditor, device, self.settings.flip_limit)
        say(
            f"audit: both readers name another class for {found.flipped:.1%} of the translations, "
            f"and both deny the label of {found.denied_by_both:.1%}"
        )

    def _keep(self) -> None:
        keep(self.places, self._story())

    def _story(self) -> str:
        found, look = self._audited, self.look
        done = "; ".join(look.canonical.lines())
        return (
            f"Labelled images of {look.source.name} in the look of {look.target.name}, whose "
            f"images have no labels{f' ({done})' if done else ''}: translated by "
            f"{self.settings.algorithm} {'with' if self.settings.guards else 'without'} guards of "
            "labels. An audit found "
            f"{found.flipped:.1%} of {found.rows:,} labels flipped and left out "
            f"{found.denied_by_both:.1%}. What such data are worth is experiment 2 of "
            "docs/utility.md."
        )

    def _growing(self) -> GrowSettings:
        own = self.settings
        return GrowSettings.parse({
            "labelled": str(self.places.kept), "unlabelled": str(self.places.target),
            "out": str(self.places.rounds), "classes": self.look.classes,
            "image_column": "image", "filters": own.filters,
            **self.look.image.as_settings(), "rounds": own.rounds, "only_pool": True,
            "members": own.members, "steps": own.steps, "classifier_batch": own.classifier_batch,
            "width": own.width, "flip": own.flip, "per_class": own.per_class,
            "images": own.round_images, "algorithm": own.round_algorithm, "experiment": "2",
            "seed": own.seed, "device": own.device, "threads": own.threads,
            "cache_dir": own.cache_dir,
        })  # fmt: skip

    def _finish(self) -> None:
        """The last dataset under the name of the run's."""
        last = self.places.rounds / "dataset" if self.settings.rounds else self.places.kept
        staging = staging_beside(self.places.dataset)
        shutil.copytree(last, staging)
        put_folder(staging, self.places.dataset)

    def _tested(self, do: Do) -> dict[str, float]:
        """The accuracy of a classifier of each row of the table that can be trained by now."""
        test = self.look.test
        if test is None:
            return {}
        own = Labelled(test.images, test.labels)
        device = resolve_device(self.settings.device)
        learning = Learning(len(self.look.classes), self._budget, self.settings.seed, device)
        source = self.look.source
        ways = Ways(
            Labelled(source.images, source.labels), self.look.prepared,
            np.asarray(self.look.target.images), labelled_rows(self.places.kept),
            labelled_rows(self.places.dataset)
            if self.settings.rounds and self.places.done("finish") is not None else None,
        )  # fmt: skip
        found = {}
        for name, train in rows_of(learning, ways).items():
            path = self.places.tested / f"{name.replace(' ', '-')}.json"
            if not path.exists():
                do(f"test {name}", lambda train=train, path=path: write_json_whole(  # type: ignore[misc]
                    path, {"accuracy": learning.accuracy(train(), own)}
                ))  # fmt: skip
            found[name] = float(json.loads(path.read_text(encoding="utf-8"))["accuracy"])
        return found

    def _page(self, report: AdaptReport) -> str:
        lines = ["# How this dataset came about", "", self._story(), ""]
        lines += [f"- {line}" for line in self.look.lines()]
        lines += ["", "## The audit", "", report.audit.text()]
        if report.tested:
            lines += ["## Classifiers on the test images", "", as_table(report.tested), "",
                      "Nothing was chosen by these images. One seed, equal steps."]  # fmt: skip
        return "\n".join(lines).rstrip() + "\n"
