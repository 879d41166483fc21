"""Every class-conditional algorithm on the same data, for the same number of real images shown.

    python -m benchmarks algorithms --data FOLDER --images 60000 --out runs/algorithms

Each is trained by its recipe (``configs/recipes/NAME-SIZE.yaml``) with the budget given here. The
label classifier, whose features the fidelity score is measured on, depends on data and seed alone:
it is trained once and shared, so that scores can be compared. Prints a Markdown table and writes it
with ``results.json`` to the output folder; algorithms that are done are not run again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
from pathlib import Path

from benchmarks.measuring import ask_for_data, data_of
from synthgen.algorithms.registry import class_conditional
from synthgen.generators.zoo import metrics, show
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.train import TrainSettings
from synthgen.stages.train.stage import train

RECIPES = Path(__file__).parent.parent / "configs" / "recipes"
HEAD = (
    "| algorithm | images per second | fidelity score | label agreement | diversity | alarms |\n"
    "|---|---|---|---|---|---|\n"
)

NEEDS = "labelled images of the size of the recipes"


def run(name: str, arguments: argparse.Namespace, shared: Path) -> dict[str, float | str]:
    """Train one algorithm (or open its finished run) and read its figures."""
    out = Path(arguments.out) / name
    values = read_yaml(RECIPES / f"{name}-{arguments.size}.yaml")
    values |= {
        "data": arguments.data, "images": arguments.images, "ticks": arguments.ticks,
        "seed": arguments.seed, "out": str(out), "score_samples": 5000,
        "batch_size": arguments.batch_size, "classifier_images": 300_000,
    }  # fmt: skip
    settings = TrainSettings.parse(values)
    if shared.is_dir() and not out.exists():
        # The run folder as the stage makes it, with the classifier already in place.
        out.mkdir(parents=True)
        (out / "settings.json").write_text(settings.model_dump_json(indent=2) + "\n")
        shutil.copytree(shared, out / "classifier")
    bundle = train(settings)
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    found = metrics(str(bundle))
    return {
        "algorithm": name,
        "images_per_second": statistics.median(
            row["images_per_second"] for row in rows if "images_per_second" in row
        ),
        "score": found["fidelity"]["score"],
        "real_vs_real": found["fidelity"]["real_vs_real"],
        "agreement": found["label_agreement"],
        "diversity": found["diversity"],
        "alarms": found["alarms"],
        "hardware": show(str(bundle)).training["hardware"],
    }


def main() -> None:
    """Run all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask_for_data(parser, NEEDS)
    parser.add_argument("--size", default="grey-28", choices=["grey-28", "rgb-32", "rgb-64"])
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--ticks", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="runs/algorithms")
    parser.add_argument("--only", default="", help="Comma-separated names.")
    arguments = parser.parse_args()
    data_of(arguments, NEEDS)
    names = [name for name, found in class_conditional().items() if found.takes.streams == 1]
    names = [name for name in arguments.only.split(",") if name] or names
    shared = Path(arguments.out) / "classifier"
    results = []
    for name in names:
        results.append(run(name, arguments, shared))
        if not shared.is_dir():
            shutil.copytree(Path(arguments.out) / name / "classifier", shared)
    results.sort(key=lambda result: float(result["score"]))
    lines = [
        f"| {r['algorithm']} | {r['images_per_second']:,.0f} | {r['score']:.3g} | "
        f"{r['agreement']:.1%} | {r['diversity']:.2f} | {r['alarms']} |"
        for r in results
    ]
    text = HEAD + "\n".join(lines) + "\n"
    text += (
        f"\n{arguments.images:,} images shown to each, batches of {arguments.batch_size}; "
        f"{results[0]['hardware']}. Fidelity: Fréchet distance on features of the run's own label "
        f"classifier, 5,000 samples against held-out images; real against real "
        f"{results[0]['real_vs_real']:.3g}.\n"
    )
    (Path(arguments.out) / "table.md").write_text(text)
    (Path(arguments.out) / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    print(text)


if __name__ == "__main__":
    main()
