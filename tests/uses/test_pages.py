"""The list of uses, and that no use is known by name outside of its page."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image, Label
from synthgen.spec.image import ImageSpec
from synthgen.spec.maps import Mask
from synthgen.spec.task import Derived, Task
from synthgen.uses.registry import Offered, find_use, use_names

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "synthgen").rglob("*.py")) + sorted((ROOT / "pipelines").rglob("*.py"))


def test_every_page_is_listed_and_makes_a_task_with_and_without_classes():
    assert {
        "ageing", "characters", "classes", "edit-attributes", "faces", "image-to-image",
        "inpainting", "layout-to-photo", "photo-to-emoji", "pose-to-person", "sketch-to-photo",
        "super-resolution",
    } <= set(use_names())  # fmt: skip
    for name in use_names():
        use = find_use(name)
        assert use.name == name and use.said.example.startswith("synthgen train")
        for label in (None, Label(("a", "b"))):
            task = use.task(Offered(ImageSpec(32, 32, 3), label), use.options())
            assert task.stratum == (None if label is None else "label")
            assert task.classes == (("all",) if label is None else ("a", "b"))
    with pytest.raises(SynthgenError, match="did you mean 'super-resolution'"):
        find_use("super-resolutoin")


def test_only_what_shows_the_image_itself_must_agree_with_it():
    image = ImageSpec(32, 32, 3)
    for name, agrees in (("classes", False), ("super-resolution", True), ("inpainting", True)):
        use = find_use(name)
        assert use.task(Offered(image, None), use.options()).agrees is agrees
    fields = {"image": Image(32, 32, 3), "edges": Mask(("plain", "edge"), 32, 32)}
    derived = {"edges": Derived("edges", ("image",))}  # many images have these edges
    assert not Task(fields, ("edges",), ("image",), (("image",),), derived).agrees


def named(text):
    """Names of uses, as text of a program."""
    shown = re.findall(r"super[-_]resolution|inpainting\b(?!\.)", text)
    # Words of everybody's as well.
    shown += re.findall(r"""["'](faces|characters|ageing)["']|edit[-_]attributes""", text)
    return shown + re.findall(r"(?:image|layout|sketch|pose|photo)[-_]to[-_]\w+", text)


def test_no_use_is_named_outside_of_its_page():
    for path in SOURCES:
        if "uses" in path.relative_to(ROOT).parts:
            continue
        code = re.sub(r'"""[\s\S]*?"""', "", path.read_text())
        code = re.sub(r"@algorithm\([^)]*\)", "", code)  # titles of papers' methods
        assert named(code) == [], path
    assert named('if use == "super-resolution"') and named("inpainting = 1")
    assert (
        named('use == "image-to-image"') and named("layout_to_photo") and named("sketch-to-photo")
    )
    assert named("pose_to_person") and not named("posed_to")


def test_two_kinds_of_image_are_no_special_case():
    for path in SOURCES:
        text = path.read_text()
        assert not re.search(r"paired=|(?<![\w.])domains=2|source_label", text), path


def test_listing_imports_no_torch():
    code = (
        "import sys; sys.argv = ['synthgen', 'uses', 'list']\n"
        "from synthgen.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules, 'datasets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False False"
    assert "inpainting: " in done.stdout and "super-resolution: " in done.stdout
