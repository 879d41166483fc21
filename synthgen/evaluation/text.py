"""An evaluation in words and figures: for the terminal, and as Markdown for the card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from synthgen.evaluation.attributes import attribute_lines, cells_of
from synthgen.evaluation.edits import HEADS, edit_lines, edit_rows
from synthgen.evaluation.measures import Compared
from synthgen.evaluation.parts import part_cells, part_lines
from synthgen.evaluation.record import ClassEvaluation, Evaluation
from synthgen.evaluation.restoration import Restoration
from synthgen.evaluation.utility import Utility
from synthgen.spec.markdown import plain

MARKS = {"bad": "✗", "care": "!", "good": "✓"}


def measure_name(key: str, fid: bool) -> str:
    """What a measure is called: FID and KID on FID's Inception only."""
    names = {"frechet_distance": "Fréchet distance", "kernel_distance": "kernel distance"}
    if fid:
        names = {"frechet_distance": "FID", "kernel_distance": "KID"}
    return names.get(key, key)


def measure_rows(compared: Compared, fid: bool) -> list[tuple[str, str, str]]:
    """Name, value and real-against-real value of every measure."""
    real = asdict(compared.real)
    return [
        (measure_name(key, fid), shown(value), shown(real[key]))
        for key, value in asdict(compared.made).items()
    ]


def shown(value: float | None, percent: bool = False) -> str:
    """A figure of three digits, or a dash."""
    if value is None:
        return "–"
    if percent:
        return f"{value:.1%}"
    if value and abs(value) < 0.01:
        return f"{value:.1e}" if abs(value) < 0.0001 else f"{value:.4f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def as_text(found: Evaluation) -> str:
    """The verdict and its sentences, then all figures."""
    lines = [found.verdict, *(f" {MARKS[f.level]} {f.text}" for f in found.findings), ""]
    lines += [
        f"{found.images:,} images against {found.real_images:,} real ones of {found.real}, by "
        f"{found.extractor}:"
    ]
    if found.overall:
        lines += [
            f"  {name}: {value} (real against real {real})"
            for name, value, real in measure_rows(found.overall, found.fid)
        ]
        lines.append(f"  each with {found.overall.images:,} images on either side")
    lines += [f"  {line}" for entry in found.classes for line in _class_lines(entry)]
    lines += [f"  {line}" for line in attribute_lines(found.attributes)]
    lines += [f"  {line}" for line in edit_lines(found.edits)]
    lines += [f"  {line}" for line in part_lines(found.parts)]
    lines += [f"  {line}" for line in _repeats(found)]
    lines += [line for each in found.restorations for line in _restored_lines(each)]
    if found.seen:
        lines.append(
            "the generator was trained on the very images that it is compared with: distances, "
            "precision and recall flatter it"
        )
    if found.utility:
        lines += ["", "does a classifier get better?", found.utility.text()]
    return "\n".join(lines)


def as_markdown(found: Evaluation) -> str:
    """Markdown for the card: verdict, sentences, tables. Names of classes are escaped."""
    lines = [f"**{found.verdict}**", ""]
    lines += [f"- {MARKS[f.level]} {plain(f.text)}" for f in found.findings]
    lines += [
        "",
        f"{found.images:,} images were compared with {found.real_images:,} real ones of "
        f"{plain(found.real)}, by the features of {plain(found.extractor)}.",
        "",
    ]
    if found.overall:
        lines += ["| measure | this dataset | real against real |", "|---|---|---|"]
        lines += [
            f"| {name} | {value} | {real} |"
            for name, value, real in measure_rows(found.overall, found.fid)
        ]
        lines.append("")
    lines += [
        "| class | diversity | label agreement | of real images | linear probe | of real images |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {plain(c.name)} | {shown(c.diversity, True)} | {shown(c.agreement, True)} "
        f"| {shown(c.real_agreement, True)} | {shown(c.probe_agreement, True)} "
        f"| {shown(c.real_probe_agreement, True)} |"
        for c in found.classes
    ]
    for head, rows in _seen_by_readers(found):
        lines += ["", f"| {head} | this dataset | of real images |", "|---|---|---|"]
        lines += [f"| {' | '.join(plain(cell) for cell in row)} |" for row in rows]
    if found.edits:
        lines += ["", f"| {' | '.join(HEADS)} |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(map(plain, row))} |" for row in edit_rows(found.edits)]
    lines += ["", *(f"- {plain(line)}" for line in _repeats(found))]
    for each in found.restorations:
        head = "| | PSNR | mean difference of 255 | perceptual distance |"
        lines += ["", f"{plain(each.what)}:", "", head, "|---|---|---|---|"]
        lines += [f"| {' | '.join(map(plain, row))} |" for row in restored_rows(each)]
    if found.utility:
        lines += ["", *_utility(found.utility)]
    return "\n".join(lines)


