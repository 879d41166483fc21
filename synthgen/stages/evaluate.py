"""Compare a finished dataset with real images, in the feature space of the bundle's classifier."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synthgen.data.cache import load_images
from synthgen.data.splits import evenly
from synthgen.dataset.commit import disk_errors, read_json, write_json
from synthgen.dataset.encoding import decode
from synthgen.dataset.layout import Layout
from synthgen.evaluation.diversity import class_diversity
from synthgen.evaluation.fidelity import embed
from synthgen.evaluation.measures import measure
from synthgen.generators.zoo import load_generator
from synthgen.spec.data_settings import DataSettings
from synthgen.spec.errors import SynthgenError
from synthgen.spec.evaluate_settings import EvaluateSettings
from synthgen.spec.image import ImageSpec
from synthgen.spec.plan import Plan
from synthgen.storage.place import place
from synthgen.storage.tables import read_table

BATCH = 256
POOR_DIVERSITY = 0.7
POOR_AGREEMENT = 0.7


@dataclass(frozen=True)
class ClassEvaluation:
    """One class: spread beside the real images', agreement beside that of real images."""

    name: str
    diversity: float
    agreement: float
    real_agreement: float


@dataclass(frozen=True)
class Evaluation:
    """Distances belong to the extractor named: they compare nothing that another one measured."""

    extractor: str
    measures: dict[str, float]
    """Fréchet and kernel distance, precision, recall, density, coverage."""
    real_measures: dict[str, float]
    """The same between two halves of the real images: what is to be had at this number."""
    images: int
    real_images: int
    classes: tuple[ClassEvaluation, ...]

    def sentences(self) -> list[str]:
        """What a person should know, in plain words."""
        found = []
        for entry in self.classes:
            if entry.diversity < POOR_DIVERSITY:
                found.append(
                    f"class '{entry.name}' has {entry.diversity:.0%} of the real diversity: treat "
                    "with care"
                )
            if entry.agreement < POOR_AGREEMENT * entry.real_agreement:
                found.append(
                    f"class '{entry.name}': the label classifier agrees with {entry.agreement:.0%} "
                    f"of its images, and with {entry.real_agreement:.0%} of real ones"
                )
        return found or ["no class stands out as poor in diversity or in label agreement"]

    def text(self) -> str:
        """All figures, one class a line, then the sentences."""
        lines = [
            f"{self.images:,} images against {self.real_images:,} real ones, on {self.extractor}:",
        ]
        lines += [
            f"  {name.replace('_', ' ')}: {value:.4g} (real against real "
            f"{self.real_measures[name]:.4g})"
            for name, value in self.measures.items()
        ]
        lines += [
            f"  {c.name}: diversity {c.diversity:.2f}, agreement {c.agreement:.1%} "
            f"(real {c.real_agreement:.1%})"
            for c in self.classes
        ]
        return "\n".join([*lines, *self.sentences()])


def evaluate(settings: EvaluateSettings) -> Evaluation:
    """Evaluate and leave ``report/evaluation.json`` in the dataset's folder.

    Raises:
        SynthgenError: no finished dataset, its generator is not to be found or has no label
            classifier, or the real images lack a class.
    """
    layout = Layout(place(settings.dataset))
    if not layout.is_complete() or not layout.manifest.is_file():
        raise SynthgenError(f"{layout.root}: is no finished synthgen dataset")
    manifest = read_json(layout.manifest)
    plan = Plan.from_json(manifest["plan"])
    name = settings.generator or manifest["generator"]["name"]
    generator = load_generator(name, settings.device, "auto")
    if generator.classifier is None:
        raise SynthgenError(f"generator '{generator.name}' has no label classifier to measure with")
    spec = ImageSpec(**manifest["generator"]["image"])
    wanted = {
        "data": settings.real, "split": settings.real_split, "classes": plan.classes,
        "resolution": spec.height, "color": "grey" if spec.channels == 1 else "rgb",
        "min_per_class": 2,
    }  # fmt: skip
    real = load_images(DataSettings.parse(wanted))
    images, labels = _sampled(layout, plan, spec, settings.images)
    rows = evenly(len(real.labels), settings.images)
    real_images, real_labels = real.images[rows], real.labels[rows]
    classifier, device = generator.classifier, generator.device

    def features(batch: Tensor) -> Tensor:
        with torch.autocast(device.type, generator.precision,
                            enabled=generator.precision != torch.float32):  # fmt: skip
            return classifier.features(batch)

    def answers(batch: Tensor) -> Tensor:
        logits: Tensor = classifier(batch)
        return logits

    made = embed(features, images, BATCH, device)
    true = embed(features, real_images, BATCH, device)
    shuffled = true[torch.randperm(len(true), generator=torch.Generator().manual_seed(0))]
    half = len(true) // 2
    count = len(plan.classes)
    spread = class_diversity(made, torch.from_numpy(labels), count)
    real_spread = class_diversity(true, torch.from_numpy(real_labels), count)
    keys = np.array([manifest["class_keys"][name] for name in plan.classes])
    right = embed(answers, images, BATCH, device).argmax(dim=1).numpy() == keys[labels]
    real_right = (
        embed(answers, real_images, BATCH, device).argmax(dim=1).numpy() == keys[real_labels]
    )
    found = Evaluation(
        extractor=f"features of the label classifier of '{generator.name}'",
        measures=measure(true, made),
        real_measures=measure(shuffled[:half], shuffled[half:]),
        images=len(images),
        real_images=len(real_images),
        classes=tuple(
            ClassEvaluation(
                class_name,
                float(spread[label] / real_spread[label]),
                float(right[labels == label].mean()),
                float(real_right[real_labels == label].mean()),
            )
            for label, class_name in enumerate(plan.classes)
        ),
    )
    record: dict[str, Any] = {
        **asdict(found),
        "real": real.name,
        "real_fingerprint": real.fingerprint,
        "generator_saw": manifest["generator"]["training"].get("data_fingerprint"),
        "sentences": found.sentences(),
    }
    with disk_errors(layout.root):
        write_json(record, layout.root / "report" / "evaluation.json", layout.staging)
    return found


def _sampled(
    layout: Layout, plan: Plan, spec: ImageSpec, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images ``uint8 [N, H, W, C]`` and labels of at most ``most`` rows, spread over all shards."""
    images, labels = [], []
    rows = evenly(plan.rows, most)
    before = 0
    for shard in plan.shards:
        mine = rows[(rows >= before) & (rows < before + shard.rows)] - before
        before += shard.rows
        if not len(mine):
            continue
        table = read_table(layout.data / shard.name, ["image", "label"]).take(mine)
        encoded = table.column("image").combine_chunks().field("bytes")
        images += [decode(item.as_py(), spec) for item in encoded]
        labels.append(np.asarray(table.column("label")))
    return np.stack(images), np.concatenate(labels)
