"""Write docs/licences.md: every package that synthgen brings along, with the licence it states.

    python .ci/licences.py          # write it
    python .ci/licences.py --check  # fail if it names other packages than are needed

The names come from pyproject.toml and from the metadata of what is installed. What the extras bring
that are not installed for the tests is asked of the package index when the page is written.
"""

from __future__ import annotations

import email
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from email.message import Message
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
ACCELERATORS = re.compile(r"nvidia-|cuda-|triton|pytorch-triton")
"""What a CUDA build of torch needs and a CPU build does not."""
EXTRAS = ("s3", "3d")
ELSEWHERE = ("gcs", "ray")
"""Extras that are not installed for the tests."""

INTRODUCTION = """# Licences of what synthgen brings along

Written by `python .ci/licences.py` from the metadata of the packages themselves. synthgen's own
licence is Apache-2.0. CUDA builds of torch also bring NVIDIA's libraries, which are under NVIDIA's
own terms, and Triton (MIT).
"""
NOT_CHECKED = """
## With extras that are not installed for the tests

As the package index had them when this page was written; CI does not check these two lists.
"""


def tree(extras: Iterable[str] = ()) -> dict[str, str]:
    """Canonical name to name of all packages that synthgen needs, with these extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    waiting = [Requirement(text) for text in project["dependencies"]]
    for extra in extras:
        waiting += [Requirement(text) for text in project["optional-dependencies"][extra]]
    found: dict[str, str] = {}
    seen = set()
    while waiting:
        needed = waiting.pop()
        for extra in ("", *needed.extras):
            if (key := (canonicalize_name(needed.name), extra)) in seen:
                continue
            seen.add(key)
            try:
                found[key[0]] = metadata(needed.name)["Name"]
            except PackageNotFoundError:
                raise SystemExit(f"{needed.name} is not installed") from None
            further = [Requirement(text) for text in requires(needed.name) or ()]
            waiting += [
                one
                for one in further
                if not ACCELERATORS.match(one.name)
                and (one.marker is None or one.marker.evaluate({"extra": extra}))
            ]
    return dict(sorted(found.items()))


def licence(record: PackageMetadata | Message) -> str:
    """What a package says of itself: an SPDX expression, classifiers, or its own first line."""
    if expression := record["License-Expression"]:
        return str(expression)
    kinds = [
        line.rpartition(" :: ")[2]
        for line in record.get_all("Classifier") or ()
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    if kinds:
        return ", ".join(kinds)
    first = next(iter(str(record["License"] or "").strip().splitlines()), "")
    return "not stated in its metadata" if first in ("", "UNKNOWN") else first[:60]


def resolved(extra: str) -> dict[str, Message]:
    """Name to metadata of the packages that an extra would bring to what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["optional-dependencies"][extra]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    found: dict[str, Message] = {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        limits = ["-c", str(ROOT / "constraints.txt")]
        subprocess.run(
            [*pip, "install", "--dry-run", "--report", str(report), *limits, *wanted], check=True
        )
        chosen = [item["metadata"] for item in json.loads(report.read_text())["install"]]
        exact = [f"{item['name']}=={item['version']}" for item in chosen]
        subprocess.run([*pip, "download", "--no-deps", "-d", folder, *exact], check=True)
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
                record = email.message_from_bytes(archive.read(name))
            found[str(record["Name"])] = record
        assert len(found) == len(exact), "a package comes without a wheel"
    return dict(sorted(found.items(), key=lambda item: canonicalize_name(item[0])))


def table(names: Iterable[str]) -> str:
    return rows({name: metadata(name) for name in names})


def rows(records: Mapping[str, PackageMetadata | Message]) -> str:
    lines = ["| package | licence |", "|---|---|"]
    lines += [
        f"| {name} | {licence(record).replace('|', '/')} |" for name, record in records.items()
    ]
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    base, more = tree(), tree(EXTRAS)
    added = [name for key, name in more.items() if key not in base]
    others = [f"\n### `{extra}`\n\n{rows(resolved(extra))}\n" for extra in ELSEWHERE]
    return (
        f"{INTRODUCTION}\n## Always\n\n{table(base.values())}\n\n"
        f"## With the extras `s3` and `3d`\n\n{table(added)}\n{NOT_CHECKED}{''.join(others)}"
    )


def listed(text: str) -> set[str]:
    """Canonical names of the packages in a page, but for those that are not checked."""
    checked = text.partition(NOT_CHECKED)[0]
    names = re.findall(r"^\| ([\w.-]+) \| (?!licence)", checked, re.MULTILINE)
    return {canonicalize_name(name) for name in names}


def main() -> None:
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        print(f"wrote {PAGE}: {len(listed(PAGE.read_text()))} packages")
        return
    needed, known = set(tree(EXTRAS)), listed(PAGE.read_text(encoding="utf-8"))
    if needed != known:
        odd = ", ".join(sorted(needed ^ known))
        raise SystemExit(f"{PAGE} is not current ({odd}); run python .ci/licences.py")
    print(f"{PAGE.name}: current, {len(known)} packages")


if __name__ == "__main__":
    main()
