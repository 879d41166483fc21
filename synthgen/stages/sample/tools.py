"""What a run works with: its generator, and what is built of it when it is first needed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from synthgen.data.records import Records
from synthgen.dataset.columns import Columns, columns_of
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import FilterSet
from synthgen.quality.readers.identity import APART, Identity
from synthgen.quality.readers.readers import Readers
from synthgen.quality.scores import Scorer
from synthgen.sampling.source_rows import SourceRows
from synthgen.spec.carried import named
from synthgen.spec.columns import RESERVED
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.judging.scorer import make_scorer
from synthgen.stages.judging.teachers import Teachers, load_teachers
from synthgen.stages.sample.conditions import Along, Conditioned, conditions_of, load_sources
from synthgen.stages.sample.job import Job
from synthgen.stages.sample.refined import Aim, Refined, aim_of


@dataclass(frozen=True)
class Tools:
    """The tools of one run in one process. Each is built once."""

    classes: tuple[str, ...]
    settings: SampleSettings
    """With a batch size."""
    generator: Generator
    """On the run's device."""
    filters: FilterSet

    @staticmethod
    def of(job: Job) -> Tools:
        """The tools for a job that another process resolved.

        Raises:
            SynthgenError: the generator is not the job's any more, or not to be had here.
        """
        settings = job.settings
        generator = load_generator(job.generator, settings.device, settings.precision)
        if generator.weights_sha256 != job.generator_sha256:
            raise SynthgenError(f"generator '{job.generator}' changed while the run was going on")
        tools = Tools(job.plan.classes, settings, generator, job.filters)
        if tools.columns.soft != job.soft_labels:
            raise SynthgenError("a teacher of the soft labels changed while the run was going on")
        if tools.aim is not None and tools.aim.record != job.refined:
            raise SynthgenError(f"{settings.real}: changed while the run was going on")
        return tools

    def with_filters(self, filters: FilterSet) -> Tools:
        """Tools of the same generator with other filters."""
        return replace(self, filters=filters)

    @cached_property
    def scorer(self) -> Scorer:
        """What the run measures of its images, some of it only because its filters ask.

        Raises:
            SynthgenError: the discriminator's logit is asked for, and the bundle has none.
        """
        if self.settings.scores == "statistics":
            return make_scorer(self.generator, statistics_only=True)
        return make_scorer(self.generator, {self.settings.scores, *self.filters.scores})

    @cached_property
    def sources(self) -> Records | None:
        """The rows that are given; ``None`` for a generator that needs none.

        Raises:
            SynthgenError: they are needed and not given, or given and not needed, or lack a class.
        """
        return load_sources(self.settings, self.generator, self.classes)

    @cached_property
    def readers(self) -> Readers:
        """What says how far images bear out what they were made from."""
        if self.settings.scores == "statistics":
            return Readers({})
        return Readers.of(self.generator.task, self.generator.readers, self._identity)

    def _identity(self, name: str) -> Identity | None:
        """The reader of the source, a field of this name; ``None`` if real images' distances are
        not calibrated."""
        record = self.generator.calibration
        calibration = Calibration.from_json(record) if record else None
        if calibration is None or APART not in calibration.quantiles:
            return None
        return Identity(name, self.generator.task, calibration, self.generator.device)

    @property
    def score_names(self) -> tuple[str, ...]:
        """All scores that the run measures, in the order of the dataset's columns."""
        return (*self.scorer.names, *self.readers.names)

    @cached_property
    def teachers(self) -> Teachers | None:
        """What gives soft labels; ``None`` where none are wanted.

        Raises:
            SynthgenError: a bundle is not to be found, or has no classifier of these classes.
        """
        if not self.settings.soft_labels:
            return None
        own = self.generator
        return load_teachers(self.settings.teachers, own, self.classes, own.image)

    @cached_property
    def aim(self) -> Aim | None:
        """What latents are refined towards; ``None`` where they stay as they are drawn.

        Raises:
            SynthgenError: the generator is not of noise and a class alone, or the real images
                cannot be read.
        """
        return aim_of(self.settings, self.generator, self.classes)

    def refined(self, class_keys: tuple[int, ...]) -> Refined | None:
        """The generator with refined latents, where they are wanted."""
        return None if self.aim is None else Refined(self.generator, class_keys, self.aim)

    @cached_property
    def columns(self) -> Columns:
        """The columns of the dataset, with those of the given rows that travel along.

        Raises:
            SynthgenError: one of these has no name that is free, or as :attr:`teachers`.
        """
        soft = None if self.teachers is None else self.teachers.record
        own = columns_of(self.generator.task, soft=soft)
        if self.sources is None:
            return own
        taken = {*RESERVED, *own.fields, *self.score_names}
        return replace(own, carried=named(self.sources.carried.columns, taken))

    def along(self, plan: Plan) -> Along:
        """The cells that travel along with the candidates of a plan."""
        data, carried = self.sources, self.columns.carried
        if data is None or not carried:
            return Along({}, None)
        cells = {name: data.carried.cells[each.column] for name, each in carried.items()}
        return Along(cells, SourceRows(data.strata, plan, again=self.settings.given_again))

    def conditioned(self, plan: Plan, class_keys: tuple[int, ...]) -> Conditioned:
        """The generator with what it is given for the candidates of a plan.

        Raises:
            SynthgenError: a class has too few rows, or what is set is no attribute.
        """
        found, cells = conditions_of(self.settings, self.generator, self.sources, plan)
        return Conditioned(self.generator, found, class_keys, cells)
