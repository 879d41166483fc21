"""Write docs/licences.md: every package that synthgen brings along, with the licence it states.

    python .ci/licences.py          # write it
    python .ci/licences.py --check  # fail if it names other packages than are needed

The names come from pyproject.toml and from the metadata of what is installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
ACCELERATORS = re.compile(r"nvidia-|cuda-|triton|pytorch-triton")
"""What a CUDA build of torch needs and a CPU build does not."""
EXTRAS = ("s3",)

INTRODUCTION = """# Licences of what synthgen brings along

Written by `python .ci/licences.py` from the metadata of the packages themselves. synthgen's own
licence is Apache-2.0. CUDA builds of torch also bring NVIDIA's libraries, which are under NVIDIA's
own terms, and Triton (MIT). The extras `gcs` and `ray` bring more than is listed here.
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
                one for one in further
                if not ACCELERATORS.match(one.name)
                and (one.marker is None or one.marker.evaluate({"extra": extra}))
            ]  # fmt: skip
    return dict(sorted(found.items()))


def licence(name: str) -> str:
    """What the package says of itself: an SPDX expression, classifiers, or its own first line."""
    record = metadata(name)
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


def table(names: Iterable[str]) -> str:
    lines = ["| package | licence |", "|---|---|"]
    lines += [f"| {name} | {licence(name).replace('|', '/')} |" for name in names]
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    base, more = tree(), tree(EXTRAS)
    added = [name for key, name in more.items() if key not in base]
    return (
        f"{INTRODUCTION}\n## Always\n\n{table(base.values())}\n\n"
        f"## With the extra `s3`\n\n{table(added)}\n"
    )


def listed(text: str) -> set[str]:
    """Canonical names of the packages in a page."""
    names = re.findall(r"^\| ([\w.-]+) \| (?!licence)", text, re.MULTILINE)
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
