"""The table of ways: what each brings, when it can help, how far that is known, and what to type.

The rule: samples help a learner only where they carry something that it does not get anyway. A way
that is named first stands first here; figures are copied from their source, and a test looks for
the measured ones on the page that they name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from synthgen.spec.advice import Case, measured, paper
from synthgen.stages.advise import conditions as when
from synthgen.stages.advise.facts import Facts
from synthgen.stages.advise.way import Way
from synthgen.uses.registry import Use, find_use, use_names

Condition = Callable[[Facts], str | None]

OWN = (
    Way(
        name="share",
        does="a generator, or its samples, goes where the images may not",
        brings="the right to share",
        fits=when.shares,
        evidence=(
            measured("Fashion-MNIST: samples alone 80.1 ± 0.5 %, all real images 86.9 ± 0.5 %"),
            paper(
                "2.0 points behind real images on Fashion-MNIST, chosen on test images",
                "GaFi, arXiv:2305.10118",
            ),
        ),
        first="a small subset of real images that you may pass on, or the classifier itself",
        commands=(
            "synthgen train --data {data}{reading} --no-reference --out {runs}-share",
            "synthgen sample --generator {runs}-share --n {many} --soft-labels --out {out}-share",
            "synthgen utility {out}-share --real {data} --sizes all{held}",
        ),
    ),
    Way(
        name="adapt",
        does="labelled images take the target's look; a generator of the target refines the labels",
        brings="unlabelled images",
        fits=when.adapts,
        evidence=(
            paper(
                "MNIST to MNIST on photo patches: source alone about 60 %, translated 98.2 %",
                "PixelDA, arXiv:1612.05424",
            ),
            paper(
                "rounds of conditional GAN and classifier clean the labels of the target",
                "Generative Pseudo-label Refinement, arXiv:2001.02950",
            ),
        ),
        first=(
            "bring the data to the target's crop, size and colours; augment colours; Fourier "
            "domain adaptation (arXiv:2004.05498); self-training on the target. Label a few "
            "hundred target images by hand to test on"
        ),
        commands=(
            "synthgen adapt --source {data} --target {target} --out {out}-adapted",
            "synthgen verify {out}-adapted/dataset",
        ),
    ),
    Way(
        name="recolour",
        does="colour augmentation, Fourier domain adaptation, self-training on the target",
        brings="no GAN",
        fits=when.recolours,
        evidence=(paper("the target's low frequencies", "FDA, arXiv:2004.05498"),),
    ),
    Way(
        name="grow",
        does="in rounds, a classifier labels the pool and a generator learns from all of it",
        brings="unlabelled images",
        fits=when.grows,
        evidence=(
            paper(
                "ImageNet with one, two, five labels a class: 2.8, 3.0, 2.0 points over the "
                "best semi-supervised learner, with a diffusion model",
                "DPT, arXiv:2302.10586",
            ),
            measured("Fashion-MNIST: 71.6 ± 3.3 % with 10 labels a class, 83.9 ± 0.2 % with 100"),
        ),
        first="self-training and FixMatch (arXiv:2001.07685) on the same pool, with as many steps",
        commands=(
            "synthgen grow --labelled {data} --unlabelled {pool}{labelled} --out {out}-grown",
            "synthgen utility {out}-grown/dataset --real {data} --sizes all{held}"
            " --unlabelled {pool} --baseline fixmatch",
        ),
    ),
    Way(
        name="shared-generator",
        does="samples of a generator that saw many more images than you have",
        brings="other data",
        fits=when.borrows,
        evidence=(
            measured(
                "Fashion-MNIST: +9.6 ± 2.9 points with 10 real images of a class, +2.9 ± 0.6 "
                "with 50, +0.9 ± 0.5 with 100, -1.4 ± 0.3 with 500"
            ),
        ),
        first="mirroring and shifting, which are free; a pre-trained network",
        commands=(
            "synthgen sample --generator {generator} --classes {classes} --per-class 1000 "
            "--out {out}-shared",
            "synthgen utility {out}-shared --real {data} --sizes all{held}",
        ),
    ),
    Way(
        name="weighted-loss",
        does="each class counts as much as any other: weight its loss by 1 / images ({weights})",
        brings="no GAN",
        fits=when.weighs,
        evidence=(
            paper("the bar that a GAN must beat", "Cui et al. 2019, arXiv:1901.05555"),
            paper("weights in the last epochs alone", "Cao et al. 2019, arXiv:1906.07413"),
        ),
    ),
    Way(
        name="fill-classes",
        does="samples of the rare classes beside the real images",
        brings="better answers",
        fits=when.fills,
        first="the weighted loss above, and mixup with weights deferred to the last epochs",
        commands=(
            "synthgen train --data {data}{reading} --out {runs}-filled",
            "synthgen sample --generator {runs}-filled --per-class {most} --out {out}-filled",
            "synthgen utility {out}-filled --real {data} --sizes all{held} --baseline balanced",
        ),
    ),
    Way(
        name="label-some",
        does="label 10 to 50 images of each class by hand; the others are then a pool",
        brings="no GAN",
        fits=when.labels_some,
        evidence=(
            measured("Fashion-MNIST: 71.6 ± 3.3 % with 10 labels a class, 80.8 ± 0.5 % with 50"),
        ),
        commands=("synthgen advise --data LABELLED --unlabelled {data}",),
    ),
    Way(
        name="collect",
        does="find unlabelled images of the same kind, or of where the model will be used",
        brings="unlabelled images",
        fits=when.collects,
        commands=("synthgen advise --data {data} --unlabelled POOL",),
    ),
    Way(
        name="teachers",
        does="classifiers of your images say what samples show, and one learns their mean answer",
        brings="better answers",
        fits=when.asks_teachers,
        evidence=(
            measured("Fashion-MNIST, 100 images of a class: +0.4 ± 0.2 points; 500: -0.5 ± 0.4"),
        ),
        first="mirroring and shifting; a pre-trained network; the mean of the teachers themselves",
        commands=(
            "synthgen train --data {data}{reading} --out {runs}-few",
            "synthgen sample --generator {runs}-few --per-class 1000 --out {out}-few",
            "synthgen utility {out}-few --real {data} --sizes all{held} --quick --steps 3000"
            " --teachers 5",
        ),
    ),
    Way(
        name="real-only",
        does="train longer on the images that you have, mirrored and shifted",
        brings="no GAN",
        fits=when.has_plenty,
        evidence=(
            measured("samples beside all of Fashion-MNIST: -0.9 ± 0.4 points; 500: -1.4 ± 0.3"),
        ),
    ),
)
"""What can help and is no use; uses say it themselves."""

USELESS = (
    Way("plain sampling", "samples of a GAN of the same images, added to them", "nothing new",
        when.has_nothing_new,
        (measured("Fashion-MNIST, 100 images of a class: -0.6 ± 0.6 points; 500: -1.2 ± 0.3"),)),
    Way("a GAN for rare classes", "samples of classes with very few images", "nothing new",
        when.is_too_small,
        (paper("conditional GANs collapse on the rare classes of long-tailed data",
               "Rangwani et al. 2022, arXiv:2208.09932"),)),
    Way("translation", "the look of the target", "nothing new", when.looks_alike),
    Way("this pool", "labels for the pool", "nothing new", when.is_the_same),
)  # fmt: skip
"""What does not, and is asked about."""

OF_USES: Mapping[Case, Condition] = {
    "background": when.intervenes,
    "attributes": when.edits,
    "pairs": when.translates,
    "masks": when.lays_out,
    "joints": when.poses,
    "captions": when.tells,
}
"""When a use can help, by what it says that it helps with."""

MOST_FIRST = (
    when.shares, when.adapts, when.intervenes, when.recolours, when.grows, when.edits, when.borrows,
    when.translates, when.lays_out, when.poses, when.tells, when.weighs, when.fills,
    when.labels_some, when.collects, when.asks_teachers, when.has_plenty,
)  # fmt: skip
"""The conditions, that of the most helpful way first."""


def ways() -> tuple[Way, ...]:
    """All that can help, the most helpful first: our own ways, and uses, also those of other
    packages."""
    uses = [_of(find_use(name)) for name in use_names()]
    known = [*OWN, *(way for way in uses if way is not None)]
    return tuple(sorted(known, key=lambda way: MOST_FIRST.index(way.fits)))


def _of(use: Use) -> Way | None:
    if (helps := use.helps) is None:
        return None
    return Way(
        use.name, helps.does, helps.brings, OF_USES[helps.when], helps.evidence, helps.first,
        helps.commands,
    )  # fmt: skip
