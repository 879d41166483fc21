"""How near solids are to the true ones that their views were of, beside plain ways back."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from synthgen.spec.projection import hull, overlap

OWN = "this dataset"
HULL = "the visual hull of the views"
MEAN = "what most training solids fill"


@dataclass(frozen=True)
class Reconstruction:
    """Solids that were made from views, beside the solids that these are of."""

    source: str
    """The true solids, by the name of their data."""
    solids: int
    held_out: int
    """Of them, those whose true ones training held out."""
    trained_on: int
    """Those whose true ones training has shown. There are some only if there are no others."""
    overlaps: dict[str, float]
    """Intersection over union with the true solid, the mean over solids: of the dataset, then of
    each plain way."""

    @property
    def what(self) -> str:
        """What was compared, in words."""
        if self.trained_on:
            known = "which the generator was trained on: that flatters it"
        elif self.held_out == self.solids:
            known = "all held out from training"
        elif self.held_out:
            known = f"{self.held_out:,} held out from training, the others of other data"
        else:
            known = "of other data than the generator was trained on"
        return f"{self.solids:,} solids beside the true ones of {self.source} ({known})"

    @property
    def nearer(self) -> bool:
        """Whether the dataset's are nearer than those of every plain way."""
        own = self.overlaps[OWN]
        return all(own > value for name, value in self.overlaps.items() if name != OWN)

    def rows(self) -> list[tuple[str, str]]:
        """Who made the solids, and their overlap, for a table."""
        return [(name, f"{value:.3f}") for name, value in self.overlaps.items()]

    def sentence(self) -> str:
        """Whether the dataset or the best plain way is nearer, with both figures."""
        others = {name: value for name, value in self.overlaps.items() if name != OWN}
        best = max(others, key=lambda name: others[name])
        figures = f"IoU {self.overlaps[OWN]:.3f} against {others[best]:.3f}"
        if self.nearer:
            return f"The solids are nearer to the true ones than {best} is: {figures}."
        return f"The solids are no nearer to the true ones than {best} is: {figures}."


@dataclass
class Overlaps:
    """Sums over solids, by who made them."""

    angles: tuple[float, ...]
    mean: Tensor | None = None
    """``bool [S, S, S]``: what most training solids fill, where these are known."""
    sums: dict[str, float] = field(default_factory=dict)
    solids: int = 0

    def add(self, made: Tensor, true: Tensor, views: Tensor) -> None:
        """Add solids ``uint8 [N, S, S, S]``, the true ones, and the views ``uint8 [N, V, H, W, C]``
        that they were made from."""
        answers = {OWN: made > 0, HULL: hull(views, self.angles, true.shape[1]) > 0}
        if self.mean is not None:
            answers[MEAN] = self.mean.expand_as(made)
        for name, answer in answers.items():
            found = float(overlap(answer, true > 0).double().sum())
            self.sums[name] = self.sums.get(name, 0.0) + found
        self.solids += len(made)

    def means(self) -> dict[str, float]:
        """The mean overlap of each."""
        return {name: total / self.solids for name, total in self.sums.items()}


def most_fill(solids: Tensor) -> Tensor:
    """``bool [S, S, S]``: the voxels that at least half of ``uint8 [N, S, S, S]`` fill."""
    return solids.float().mean(dim=0) >= 0.5
