"""What the report shows of an evaluation: pictures of pairs, and the map."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.data.splits import evenly
from synthgen.evaluation.embedding_map import embedding_map
from synthgen.evaluation.evidence import MapPoint, PicturePair, picture
from synthgen.evaluation.measures import Sides
from synthgen.evaluation.repeats import Closeness
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.stages.evaluate.observations import Looked
from synthgen.stages.evaluate.real_images import RealImages
from synthgen.stages.finished.dataset import Dataset

MAPPED = 600
"""Images of each kind on the map, at most."""


def training_pairs(
    settings: EvaluateSettings, dataset: Dataset, training: RealImages, rows: np.ndarray,
    made: Looked, near: Closeness | None,
) -> tuple[PicturePair, ...]:  # fmt: skip
    pairs = near.pairs if near else ()
    images = dataset.images_of([pair.made for pair in pairs], settings.images)
    return tuple(
        PicturePair(
            picture(image), picture(training.data.images[rows[pair.other]]),
            int(made.labels[pair.made]), pair.closeness,
        )
        for pair, image in zip(pairs, images, strict=True)
    )  # fmt: skip


def repeated_pairs(
    settings: EvaluateSettings, dataset: Dataset, made: Looked, sides: Sides,
    near: Closeness | None,
) -> tuple[PicturePair, ...]:  # fmt: skip
    pairs = near.pairs if near else ()
    first, second = (
        dataset.images_of([int(sides.made[place]) for place in places], settings.images)
        for places in ([pair.made for pair in pairs], [pair.other for pair in pairs])
    )
    return tuple(
        PicturePair(picture(a), picture(b), int(sides.labels[pair.made]), pair.closeness)
        for pair, a, b in zip(pairs, first, second, strict=True)
    )


def map_points(made: Looked, true: Looked) -> tuple[MapPoint, ...]:
    """A map of as many made as real images."""
    chosen = [evenly(len(side.labels), MAPPED) for side in (true, made)]
    features = [side.features[torch.from_numpy(rows)] for side, rows in
                zip((true, made), chosen, strict=True)]  # fmt: skip
    if sum(map(len, features)) < 3:
        return ()
    places = embedding_map(torch.cat(features)).tolist()
    labels = [*true.labels[chosen[0]].tolist(), *made.labels[chosen[1]].tolist()]
    return tuple(
        MapPoint(round(x, 4), round(y, 4), label, number >= len(chosen[0]))
        for number, ((x, y), label) in enumerate(zip(places, labels, strict=True))
    )
