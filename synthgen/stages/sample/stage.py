"""Sample a dataset: a generator in, a filtered, labelled, sharded dataset folder out.

The plan is fixed first; then every shard is a pure function of the plan and the settings, made
by any worker in any order; the card comes last and says that the dataset is complete.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tqdm import tqdm

from synthgen.dataset.encoding.images import estimated_bytes
from synthgen.dataset.exclusions import Repeats, exclude, find_repeats
from synthgen.dataset.layout import Layout
from synthgen.dataset.receipts import Receipt, read_receipts
from synthgen.dataset.run_folder import Mode, open_run, settings_hash
from synthgen.generators.bundle import REFERENCE
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import find_bundled, load_generator
from synthgen.machine.progress import say
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import load_filters
from synthgen.sampling.planning import batch_size_for, make_plan
from synthgen.sampling.source_images import SourceImages
from synthgen.spec.columns import DISCRIMINATOR, PIXEL_HASH
from synthgen.spec.condition import ClassCondition
from synthgen.spec.credentials import blotted
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.plan import Plan, ShardPlan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.stages.sample.conditions import load_sources
from synthgen.stages.sample.finish import finish
from synthgen.stages.sample.near_repeats import find_near_repeats
from synthgen.stages.sample.process_pool import make_in_processes
from synthgen.stages.sample.report import SampleReport
from synthgen.stages.sample.shard_maker import Job, Progress, ShardMaker, make_here, scorer, todo
from synthgen.storage.place import Place, StorePath, place, protocols

MakeShards = Callable[[Layout, Job, list[ShardPlan], Progress], Iterable[Receipt]]
"""Makes the given shards of a run, anywhere that sees the folder, and gives their receipts as they
come. It may be called again for shards that are still missing, or that repeat others' images."""

DECIDES_NOTHING = {"out", "workers", "device"}
"""Settings that change how a dataset is made but not its bytes, on the same kind of device."""

MOST_ROUNDS = 20
"""Rounds of replacing images that repeat others across shards, before the generator is to blame."""


@dataclass(frozen=True)
class Resolved:
    """A run before it starts: everything that its settings come to."""

    job: Job
    generator: Generator
    settings: dict[str, Any]
    """All that decides the dataset's bytes, as JSON: what a resumed run is compared with."""
    out: Place


def resolve(settings: SampleSettings, generator: Generator | None = None) -> Resolved:
    """Load the generator (unless it is given), check classes and filters, make the plan.

    Raises:
        SynthgenError: unknown class, generator, filter; an amount that the splits cannot hold.
    """
    name = settings.generator or find_bundled(settings.classes)
    if generator is None:
        generator = load_generator(name, device=settings.device, precision=settings.precision)
    classes = settings.classes or generator.learnt
    keys = ClassCondition(generator.classes).indices(classes, f"generator '{generator.name}'")
    if strange := [name for name in classes if name not in generator.learnt]:
        raise SynthgenError(
            f"class '{strange[0]}': generator '{generator.name}' was trained on images of "
            f"{name_list(generator.learnt)} alone"
        )
    calibration = generator.calibration and Calibration.from_json(generator.calibration)
    filters = load_filters(settings.filters, calibration or None, tuple(classes), _side(generator))
    known = scorer(settings, generator, filters).names
    filters.check_scores(known, f"--scores {settings.scores} of this generator does")
    plan = make_plan(
        tuple(classes),
        n=settings.n,
        per_class=settings.per_class,
        seed=settings.seed,
        splits=settings.splits,
        bytes_per_image=estimated_bytes(generator.image, settings.image_format),
        images_per_shard=settings.images_per_shard,
    )
    batch = settings.batch_size or batch_size_for(generator.image, generator.device.type)
    settings = settings.model_copy(update={"batch_size": batch})
    data = load_sources(settings, generator, classes)
    if data is not None:
        SourceImages(data.images, data.labels, plan)  # are there enough of each class?
    resolved = {
        **blotted(settings.model_dump(mode="json", exclude=DECIDES_NOTHING)),
        "classes": list(classes),
        "generator": generator.name,
        "generator_sha256": generator.weights_sha256,
        "reference_sha256": generator.config.files.get(REFERENCE),
        "precision": "fp32" if str(generator.precision) == "torch.float32" else "bf16",
        "device_type": generator.device.type,
        "source_fingerprint": data and data.fingerprint,
        "filters": filters.to_json(),
        "pixel_hash": PIXEL_HASH,
    }
    if DISCRIMINATOR in known:
        resolved["discriminator_sha256"] = generator.discriminator_sha256
    job = Job(
        settings,
        name,
        generator.weights_sha256,
        tuple(keys),
        plan,
        filters,
        settings_hash(resolved),
    )
    out = place(settings.out or _default_out(generator, plan))
    if settings.workers > 1 and isinstance(out, StorePath) and "memory" in protocols(out.store):
        raise SynthgenError(f"{out}: is in the memory of one process; workers must be 1")
    return Resolved(job, generator, resolved, out)


def _side(generator: Generator) -> int:
    return min(generator.image.height, generator.image.width)


