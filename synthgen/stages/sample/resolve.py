"""A run before it starts: generator, classes, filters and plan that its settings come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from synthgen.data.records import Records
from synthgen.dataset.encoding.images import estimated_bytes
from synthgen.dataset.run_settings import STORY, carried_record, settings_hash
from synthgen.generators.format import REFERENCE
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import find_bundled, load_generator
from synthgen.machine.progress import say
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import FilterSet, load_filters
from synthgen.sampling.planning import batch_size_for, make_plan
from synthgen.sampling.source_rows import SourceRows
from synthgen.spec.columns import DISCRIMINATOR, PIXEL_HASH
from synthgen.spec.credentials import blotted
from synthgen.spec.errors import SynthgenError, name_list
from synthgen.spec.fields import Label
from synthgen.spec.plan import Plan
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.soft_labels import soft_labels_record
from synthgen.stages.sample.conditions import row_fields
from synthgen.stages.sample.drawn import drawn_conditions, unknown_lines
from synthgen.stages.sample.job import Job
from synthgen.stages.sample.prompts import prompted, with_prompts
from synthgen.stages.sample.tools import Tools
from synthgen.storage.place import Place, place
from synthgen.storage.store_path import StorePath, protocols

DECIDES_NOTHING = {"out", "workers", "device", "carry"}
"""Settings that change how a dataset is made but not its bytes, on the same kind of device; and
``carry``, of which is on record what came of it."""

NEWER = {
    "given_again", "set", "field", "balance", "structure", "image_column", "label_column",
    "mask_names", "prompts", "per_prompt", "soft_labels", "teachers", "refine_latents", "real",
    "real_split",
}  # fmt: skip
"""Settings that the first datasets do not have: on record where they say something."""


@dataclass(frozen=True)
class Resolved:
    """A run before it starts: everything that its settings come to."""

    job: Job
    tools: Tools
    settings: dict[str, Any]
    """All that decides the dataset's bytes, as JSON: what a resumed run is compared with."""
    out: Place


def resolve(
    settings: SampleSettings,
    generator: Generator | None = None,
    counts: Mapping[str, int] | None = None,
) -> Resolved:
    """Load the generator (unless it is given), check classes and filters, make the plan.

    ``counts`` are images by class, in place of the settings' even ones, to whose total they add up.

    Raises:
        SynthgenError: unknown class, generator, filter; an amount that the splits cannot hold.
    """
    name = settings.generator or find_bundled(settings.classes)
    if generator is None:
        generator = load_generator(name, device=settings.device, precision=settings.precision)
    settings = with_prompts(settings)
    classes = tuple(settings.classes or generator.learnt)
    asked = prompted(settings, generator, classes)
    classes = classes if asked is None else tuple(asked.by_class)
    keys = _keys(generator, classes)
    calibration = generator.calibration and Calibration.from_json(generator.calibration)
    filters = load_filters(
        settings.filters, calibration or None, tuple(classes), _side(generator),
        agrees=generator.task.agrees, unseen=bool(generator.task.independent),
    )  # fmt: skip
    batch = settings.batch_size or batch_size_for(generator.image, generator.device.type)
    settings = settings.model_copy(update={"batch_size": batch})
    tools = Tools(tuple(classes), settings, generator, filters)
    known = tools.score_names
    filters.check_scores(known, f"--scores {settings.scores} of this generator does")
    own = None if asked is None else asked.counts(settings)
    plan = make_plan(
        tuple(classes),
        n=settings.n,
        per_class=settings.per_class,
        seed=settings.seed,
        splits=settings.splits,
        bytes_per_image=estimated_bytes(generator.image, settings.image_format),
        images_per_shard=settings.images_per_shard,
        counts=own if counts is None else [counts[name] for name in classes],
    )
    data = tools.sources
    if data is not None:
        SourceRows(data.strata, plan, again=settings.given_again)  # are there enough?
    _tell_of_attributes(settings, generator, plan, data)
    resolved = _decisive(settings, generator, filters, data)
    resolved |= {"classes": list(classes), **_of_tools(tools)}
    aim = None if tools.aim is None else tools.aim.record
    job = Job(
        settings, name, generator.weights_sha256, keys, plan, filters, settings_hash(resolved),
        tools.columns.soft, aim,
    )  # fmt: skip
    out = place(settings.out or _default_out(generator, plan))
    if settings.workers > 1 and isinstance(out, StorePath) and "memory" in protocols(out.store):
        raise SynthgenError(f"{out}: is in the memory of one process; workers must be 1")
    return Resolved(job, tools, resolved, out)


