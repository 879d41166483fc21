"""Sample a dataset: a generator in, a filtered, labelled, sharded dataset folder out.

The plan is fixed first; then every shard is a pure function of the plan and the settings, made by any
worker in any order; the card comes last and says that the dataset is complete.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from synthgen.dataset.encoding import estimated_bytes
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt, is_done, read_receipts
from synthgen.dataset.run_folder import open_run
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import find_bundled, load_generator
from synthgen.quality.filters import load_filters
from synthgen.sampling.planning import make_plan
from synthgen.spec.condition import ClassCondition
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.sample_settings import SampleSettings
from synthgen.stages.finish_dataset import finish, shards_with_duplicates
from synthgen.stages.sample_workers import Job, ShardMaker, run_workers

Mode = Literal["new", "resume", "overwrite", "extend"]

DECIDES_NOTHING = {"out", "workers", "device"}
"""Settings that change how a dataset is made but not its bytes, on the same kind of device."""


@dataclass(frozen=True)
class SampleReport:
    """What a finished run tells the user."""

    root: Path
    plan: Plan
    receipts: tuple[Receipt, ...]
    made: int
    """Shards made in this run; the others were there already."""
    seconds: float

    def text(self) -> str:
        """Path, counts, rejects by reason, rates by stage and the line that loads the dataset."""
        splits = ", ".join(f"{name} {rows:,}" for name, rows in self.plan.splits.items())
        lines = [f"dataset: {self.root}", f"images:  {self.plan.rows:,} ({splits})"]
        counts = ", ".join(f"{name} {rows:,}" for name, rows in self.plan.per_class.items())
        lines.append(f"classes: {counts}")
        rejected: dict[str, int] = {}
        for receipt in self.receipts:
            for reason, by_class in receipt.rejected.items():
                rejected[reason] = rejected.get(reason, 0) + sum(by_class.values())
        thrown = sum(rejected.values())
        share = thrown / max(1, thrown + self.plan.rows)
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in rejected.items() if count)
        lines.append(f"rejects: {thrown:,} ({share:.1%} of all candidates){': ' if reasons else ''}{reasons}")
        lines.extend(self._rates())
        lines.append(f'load it: datasets.load_dataset("{self.root}")')
        return "\n".join(lines)

    def _rates(self) -> list[str]:
        if not self.made:
            return ["speed:   nothing was left to make"]
        seconds: dict[str, float] = {}
        for receipt in self.receipts:
            for stage, value in receipt.seconds.items():
                seconds[stage] = seconds.get(stage, 0.0) + value
        per_stage = ", ".join(
            f"{stage} {self.plan.rows / value:,.0f}/s" for stage, value in seconds.items() if value > 0
        )
        return [f"speed:   {self.plan.rows / self.seconds:,.0f} images/s; by stage: {per_stage}"]


@dataclass(frozen=True)
class Resolved:
    """A run before it starts: everything that its settings come to."""

    job: Job
    plan: Plan
    generator: Generator
    fingerprint: dict[str, object]
    out: Path


def resolve(settings: SampleSettings) -> Resolved:
    """Load the generator, check classes and filters, make the plan.

    Raises:
        SynthgenError: unknown class, generator, filter; an amount that the splits cannot hold.
    """
    name = settings.generator or find_bundled(settings.classes)
    generator = load_generator(name, device=settings.device, precision=settings.precision)
    classes = settings.classes or generator.classes
    keys = ClassCondition(generator.classes).indices(classes, f"generator '{generator.name}'")
    filters = load_filters(settings.filters, calibration_of(generator), tuple(classes))
    plan = make_plan(
        tuple(classes),
        n=settings.n,
        per_class=settings.per_class,
        seed=settings.seed,
        splits=settings.splits,
        bytes_per_image=estimated_bytes(generator.image, settings.image_format),
        images_per_shard=settings.images_per_shard,
    )
    precision = str(generator.precision).removeprefix("torch.")
    job = Job(settings, name, tuple(keys), plan, filters.to_json(), generator.weights_sha256)
    chosen = settings.model_dump(mode="json", exclude=DECIDES_NOTHING)
    fingerprint: dict[str, object] = {
        **chosen,
        "classes": list(classes),
        "generator": generator.name,
        "generator_sha256": generator.weights_sha256,
        "precision": precision,
        "device": generator.device.type,
        "filters": filters.to_json(),
    }
    out = Path(settings.out or _default_out(settings, generator, plan))
    return Resolved(job, plan, generator, fingerprint, out)


def _default_out(settings: SampleSettings, generator: Generator, plan: Plan) -> str:
    """For example ``synthgen-cifar10-32-cat-dog-100000-seed0``, in the current folder."""
    listed = "-".join(plan.classes) if len(plan.classes) <= 4 else f"{len(plan.classes)}-classes"
    parts = ("synthgen", generator.name, listed, str(plan.rows), f"seed{settings.seed}")
    safe = "-".join(parts).replace(" ", "_")
    return "".join(c for c in safe if c.isalnum() or c in "-_")[:120]


def sample(settings: SampleSettings, mode: Mode = "new") -> SampleReport:
    """Make (or go on making) the dataset that ``settings`` describe.

    Raises:
        SynthgenError: the user can mend it; the folder holds no half-written file.
    """
    start = time.perf_counter()
    resolved = resolve(settings)
    plan = resolved.plan
    with open_run(resolved.out, resolved.fingerprint, plan, mode) as layout:
        made = 0
        bar = tqdm(total=plan.rows, unit="img", desc="sampling", disable=None)
        maker: ShardMaker | None = None
        with bar:
            todo = [shard for shard in plan.shards if not is_done(layout, plan, shard)]
            bar.update(plan.rows - sum(shard.rows for shard in todo))
            while todo:
                if settings.workers > 1 and len(todo) > 1:
                    receipts = run_workers(resolved.job, layout.root, todo, settings.workers, bar)
                else:
                    maker = maker or ShardMaker(resolved.job, resolved.generator)
                    receipts = _one_by_one(maker, layout, todo, bar)
                for _ in receipts:
                    made += 1
                todo = shards_with_duplicates(layout, plan, resolved.job)
                if todo:
                    tqdm.write(f"{len(todo)} shards repeat images of others: made again without them")
                    bar.total += sum(shard.rows for shard in todo)
        if not layout.is_complete() or made:
            finish(layout, plan, resolved.job, resolved.generator, resolved.fingerprint)
        receipts_now = read_receipts(layout, plan)
    return SampleReport(
        resolved.out, plan, tuple(receipts_now.values()), made, time.perf_counter() - start
    )


def _one_by_one(
    maker: ShardMaker, layout: Layout, shards: list[ShardPlan], bar: tqdm
) -> Iterator[Receipt]:
    for shard in shards:
        yield maker.make(layout, shard, bar.update)


def describe(settings: SampleSettings) -> str:
    """What ``sample`` would do, as text; nothing is written.

    Raises:
        SynthgenError: as for sampling itself.
    """
    import yaml

    resolved = resolve(settings)
    plan = resolved.plan
    size = estimated_bytes(resolved.generator.image, settings.image_format) * plan.rows
    filters = load_filters(settings.filters, calibration_of(resolved.generator), plan.classes)
    lines = [yaml.safe_dump(resolved.fingerprint, sort_keys=False, allow_unicode=True).rstrip(), ""]
    lines.append(f"out: {resolved.out}")
    lines.append(f"plan: {plan.rows:,} images in {len(plan.shards)} shards, about {size / 1e6:,.1f} MB")
    for name, rows in plan.splits.items():
        lines.append(f"  {name}: {rows:,}")
    for name, rows in plan.per_class.items():
        lines.append(f"  class {name}: {rows:,}")
    lines.append(f"filters: {filters}")
    return "\n".join(lines)


def calibration_of(generator: Generator):  # type: ignore[no-untyped-def]
    """Placeholder until the quality room's type is in."""
    raise SynthgenError("not built")
