"""README.md of a dataset: the YAML that loaders read, and what a person wants to know."""

from __future__ import annotations

from typing import Any

import yaml

from synthgen.dataset.acceptance import over_filtering
from synthgen.dataset.counts import of_class, rejected
from synthgen.dataset.layout import Layout
from synthgen.dataset.manifest import Manifest
from synthgen.dataset.schema import make_features
from synthgen.spec.columns import meaning
from synthgen.spec.markdown import plain
from synthgen.spec.plan import Plan


def dataset_card(layout: Layout, manifest: Manifest, quality: str = "") -> str:
    """The whole text of the card; ``manifest`` as written beside it, ``quality`` as Markdown."""
    plan = manifest.plan
    front = {
        "license": "other",
        "task_categories": ["image-classification"],
        "tags": ["synthetic", "gan", "synthgen"],
        "size_categories": [_size(plan.rows)],
        "configs": _configs(layout, plan),
        "dataset_info": _infos(layout, manifest),
    }
    text = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n\n{_body(manifest, quality)}"


def _configs(layout: Layout, plan: Plan) -> list[dict[str, Any]]:
    files = [{"split": name, "path": f"data/{name}-*.parquet"} for name in plan.splits]
    configs: list[dict[str, Any]] = [
        {"config_name": "default", "default": True, "data_files": files}
    ]
    if layout.rejects.is_dir():
        configs.append(
            {
                "config_name": "rejects",
                "data_files": [{"split": "train", "path": "rejects/*.parquet"}],
            }
        )
    return configs


def _infos(layout: Layout, manifest: Manifest) -> list[dict[str, Any]]:
    plan = manifest.plan
    scores, columns = manifest.scores, manifest.columns
    split_of = {shard.name: shard.split for shard in plan.shards}
    sizes: dict[str, int] = dict.fromkeys(plan.splits, 0)
    for receipt in manifest.receipts:
        sizes[split_of[receipt.shard]] += receipt.bytes
    splits = [
        {"name": name, "num_bytes": sizes[name], "num_examples": rows}
        for name, rows in plan.splits.items()
    ]
    # datasets keeps the YAML form of features in a method of its own.
    infos: list[dict[str, Any]] = [
        {
            "config_name": "default",
            "features": make_features(plan.classes, scores, columns=columns)._to_yaml_list(),
            "splits": splits,
            "download_size": sum(sizes.values()),
            "dataset_size": sum(sizes.values()),
        }
    ]
    if layout.rejects.is_dir():
        features = make_features(plan.classes, scores, reason=True, columns=columns)
        infos.append({"config_name": "rejects", "features": features._to_yaml_list()})
    return infos


def _size(rows: int) -> str:
    steps = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))
    return next((name for limit, name in steps if rows < limit), "1M<n<10M")


def _body(manifest: Manifest, quality: str) -> str:
    generator, plan, receipts = manifest.generator, manifest.plan, manifest.receipts
    lost = rejected(receipts)
    lines = [
        f"# {plan.rows:,} synthetic images of {len(plan.classes)} classes",
        "",
        f"{generator.image} images made with "
        f"synthgen {manifest.synthgen} by the generator "
        f"<code>{plain(generator.name)}</code> (algorithm {plain(generator.algorithm)}, trained on "
        f"{plain(generator.trained.data or 'unknown data')}). "
        "The generator's training data may carry terms that hold for images derived from it.",
        "",
        *(
            [f"**Notice:** {plain(generator.trained.notice)}.", ""]
            if generator.trained.notice
            else []
        ),
        *([plain(manifest.settings.story), ""] if manifest.settings.story else []),
        *([f"Its {manifest.settings.refined.told()}.", ""] if manifest.settings.refined else []),
        "![contact sheet](report/contact-sheet.png)",
        "",
        "```python",
        "import datasets",
        f'data = datasets.load_dataset("path/to/this/folder", split="{next(iter(plan.splits))}")',
        "```",
        "",
        *(["## How good it is", "", quality, ""] if quality else []),
        "## Counts",
        "",
        "| class | images | candidates | kept | " + " | ".join(lost.columns) + " |",
        "|---|---|---|---|" + "---|" * len(lost.columns),
    ]
    for label, count in plan.per_class.items():
        thrown = of_class(lost, label).values()
        total = count + sum(thrown)
        share = f"{count / total:.1%}" if total else "-"
        cells = " | ".join(f"{number:,}" for number in thrown)
        lines.append(f"| {plain(label)} | {count:,} | {total:,} | {share} | {cells} |")
    lines += ["", "Splits: " + ", ".join(f"{k} {v:,}" for k, v in plan.splits.items()) + ".", ""]
    lines += [
        "## Columns",
        "",
        "- `image`, `label`: the image and its class.",
        *_further_columns(manifest),
        "- `seed`, `shard`, `candidate`, `generator_class`: the numbers that make the image again "
        "(`synthgen reproduce`).",
        f"- `pixel_hash`: {manifest.settings.pixel_hash} of the pixels.",
        *(f"- `{name}`: {meaning(name)}." for name in manifest.scores),
        "",
        "## How it was filtered",
        "",
        plain(manifest.filters_text) or "Not at all, but for validity.",
        "",
        *(f"- **Note:** {plain(text)}." for text in over_filtering(receipts)),
        "",
    ]
    return "\n".join(lines)


def _further_columns(manifest: Manifest) -> list[str]:
    soft = manifest.columns.soft
    if soft is None:
        return _columns_of_fields(manifest)
    return [
        *_columns_of_fields(manifest),
        f"- `soft_label`: {soft.classes} probabilities in the order of the label's names, adding "
        "up to 1: what the label classifier of "
        f"<code>{plain(soft.told())}</code> says of the image.",
    ]


def _columns_of_fields(manifest: Manifest) -> list[str]:
    lines = []
    if manifest.generator.domains:
        source, target = (plain(name) for name in manifest.generator.domains)
        lines.append(
            f"- `source`: the same in the domain {source}; `domain`: the image's own, {target}."
        )
    task = manifest.generator.task(manifest.plan.classes)
    for name, kind in manifest.columns.fields.items() if not lines else ():
        how = "what the image was made from" if name in task.given else "made with the image"
        lines.append(f"- `{plain(name)}`: {kind.kind}, {how}.")
    for name, carried in manifest.columns.carried.items():
        kind_of = "class label" if carried.names else carried.dtype
        lines.append(
            f"- `{plain(name)}`: {kind_of}, column `{plain(carried.column)}` of the row that was "
            "given."
        )
    return lines
