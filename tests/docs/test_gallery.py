"""Every use is in the gallery: with a picture and the command that made it, or with the reason why not."""

import re
from pathlib import Path

from synthgen.uses.registry import use_names

PAGE = Path(__file__).parent.parent.parent / "docs" / "uses" / "README.md"


def lacking(text, names):
    """Uses that have neither a picture with its commands nor a sentence without one."""
    shown, _, without = text.partition("## Without a picture")
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", shown, re.MULTILINE | re.DOTALL))
    said = set(re.findall(r"\*\*(\S+)\*\*", without))
    whole = {name for name, own in sections.items()
             if "![" in own and ("synthgen sample" in own or f"({name}.md)" in own)}  # fmt: skip
    return sorted(set(names) - whole - said)


def test_every_use_is_in_the_gallery():
    assert lacking(PAGE.read_text(), use_names()) == []


def test_a_use_that_is_left_out_is_found():
    text = (
        "## a\n![x](x.png)\nsynthgen sample\n## b\n![y](y.png)\n## Without a picture\n- **c**: d\n"
    )
    assert lacking(text, ["a", "b", "c", "d"]) == ["b", "d"]
