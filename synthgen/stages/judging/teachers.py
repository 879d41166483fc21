"""Teachers: label classifiers of bundles, and what they say that images show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.evaluation.fidelity import embed
from synthgen.generators.format import CLASSIFIER
from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.spec.errors import SynthgenError, did_you_mean, name_list
from synthgen.spec.image import ImageSpec
from synthgen.spec.soft_labels import SoftLabels, Teacher

TOGETHER = 512
"""Images that are looked at at once."""


@dataclass(frozen=True)
class Teachers:
    """The label classifiers of some bundles, asked about some classes."""

    bundles: tuple[Generator, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Look whether they know the classes.

        Raises:
            SynthgenError: there is one class only, or a bundle has no classifier, or does not know
                one of the classes.
        """
        if len(self.classes) < 2:
            raise SynthgenError(
                f"soft labels are probabilities of several classes, and here is one alone "
                f"({name_list(self.classes)}); name more --classes or leave out --soft-labels"
            )
        for bundle in self.bundles:
            if bundle.classifier is None:
                raise SynthgenError(
                    f"generator '{bundle.name}' has no label classifier for soft labels; name "
                    "bundles that have one with --teachers"
                )
            for name in self.classes:
                if name not in bundle.classes:
                    raise SynthgenError(
                        f"teacher '{bundle.name}' does not know class '{name}' (it knows "
                        f"{name_list(bundle.classes)}){did_you_mean(name, bundle.classes)}"
                    )

    @property
    def record(self) -> SoftLabels:
        """Whose probabilities they are, for a dataset's record."""
        own = tuple(Teacher(one.name, one.config.files[CLASSIFIER]) for one in self.bundles)
        return SoftLabels(len(self.classes), own)

    def say(self, images: np.ndarray) -> np.ndarray:
        """Probabilities ``float32 [N, K]`` of ``uint8 [N, H, W, C]``, each row adding up to 1.

        The mean over the teachers of the softmax of their calibrated logits (Guo et al. 2017,
        arXiv:1706.04599, section 4.2) over the classes that are asked for, in their order.
        """
        total = np.zeros((len(images), len(self.classes)), dtype=np.float64)
        for bundle in self.bundles:
            assert bundle.classifier is not None
            keys = [bundle.classes.index(name) for name in self.classes]
            logits = embed(bundle.classifier, images, TOGETHER, bundle.device)[:, keys]
            total += logits.double().softmax(dim=1).numpy()
        return (total / len(self.bundles)).astype(np.float32)


def load_teachers(
    names: Sequence[str], own: Generator, classes: Sequence[str], image: ImageSpec
) -> Teachers:
    """The teachers in the bundles of these names, on the device of ``own``, which is the one where
    none are named.

    Raises:
        SynthgenError: one is not to be found, has no classifier, does not know a class, or looks at
            images of another size.
    """
    found = []
    for name in names:
        bundle = load_generator(name, str(own.device), "fp32")
        if bundle.image != image:
            raise SynthgenError(
                f"teacher '{bundle.name}' looks at images of {bundle.image}, and these are {image}"
            )
        found.append(bundle)
    return Teachers(tuple(found) or (own,), tuple(classes))
