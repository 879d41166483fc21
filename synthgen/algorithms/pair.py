"""What algorithms share that are a generator ``G`` against a discriminator ``D``.

Their tensors, the usual two phases, and the terms of the losses that several papers have in common.
A page says which it takes, and who minimises it when.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from synthgen.algorithms.contract import Adam, Formula, Phase, Tensors, Term
from synthgen.losses.adversarial import (
    critic_difference,
    cross_entropy_discriminator,
    hinge_discriminator,
    non_saturating_generator,
    raise_logits,
    relativistic_discriminator,
    relativistic_generator,
)
from synthgen.losses.penalties import zero_centered_penalty
from synthgen.networks.auxiliary import ClassifyingDiscriminator
from synthgen.networks.condition import misread
from synthgen.spec.task import CONDITION, Task


def logits(t: Tensors, images: Tensor, under: str = CONDITION, by: str = "D") -> Tensor:
    """What the judge ``by`` says of images ``float [N, C, H, W]``, augmented, under the condition
    that the tensor ``under`` holds: ``float [N]``, or ``[N, patches]`` of a PatchGAN."""
    return t.call(by, t.augment(images), t[under])


def judged(t: Tensors, images: str, under: str = CONDITION, by: str = "D") -> Tensor:
    """:func:`logits` on the tensor of this name."""
    return logits(t, t[images], under, by)


def centered_penalty(t: Tensors, images: str) -> Tensor:
    """R1 or R2 of ``D`` at the tensor ``images``, times the schedule ``"gamma"``: a scalar."""
    return t.scalar("gamma") * zero_centered_penalty(lambda x: logits(t, x), t[images])


def pair_tensors() -> dict[str, Formula]:
    """``fake`` (``float [N, C, H, W]``) from ``z`` and the condition; ``real_logits`` and
    ``fake_logits`` (``float [N]``)."""
    return {
        "fake": lambda t: t.call("G", t["z"], t[CONDITION]),
        "real_logits": lambda t: judged(t, "image"),
        "fake_logits": lambda t: judged(t, "fake"),
    }


def classifying_tensors(images: str = "image") -> dict[str, Formula]:
    """``fake``, ``real_logits`` and ``fake_logits`` as of :func:`pair_tensors`, and the class
    logits ``real_classes`` and ``fake_classes`` (``float [N, classes]``) from the same passes of a
    ``D`` that has a class head. ``images`` names the tensor of the reals."""
    return {
        **pair_tensors(),
        "real_verdict": lambda t: _verdict(t, images),  # float [N, 1 + classes]
        "fake_verdict": lambda t: _verdict(t, "fake"),
        "real_logits": lambda t: t["real_verdict"][:, 0],
        "fake_logits": lambda t: t["fake_verdict"][:, 0],
        "real_classes": lambda t: t["real_verdict"][:, 1:],
        "fake_classes": lambda t: t["fake_verdict"][:, 1:],
    }


def _verdict(t: Tensors, images: str) -> Tensor:
    network = t.networks["D"]
    assert isinstance(network, ClassifyingDiscriminator)
    return network.verdict(t.augment(t[images]), t[CONDITION])


def named_class(weight: float, of: str, task: Task) -> Term:
    """How wrong the class head is about the condition, on the tensor ``real_classes`` or
    ``fake_classes``.

    Of labels it is the cross-entropy: the auxiliary classifier of Odena et al. 2017,
    arXiv:1610.09585, section 3.
    """
    return Term(weight, lambda t: misread(task, t[of], t[CONDITION]))


def class_head(
    task: Task, in_discriminator: float, in_generator: float
) -> tuple[dict[str, Term], dict[str, Term]]:
    """D's terms and G's for a ``D`` with a class head, by :func:`named_class` with these weights;
    none of either where D's weight is nought, which leaves the head out."""
    if not in_discriminator:
        return {}, {}
    return (
        {"class": named_class(in_discriminator, "real_classes", task)},
        {"class": named_class(in_generator, "fake_classes", task)},
    )


def in_turn(
    discriminator: Mapping[str, Term],
    generator: Mapping[str, Term],
    optimizer: Adam,
    generators: Adam | None = None,
) -> tuple[Phase, Phase]:
    """One step of ``D`` on its terms, then one of ``G`` on its own; with ``optimizer``, or where
    G has another one, with ``generators``."""
    return (
        Phase("D", trains=("D",), terms=discriminator, optimizer=optimizer),
        Phase("G", trains=("G",), terms=generator, optimizer=generators or optimizer),
    )


def relativistic_phases(
    optimizer: Adam, every: int, share: float, real: str = "image"
) -> tuple[Phase, Phase, Phase]:
    """R3GAN's phases of ``D``, of its penalties R1 and R2, and of ``G``: Huang et al. 2024,
    arXiv:2501.05441, section 2.

    The penalties run in every ``every``-th step on the ``share`` of the batch, at the tensors
    ``real`` and ``fake``.
    """
    pairing = Term(1.0, lambda t: relativistic_discriminator(t["real_logits"], t["fake_logits"]))
    mirrored = Term(1.0, lambda t: relativistic_generator(t["real_logits"], t["fake_logits"]))
    penalties = {
        "r1": Term(1.0, lambda t: centered_penalty(t, real)),
        "r2": Term(1.0, lambda t: centered_penalty(t, "fake")),
    }
    return (
        Phase("D", trains=("D",), terms={"relativistic": pairing}, optimizer=optimizer),
        Phase(
            "penalty",
            trains=("D",),
            terms=penalties,
            every=every,
            lazy=True,
            full_precision=True,
            batch_share=share,
        ),
        Phase("G", trains=("G",), terms={"relativistic": mirrored}, optimizer=optimizer),
    )


CROSS_ENTROPY = Term(1.0, lambda t: cross_entropy_discriminator(t["real_logits"], t["fake_logits"]))
"""D's side of :data:`NON_SATURATING`."""

HALF_CROSS_ENTROPY = Term(0.5, CROSS_ENTROPY.formula)
"""Half of it, "which slows down the rate at which D learns relative to G": Isola et al. 2017,
arXiv:1611.07004, section 3.3."""

NON_SATURATING = Term(1.0, lambda t: non_saturating_generator(t["fake_logits"]))

HINGE = Term(1.0, lambda t: hinge_discriminator(t["real_logits"], t["fake_logits"]))
"""D's side of :data:`RAISE_LOGITS` in SAGAN and BigGAN."""

WASSERSTEIN = Term(1.0, lambda t: critic_difference(t["real_logits"], t["fake_logits"]))
"""The critic's side of :data:`RAISE_LOGITS` in Wasserstein GANs."""

RAISE_LOGITS = Term(1.0, lambda t: raise_logits(t["fake_logits"]))