def _seen_by_readers(
    found: Evaluation,
) -> Iterator[tuple[str, Iterable[tuple[str, str, str]]]]:
    """The tables of what readers see: what their rows are, and the rows."""
    if found.attributes:
        yield "attribute", map(cells_of, found.attributes)
    if found.parts:
        yield "part", map(part_cells, found.parts)


def restored_rows(found: Restoration) -> list[tuple[str, str, str, str]]:
    """Name, PSNR, mean difference and perceptual distance of the dataset and of each baseline."""
    return [
        (row.name, f"{row.psnr:.2f} dB", f"{row.difference:.2f}",
         "–" if row.perceptual is None else f"{row.perceptual:.3f}")
        for row in found.rows
    ]  # fmt: skip


def _restored_lines(found: Restoration) -> Iterator[str]:
    yield f"{found.what}:"
    for name, psnr, difference, looks in restored_rows(found):
        yield (
            f"  {name}: PSNR {psnr}, mean difference {difference} of 255, perceptual distance "
            f"{looks}"
        )


def _utility(found: Utility) -> Iterator[str]:
    """Markdown: what was measured how, the table, the sentences."""
    yield (
        f"One {plain(found.learner)}, trained {len(found.seeds)} times with each training set and "
        f"tested on {found.test_images:,} real images of {plain(found.test)} (mean ± deviation). "
        f"Real images: {plain(found.real)}; the generator saw {found.generator_saw}."
    )
    yield from ["", found.table(), ""]
    yield from (f"- {plain(line)}" for line in found.sentences())


def _class_lines(entry: ClassEvaluation) -> Iterator[str]:
    yield (
        f"{entry.name}: diversity {shown(entry.diversity, True)} (real "
        f"{shown(entry.real_diversity, True)}), agreement {shown(entry.agreement, True)} (real "
        f"{shown(entry.real_agreement, True)}), linear probe {shown(entry.probe_agreement, True)} "
        f"(real {shown(entry.real_probe_agreement, True)})"
    )
    if entry.compared is None:
        return
    made, real = entry.compared.made, entry.compared.real
    parts = [
        f"{name} {shown(getattr(made, key))} ({shown(getattr(real, key))})"
        for name, key in (
            ("Fréchet", "frechet_distance"), ("kernel", "kernel_distance"),
            ("precision", "precision"), ("recall", "recall"), ("density", "density"),
            ("coverage", "coverage"),
        )
    ]  # fmt: skip
    yield "  " + ", ".join(parts)
    if entry.compared.other_class is not None:
        yield (
            f"  the nearest class, {entry.compared.other_class}, is at Fréchet "
            f"{shown(entry.compared.other_class_distance)}"
        )


def _repeats(found: Evaluation) -> Iterator[str]:
    twice, memory = found.duplicates, found.memorisation
    yield (
        f"exact duplicates: {twice.exact:,} of {twice.rows:,} (real images {twice.real_exact:,} of "
        f"{twice.real_rows:,})"
    )
    if twice.near:
        yield (
            f"near duplicates: {twice.near.share:.1%} of {twice.near.images:,} (real images "
            f"{twice.near.real_share:.1%})"
        )
    yield (
        f"copies of {memory.training}, pixel for pixel or mirrored: {memory.copies:,} of "
        f"{memory.rows:,}"
    )
    if memory.agrees:
        yield (
            "images must agree with the rows that they were made from: one near a training image "
            "says that its row is, and is not held against the dataset"
        )
    if memory.near:
        yield (
            f"as near to one of {memory.searched:,} of its {memory.total:,} images as 1 % of "
            f"unseen images are: {memory.near.share:.1%} (of unseen images "
            f"{memory.near.real_share:.1%}; unseen are {memory.unseen})"
        )
