"""``python -m benchmarks NAME [options]``: run one page; without a name, list them all."""

from __future__ import annotations

import ast
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from synthgen.spec.errors import SynthgenError

SHARED = {
    "__init__",
    "__main__",
    "adapt_pairs",
    "gpu_checks",
    "gpu_kit",
    "gpu_parcel",
    "measuring",
    "pictures",
    "same_bytes_files",
    "same_bytes_intended",
    "same_bytes_runs",
    "same_speed_worker",
    "share_images",
    "shortcut_scenes",
    "two_versions",
}
"""Files of this folder that are no pages."""

EXTRAS = {"sklearn": "benchmarks"}
"""Module to the extra that brings it, for those that a plain install lacks."""


def pages() -> dict[str, str]:
    """Page to the first line of its text, in alphabetical order; nothing is imported."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in SHARED:
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            found[path.stem] = text.partition("\n")[0]
    return found


def listing() -> str:
    """All pages, one a line."""
    known = pages()
    width = max(map(len, known))
    lines = [f"  {name:<{width}}  {line}" for name, line in known.items()]
    return "\n".join(["python -m benchmarks NAME [options]; NAME --help shows them", "", *lines])


def run(name: str, options: list[str]) -> None:
    """Run one page with the options of its command line.

    Raises:
        SynthgenError: there is no such page, it needs a package that is not installed, or data that
            is not there.
    """
    page = name.replace("-", "_")
    known = pages()
    if page not in known:
        near = get_close_matches(page, known, 1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise SynthgenError(f"no benchmark '{name}' (python -m benchmarks lists them){hint}")
    sys.argv = [f"python -m benchmarks {page}", *options]
    try:
        import_module(f"benchmarks.{page}").main()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
        raise SynthgenError(
            f"benchmark '{page}' needs {missing}: pip install 'synthgen[{EXTRAS[missing]}]'"
        ) from None


def main() -> None:
    """Run the command line. A user's mistake ends in one line and exit code 2."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(listing())
        return
    try:
        run(sys.argv[1], sys.argv[2:])
    except SynthgenError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
