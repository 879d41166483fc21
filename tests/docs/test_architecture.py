"""The two ways through the code in ``docs/ARCHITECTURE.md`` are there, and in this order."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
WAYS = ("The way of an image", "The way of a candidate")


def section(title):
    return PAGE.split(f"\n## {title}")[1].split("\n## ")[0]


def way(title):
    return re.findall(r"^\d+\. `(synthgen/[\w/]+\.py)`", section(title), re.MULTILINE)


def imported(path):
    """Files that a file imports, at its head or inside of a function."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            found |= {f"{name.replace('.', '/')}.py" for name in names}
    return found


@pytest.mark.parametrize("title", WAYS)
def test_a_way_has_at_most_twenty_files_and_all_are_there(title):
    files = way(title)
    assert 10 <= len(files) <= 20 and len(set(files)) == len(files)
    assert [path for path in files if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("title", WAYS)
def test_each_file_on_a_way_is_imported_by_one_before_it(title):
    files = way(title)
    known, strange = imported(files[0]), []
    for path in files[1:]:
        # An algorithm is found by its name: the registry imports all files of the folder.
        by_name = (
            path.startswith("synthgen/algorithms/") and "synthgen/algorithms/registry.py" in files
        )
        if path not in known and not by_name:
            strange.append(path)
        known |= imported(path)
    assert strange == []


def test_every_room_has_a_line():
    rooms = {path.parent.name for path in ROOT.glob("synthgen/*/__init__.py")}
    rooms |= {f"stages/{path.parent.name}" for path in ROOT.glob("synthgen/stages/*/__init__.py")}
    named = set(re.findall(r"^\| `([\w/]+)/?` \|", section("The rooms"), re.MULTILINE))
    assert rooms - named == set() and named - rooms == set()


def test_the_order_of_the_rooms_is_the_one_that_is_checked():
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    drawn = re.search(r"```\n(.*?)```", section("The rooms"), re.DOTALL)[1].split()
    names = [name for name in drawn if name not in ("→", "|")]
    layers = [
        part.strip().removeprefix("synthgen.")
        for layer in contracts[0]["layers"]
        for part in layer.split("|")
    ]
    assert names == layers


def test_no_word_stands_twice_in_the_glossary():
    words = re.findall(r"^\| \*\*([^*]+)\*\* \|", section("Glossary"), re.MULTILINE)
    assert len(words) >= 20 and words == sorted(set(words), key=str.lower)
