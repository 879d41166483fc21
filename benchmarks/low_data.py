"""Does a GAN trained on few images help a classifier that gets the same few images?

    python -m benchmarks low_data --data FASHION_MNIST --per-class 100,500 --out runs/low-data

For each size: writes a folder of just these images (the first of a fixed permutation of each class'
training images), trains ``configs/low-data-28.yaml`` on it, lets ``synthgen tune`` choose latents,
threshold and mix on the images that were held out of that training, samples, and measures utility:
these images alone, with the usual flips and shifts, against these images and the samples, tested on
the real test images. Whatever is done is not done again; prints Markdown tables and writes them to
``table.md`` in the output folder.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.measuring import ask_for_data, data_of
from synthgen.data.sources import open_source
from synthgen.data.splits import few_per_class
from synthgen.evaluation.utility import Utility
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.data import DataSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.spec.settings.tune import TuneSettings
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.sample.stage import sample
from synthgen.stages.train.stage import train
from synthgen.stages.utility.stage import utility
from synthgen.stages.utility.tune import tune

NEEDS = "labelled images with a test split"

RECIPE = Path(__file__).parent.parent / "configs" / "low-data-28.yaml"


def write_subset(data: str, per_class: int, seed: int, folder: Path) -> None:
    """Class folders of the image files as they are in the source; a complete folder is left."""
    source = open_source(DataSettings.parse({"data": data}), "train")
    rows = few_per_class(source.labels, per_class, seed)
    if sum(1 for _ in folder.glob("*/*.png")) == len(rows):
        return
    for row, (encoded, _) in zip(rows, source.encoded([int(r) for r in rows]), strict=True):
        name = source.classes[source.labels[row]].replace("/", "-")
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"{row:05d}.png").write_bytes(encoded)


def run(per_class: int, arguments: argparse.Namespace) -> Utility:
    """All steps for one number of images per class."""
    out, seed = Path(arguments.out), arguments.seed
    few = out / f"few-{per_class}-seed{seed}"
    write_subset(arguments.data, per_class, seed, few)
    name = f"{RECIPE.stem}-{per_class}-seed{seed}"
    bundle = train(
        TrainSettings.parse(
            {**read_yaml(RECIPE), "data": str(few), "out": str(out / "runs" / name)}
        )
    )
    tuned = tune(TuneSettings.parse({
        "generator": str(bundle), "real": str(few), "out": str(out / "tuned" / name),
        "agreement": ("default",), "shares": (0.25, 0.5),
    }))  # fmt: skip
    made = sample(SampleSettings.parse({
        **read_yaml(tuned.config), "out": str(out / "datasets" / name),
        "per_class": arguments.synthetic_per_class,
    }))  # fmt: skip
    return utility(UtilitySettings.parse({
        "dataset": str(made.root), "real": str(few), "test": arguments.data, "sizes": ("all",),
        "synthetic_share": tuned.tuning.best.share, "finish_on_real": tuned.tuning.best.finish,
        "seeds": arguments.seeds, "steps": arguments.steps, "teachers": arguments.teachers,
        "quick": not arguments.strong,
    }))  # fmt: skip


def main() -> None:
    """Run all sizes, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--per-class", default="100,500")
    parser.add_argument("--synthetic-per-class", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="Of the choice of images.")
    parser.add_argument("--seeds", type=int, default=5, help="Classifiers for each row.")
    parser.add_argument("--steps", type=int, default=1000, help="Of every classifier.")
    parser.add_argument("--teachers", type=int, default=0, help="See synthgen utility.")
    parser.add_argument(
        "--strong",
        action="store_true",
        help="By the strong protocol; takes hours.",
    )
    parser.add_argument("--out", default="runs/low-data")
    arguments = parser.parse_args()
    data_of(arguments, NEEDS)
    found = [run(int(size), arguments) for size in arguments.per_class.split(",")]
    text = "\n\n".join(utility.text() for utility in found) + "\n"
    (Path(arguments.out) / "table.md").write_text(text)
    records = [utility.to_json() for utility in found]
    (Path(arguments.out) / "results.json").write_text(json.dumps(records, indent=2) + "\n")
    print(text)


if __name__ == "__main__":
    main()
