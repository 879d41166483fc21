"""What algorithms share that are a generator ``G`` against a discriminator ``D``.

Their tensors, and the terms of the losses that several papers have in common. A page says which it
takes, and who minimises it when.
"""

from __future__ import annotations

from torch import Tensor

from synthgen.algorithms.contract import Formula, Tensors, Term
from synthgen.losses.adversarial import (
    critic_difference,
    cross_entropy_discriminator,
    hinge_discriminator,
    non_saturating_generator,
    raise_logits,
)
from synthgen.losses.penalties import zero_centered_penalty


def logits(t: Tensors, images: Tensor, label: str = "label", by: str = "D") -> Tensor:
    """What the judge ``by`` says of images ``float [N, C, H, W]``, augmented, under the labels that
    the tensor ``label`` holds (``int64 [N]``): ``float [N]``, or ``[N, patches]`` of a PatchGAN."""
    return t.call(by, t.augment(images), t[label])


def judged(t: Tensors, images: str, label: str = "label", by: str = "D") -> Tensor:
    """:func:`logits` on the tensor of this name."""
    return logits(t, t[images], label, by)


def centered_penalty(t: Tensors, images: str) -> Tensor:
    """R1 or R2 of ``D`` at the tensor ``images``, times the schedule ``"gamma"``: a scalar."""
    return t.scalar("gamma") * zero_centered_penalty(lambda x: logits(t, x), t[images])


def pair_tensors() -> dict[str, Formula]:
    """``fake`` (``float [N, C, H, W]``) from ``z`` and ``label``; ``real_logits`` and
    ``fake_logits`` (``float [N]``)."""
    return {
        "fake": lambda t: t.call("G", t["z"], t["label"]),
        "real_logits": lambda t: judged(t, "image"),
        "fake_logits": lambda t: judged(t, "fake"),
    }


CROSS_ENTROPY = Term(1.0, lambda t: cross_entropy_discriminator(t["real_logits"], t["fake_logits"]))
"""D's side of :data:`NON_SATURATING`."""

NON_SATURATING = Term(1.0, lambda t: non_saturating_generator(t["fake_logits"]))

HINGE = Term(1.0, lambda t: hinge_discriminator(t["real_logits"], t["fake_logits"]))
"""D's side of :data:`RAISE_LOGITS` in SAGAN and BigGAN."""

WASSERSTEIN = Term(1.0, lambda t: critic_difference(t["real_logits"], t["fake_logits"]))
"""The critic's side of :data:`RAISE_LOGITS` in Wasserstein GANs."""

RAISE_LOGITS = Term(1.0, lambda t: raise_logits(t["fake_logits"]))
