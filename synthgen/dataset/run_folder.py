"""Who may write into an output folder, and as the run of which settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from synthgen.dataset.commit import disk_errors, read_json, write_json
from synthgen.dataset.layout import Layout
from synthgen.dataset.run_settings import AMOUNT
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan
from synthgen.spec.refinement import REFINED
from synthgen.storage.lock import locked
from synthgen.storage.place import Place
from synthgen.storage.store_path import StorePath, protocols
from synthgen.storage.transfer import remove_folder

Mode = Literal["new", "resume", "overwrite", "extend"]

READ_ONLY = {"hf", "http", "https"}
"""Stores on which no run is made: every file would be a commit of its own, or they take none."""


@contextmanager
def open_run(
    root: Place, settings: Mapping[str, Any], plan: Plan, mode: Mode
) -> Iterator[tuple[Layout, Plan]]:
    """Hold the folder's lock while the run of ``settings`` writes; gives layout and valid plan.

    A fresh or empty folder begins a run. A folder of the same settings goes on (or is complete). In
    mode ``overwrite`` what synthgen made there is removed first; in mode ``extend`` the folder must
    hold a dataset of the same settings but fewer images, and the plan grows by new shards.

    Raises:
        SynthgenError: the folder is in use, not writable, of other settings, or holds other files.
    """
    layout = Layout(root)
    if isinstance(root, StorePath) and protocols(root.store) & READ_ONLY:
        raise SynthgenError(
            f"{root}: cannot be written to; sample elsewhere, then synthgen publish"
        )
    # JSON has no tuples: what is compared must have been through it.
    mine = json.loads(json.dumps(dict(settings)))
    _refuse_foreign(layout, mode)
    layout.refuse_links()
    with disk_errors(root):
        layout.own.mkdir(parents=True, exist_ok=True)
        with locked(layout.lock, root):
            if mode == "overwrite":
                _clear(layout)
            theirs = read_json(layout.settings) if layout.settings.is_file() else None
            if theirs is None:
                if mode in ("resume", "extend") and not layout.settings.is_file():
                    raise SynthgenError(
                        f"{root}: holds no run to {mode}; leave --{mode} away to begin one"
                    )
                _begin(layout, mine, plan)
            elif mode == "extend":
                plan = _extend(layout, theirs, mine, plan)
            else:
                _compare(root, theirs, mine, ignore=())
                plan = Plan.from_json(read_json(layout.plan))
            yield layout, plan


def _begin(layout: Layout, settings: dict[str, Any], plan: Plan) -> None:
    # The plan first: settings without one would be a run that cannot go on.
    write_json(plan.to_json(), layout.plan, layout.staging)
    write_json(settings, layout.settings, layout.staging)


def _extend(layout: Layout, theirs: dict[str, Any], mine: dict[str, Any], wanted: Plan) -> Plan:
    """The old plan followed by shards for what is missing; the card goes, as it is not complete."""
    _compare(layout.root, theirs, mine, ignore=AMOUNT)
    old = Plan.from_json(read_json(layout.plan))
    plan = grown(old, wanted)
    if plan != old:
        layout.card.unlink(missing_ok=True)
        write_json(plan.to_json(), layout.plan, layout.staging)
        write_json(mine, layout.settings, layout.staging)
    return plan


def grown(old: Plan, wanted: Plan) -> Plan:
    """``old`` with new shards, so that the total per split and class is that of ``wanted``.

    Raises:
        SynthgenError: ``wanted`` has fewer images somewhere than ``old``.
    """
    shards = list(old.shards)
    largest = max((shard.rows for shard in wanted.shards), default=1)
    for split in wanted.splits:
        need = _totals(wanted, split)
        have = _totals(old, split)
        missing = [n - h for n, h in zip(need, have, strict=True)]
        if min(missing) < 0:
            name = old.classes[missing.index(min(missing))]
            raise SynthgenError(
                f"the dataset has more images of class '{name}' in split '{split}' than asked for; "
                "--extend only adds"
            )
        ordinal = sum(shard.split == split for shard in shards)
        pieces = -(-sum(missing) // largest)
        for piece in range(pieces):
            quotas = tuple(m * (piece + 1) // pieces - m * piece // pieces for m in missing)
            if sum(quotas):
                template = old.shards[0] if old.shards else wanted.shards[0]
                shards.append(
                    replace(
                        template, index=len(shards), split=split, ordinal=ordinal, quotas=quotas
                    )
                )
                ordinal += 1
    return replace(old, shards=tuple(shards))


def _totals(plan: Plan, split: str) -> list[int]:
    chosen = [shard.quotas for shard in plan.shards if shard.split == split]
    return [sum(q[label] for q in chosen) for label in range(len(plan.classes))]


def _compare(root: Place, theirs: Any, mine: dict[str, Any], ignore: tuple[str, ...]) -> None:
    if not isinstance(theirs, dict):
        raise SynthgenError(f"{root}: its .synthgen/settings.json is damaged; use --overwrite")
    for key in sorted(set(theirs) | set(mine)):
        if key not in ignore and theirs.get(key) != mine.get(key):
            if key == REFINED and _other_images(theirs.get(key), mine.get(key)):
                raise SynthgenError(
                    f"{root}: the real images that its latents were refined towards have changed; "
                    "put them back, name another --out, or start over with --overwrite"
                )
            shown = _apart(theirs.get(key), mine.get(key))
            more = " or grow it with --extend" if key in AMOUNT else ""
            raise SynthgenError(
                f"{root}: holds a run with {key}={shown[0]}, not {shown[1]}; name another --out, "
                f"start over with --overwrite{more}"
            )


def _other_images(theirs: Any, mine: Any) -> bool:
    """Whether two records of refined latents are of other real images."""
    known = isinstance(theirs, dict) and isinstance(mine, dict)
    return known and theirs.get("real_fingerprint") != mine.get("real_fingerprint")


SHOWN = 80
"""Characters of a value that a message shows."""


def _apart(*values: Any) -> list[str]:
    """The values as text, long ones from shortly before where they begin to differ."""
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    alike = zip(*texts, strict=False)
    same = next((i for i, here in enumerate(alike) if len(set(here)) > 1), min(map(len, texts)))
    start = max(0, same - SHOWN // 2) if max(map(len, texts)) > SHOWN else 0
    return [
        ("..." if start else "")
        + text[start : start + SHOWN]
        + ("..." if len(text) > start + SHOWN else "")
        for text in texts
    ]


def _refuse_foreign(layout: Layout, mode: Mode) -> None:
    root = layout.root
    if root.is_file():
        raise SynthgenError(f"{root}: is a file; name a folder with --out")
    if not root.is_dir() or layout.own.is_dir():
        return
    try:
        other = min((entry.name for entry in root.iterdir()), default=None)
    except OSError as error:
        raise SynthgenError(f"{root}: cannot be read: {error.strerror}") from None
    if other is not None:
        raise SynthgenError(
            f"{root}: holds '{other}', which synthgen did not make; name another folder with --out"
        )


def _clear(layout: Layout) -> None:
    """Remove what synthgen made and nothing else; the card first, as it says complete."""
    layout.card.unlink(missing_ok=True)
    layout.manifest.unlink(missing_ok=True)
    for folder in (layout.data, layout.rejects, layout.receipts, layout.staging):
        remove_folder(folder)
    remove_folder(layout.contact_sheet.parent)
    for file in (layout.settings, layout.plan, layout.exclusions):
        file.unlink(missing_ok=True)