def told(resolved: Resolved, story: str) -> Resolved:
    """A run whose dataset's card says ``story`` as well: a setting like all that decide it."""
    settings = {**resolved.settings, STORY: story}
    job = replace(resolved.job, settings_hash=settings_hash(settings))
    return replace(resolved, settings=settings, job=job)


def _of_tools(tools: Tools) -> dict[str, Any]:
    """What is on record of given rows, teachers, real images and discriminator, where a run has
    them."""
    record: dict[str, Any] = dict(soft_labels_record([tools.columns.soft]))
    if tools.sources is not None:
        fingerprint = tools.sources.carried.fingerprint
        record |= carried_record(tools.columns.carried, fingerprint)
    if tools.aim is not None:
        record |= tools.aim.record.record()
        say(tools.aim.record.told())
    if DISCRIMINATOR in tools.score_names:
        record["discriminator_sha256"] = tools.generator.discriminator_sha256
    return record


def _keys(generator: Generator, classes: Sequence[str]) -> tuple[int, ...]:
    """The generator's own numbers of classes.

    Raises:
        SynthgenError: it does not know one, or was not trained on it.
    """
    keys = Label(generator.classes).indices(classes, f"generator '{generator.name}'")
    if strange := [name for name in classes if name not in generator.learnt]:
        raise SynthgenError(
            f"class '{strange[0]}': generator '{generator.name}' was trained on images of "
            f"{name_list(generator.learnt)} alone"
        )
    return keys


def _tell_of_attributes(
    settings: SampleSettings, generator: Generator, plan: Plan, data: Records | None
) -> None:
    """Say what is balanced or asked for, or refuse what cannot be."""
    names = row_fields(generator.task, settings.field)
    told = drawn_conditions(
        settings, generator, names, plan.classes, plan.seed, given=data is not None
    )
    lines = list(told.lines)
    if data is not None:
        lines += unknown_lines(generator.task, data.columns, [*settings.set, *settings.balance])
    for line in lines:
        say(line)


def _decisive(
    settings: SampleSettings, generator: Generator, filters: FilterSet, data: Records | None
) -> dict[str, Any]:
    """All that decides the dataset's bytes, as JSON."""
    dumped = blotted(settings.model_dump(mode="json", exclude=DECIDES_NOTHING))
    defaults = SampleSettings.model_construct().model_dump(mode="json")
    return {
        **{k: v for k, v in dumped.items() if k not in NEWER or v != defaults[k]},
        "generator": generator.name,
        "generator_sha256": generator.weights_sha256,
        "reference_sha256": generator.config.files.get(REFERENCE),
        "precision": "fp32" if str(generator.precision) == "torch.float32" else "bf16",
        "device_type": generator.device.type,
        "source_fingerprint": data and data.fingerprint,
        "filters": filters.to_json(),
        "pixel_hash": PIXEL_HASH,
        **({"law_sha256": law} if (law := generator.law_sha256) and data is None else {}),
    }


def _side(generator: Generator) -> int:
    return min(generator.image.height, generator.image.width)


def _default_out(generator: Generator, plan: Plan) -> str:
    """For example ``synthgen-cifar10-32-cat-dog-100000-seed0``, in the current folder."""
    few = len(plan.classes) <= 4
    listed = "-".join(plan.classes) if few else f"{len(plan.classes)}-classes"
    parts = ("synthgen", generator.name, listed, str(plan.rows), f"seed{plan.seed}")
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in "-".join(parts))[:120]


def describe(settings: SampleSettings) -> str:
    """What ``sample`` would do, as text; nothing is written.

    Raises:
        SynthgenError: as for sampling itself.
    """
    import yaml

    resolved = resolve(settings)
    job, plan = resolved.job, resolved.job.plan
    size = estimated_bytes(resolved.tools.generator.image, settings.image_format) * plan.rows
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