def _default_out(generator: Generator, plan: Plan) -> str:
    """For example ``synthgen-cifar10-32-cat-dog-100000-seed0``, in the current folder."""
    few = len(plan.classes) <= 4
    listed = "-".join(plan.classes) if few else f"{len(plan.classes)}-classes"
    parts = ("synthgen", generator.name, listed, str(plan.rows), f"seed{plan.seed}")
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in "-".join(parts))[:120]


def sample(
    settings: SampleSettings, mode: Mode = "new", make: MakeShards | None = None
) -> SampleReport:
    """Make (or go on making) the dataset that ``settings`` describe.

    ``make`` makes shards elsewhere (:data:`MakeShards`); by default it is this process, or
    ``settings.workers`` processes of this machine.

    Raises:
        SynthgenError: the user can mend it; the folder holds no half-written file.
    """
    return run(resolve(settings), mode, make)


def run(
    resolved: Resolved,
    mode: Mode,
    make: MakeShards | None = None,
    before: Callable[[Layout], None] = lambda layout: None,
) -> SampleReport:
    """The same for a run that is resolved already; ``before`` is called once the folder is held.

    Raises:
        SynthgenError: as :func:`sample`.
    """
    start = time.perf_counter()
    if mode == "extend" and resolved.generator.translates:
        raise SynthgenError(
            "a translated dataset cannot be extended: its source images are dealt out over the "
            "shards; make another from the remaining source images"
        )
    with open_run(resolved.out, resolved.settings, resolved.job.plan, mode) as (layout, plan):
        before(layout)
        job = replace(resolved.job, plan=plan)
        made = _make_all(layout, job, resolved.generator, make)
        if made.shards or not layout.is_complete():
            finish(layout, job, resolved.generator, resolved.settings)
        receipts = read_receipts(layout, plan)
    seconds = time.perf_counter() - start
    return SampleReport(resolved.out, plan, tuple(receipts), made.shards, made.rows, seconds)


@dataclass
class _Made:
    shards: int = 0
    rows: int = 0


def _make_all(layout: Layout, job: Job, generator: Generator, make: MakeShards | None) -> _Made:
    """Make what is not done, then again what repeats other shards; how much was made."""
    made = _Made()
    missing = todo(layout, job)
    maker = ShardMaker(job, generator)
    bar = tqdm(total=job.plan.rows, unit="img", desc="sampling", smoothing=0.05)
    bar.update(job.plan.rows - sum(shard.rows for shard in missing))
    with bar:
        for _ in range(MOST_ROUNDS):
            if missing:
                # A card says complete, which the folder no longer is.
                layout.card.unlink(missing_ok=True)
            workers = job.settings.workers
            if make is not None and missing:
                receipts: Iterable[Receipt] = make(layout, job, missing, bar.update)
            elif workers > 1 and len(missing) > 1:
                receipts = make_in_processes(job, layout, missing, workers, bar.update)
            else:
                receipts = make_here(maker, layout, missing, bar.update)
            for receipt in receipts:
                made.shards += 1
                made.rows += receipt.rows
            if make is not None and todo(layout, job):
                raise SynthgenError(
                    f"{layout.root}: shards are missing or damaged after all were made; run the "
                    "same again to go on"
                )
            if layout.is_complete():
                return made
            repeats = _repeats(layout, job, generator)
            if not repeats.count:
                return made
            exclude(layout, repeats)
            missing = todo(layout, job)
            say(f"{repeats.count} images repeat others: {len(missing)} shards made again")
            bar.total = (bar.total or 0) + sum(shard.rows for shard in missing)
    raise SynthgenError(
        f"{layout.root}: images keep repeating each other after {MOST_ROUNDS} rounds: the "
        f"generator "
        "has too little variety for this many; ask for fewer, or train it longer"
    )


def _repeats(layout: Layout, job: Job, generator: Generator) -> Repeats:
    """Rows that repeat one of another shard, exactly or nearly."""
    if job.filters.exact_duplicates:
        exact = find_repeats(layout, job.plan)
        if exact.count:
            return exact
    return Repeats(find_near_repeats(layout, job.plan, job.filters, generator))


def describe(settings: SampleSettings) -> str:
    """What ``sample`` would do, as text; nothing is written.

    Raises:
        SynthgenError: as for sampling itself.
    """
    import yaml

    resolved = resolve(settings)
    job, plan = resolved.job, resolved.job.plan
    size = estimated_bytes(resolved.generator.image, settings.image_format) * plan.rows
    shown = {key: value for key, value in resolved.settings.items() if key != "filters"}
    lines = [yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).rstrip(), ""]
    lines.append(f"out: {resolved.out}")
    lines.append(
        f"plan: {plan.rows:,} images in {len(plan.shards)} shards, about {size / 1e6:,.1f} MB"
    )
    lines.extend(f"  split {name}: {rows:,}" for name, rows in plan.splits.items())
    lines.extend(f"  class {name}: {rows:,}" for name, rows in plan.per_class.items())
    lines.append(f"filters: {job.filters}")
    return "\n".join(lines)
