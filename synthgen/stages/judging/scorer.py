"""What a run measures of its images, and by which codes it tells repeats: from a generator."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from synthgen.features.fingerprint import fingerprints
from synthgen.generators.generator import Generator
from synthgen.quality.reference import Reference
from synthgen.quality.repeats import Codes, RepeatRule
from synthgen.quality.scores import Score, Scorer, further_scores
from synthgen.spec.columns import DISCRIMINATOR
from synthgen.spec.errors import SynthgenError


def make_scorer(
    generator: Generator, asked: Collection[str] = (), *, statistics_only: bool = False
) -> Scorer:
    """All that the bundle allows to measure, or the statistics of the pixels alone.

    The discriminator's logit is measured only if it is among the names ``asked`` for.

    Raises:
        SynthgenError: it is, and the bundle has no discriminator.
    """
    if statistics_only:
        return Scorer(None, generator.precision)
    reference = None
    if generator.reference is not None:
        reference = Reference.from_tensors(generator.reference, generator.device)
    further: dict[str, Score] = {}
    if DISCRIMINATOR in asked:
        further[DISCRIMINATOR] = _discriminator(generator)
    further.update(further_scores())
    labelled = generator.task.stratum is not None
    return Scorer(generator.classifier, generator.precision, reference, further, labelled=labelled)


def _discriminator(generator: Generator) -> Score:
    if generator.discriminator is not None:
        return generator.discriminator
    raise SynthgenError(
        f"generator '{generator.name}' has no discriminator to score images with: its bundle was "
        "saved without it"
    )


def repeat_codes(rules: Sequence[RepeatRule], scorer: Scorer) -> Mapping[str, Codes]:
    """For each rule's name the function from images to the codes that it compares."""

    def of(rule: RepeatRule) -> Codes:
        if rule.code == "embedding":
            return lambda images: scorer.embedding(images)[:, None]
        return lambda images: fingerprints(images, rule.reach)

    return {rule.name: of(rule) for rule in rules}


@torch.inference_mode()
def coded(codes: Mapping[str, Codes], images: Tensor) -> dict[str, Tensor]:
    """The codes ``int8 [N, S, 32]`` of images ``uint8 [N, H, W, C]``, by rule, on the CPU."""
    return {name: code(images).cpu() for name, code in codes.items()}
