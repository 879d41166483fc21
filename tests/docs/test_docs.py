"""README and docs keep their promises: links lead somewhere, commands and options exist."""

import ast
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

import synthgen
from synthgen.cli.main import COMMANDS, cli

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "deploy/README.md",
        *ROOT.glob("docs/**/*.md"),
    ]
)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def prose(text):
    return FENCE.sub("", text)


def slug(heading):
    """An anchor as GitHub makes it of a heading."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def anchors(page):
    return {slug(line) for line in re.findall(r"^#+ (.*)$", prose(page.read_text()), re.MULTILINE)}


def links(text):
    text = re.sub(r"`[^`]*`", "", prose(text))
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(
        r"^\[[^]]+\]: (\S+)$", text, re.MULTILINE
    )


def commands(text):
    """Every line of shell in the page, and every command in single back-ticks."""
    for language, block in FENCE.findall(text):
        if language == "bash":
            yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`((?:synthgen|make|python) [^`]*)`", prose(text))


def test_the_readme_is_short():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 200
    assert [line for line in lines if len(line) > 120] == []


def test_the_readme_installs_the_torch_that_is_tested():
    pinned = re.search(r"^torch==\S+", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[0]
    assert f"pip install {pinned} " in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    page = ROOT / name
    broken = []
    for link in links(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {page.name for page in ROOT.glob("docs/*.md")} - {"README.md"}
    assert [name for name in sorted(pages) if f"({name})" not in index] == []


def flags(command):
    found = {flag for o in command.params for flag in (*o.opts, *o.secondary_opts)}
    return found | {"--help", "-h"}


def unknown(line):
    """What a line of shell names that is not there."""
    try:
        words = shlex.split(line.replace("…", "x"), comments=True)
    except ValueError:
        return
    if "synthgen" in words:
        words = words[words.index("synthgen") + 1 :]
        name = next(iter(words), "--help")
        if name.startswith("-") or name == "COMMAND":
            return
        if name not in COMMANDS:
            yield name
            return
        known = flags(cli.get_command(click.Context(cli), name))
        for word in words[1:]:
            if word in ("|", "&&", ";"):
                return
            flag = word.partition("=")[0]
            if flag.startswith("--") and flag not in known:
                yield f"{name} {flag}"
    elif words[:1] == ["make"]:
        yield from (
            f"make {w}" for w in words[1:2] if f"\n{w}:" not in (ROOT / "Makefile").read_text()
        )
    elif words[:2] == ["python", "-m"] and words[2].split(".")[0] in ("benchmarks", "pipelines"):
        place = ROOT / words[2].replace(".", "/")
        if words[2] == "benchmarks":
            place = place / next(iter(words[3:]), "__main__")
        page = place.with_suffix(".py")
        if not page.exists():
            yield " ".join(words[2:4])
            return
        known = page.read_text() + (ROOT / "benchmarks/measuring.py").read_text()
        named = [word.partition("=")[0] for word in words if word.startswith("--")]
        yield from (f"{page.stem} {flag}" for flag in named if f'"{flag}"' not in known)
    elif words[:1] == ["python"]:
        yield from (w for w in words[1:2] if w.endswith(".py") and not (ROOT / w).exists())
    for word in words:
        if word.startswith("configs/") and not (ROOT / word).exists() and "NAME" not in word:
            yield word


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_their_options_exist(name):
    lacking = {what for line in commands((ROOT / name).read_text()) for what in unknown(line)}
    assert lacking == set()


def test_a_command_that_is_not_there_is_found():
    lines = ["synthgen smaple --n 3", "synthgen sample --nn 3", "make dmeo", "python -m benchmarks nothing",
             "synthgen train configs/none.yaml --data x"]  # fmt: skip
    assert [list(unknown(line)) for line in lines] == [
        ["smaple"], ["sample --nn"], ["make dmeo"], ["benchmarks nothing"], ["configs/none.yaml"],
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_python_on_the_pages_is_python_and_imports_what_there_is(name):
    for language, block in FENCE.findall((ROOT / name).read_text()):
        if language != "python" or name == "docs/python.md":
            continue
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "synthgen":
                home = importlib.import_module(node.module)
                assert [alias.name for alias in node.names if not hasattr(home, alias.name)] == []


def test_names_of_synthgen_in_the_prose_are_public():
    for page in PAGES:
        named = set(re.findall(r"\bsynthgen\.(\w+)\(", page.read_text()))
        assert named <= set(synthgen.__all__), page


def test_the_references_are_current():
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci/reference.py"), "--check"], check=False, text=True,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]


def test_a_reference_that_is_not_current_fails(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("reference", ROOT / ".ci/reference.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    monkeypatch.setattr(reference, "PAGES", {"cli.md": lambda: "new"})
    monkeypatch.setattr("sys.argv", ["reference.py", "--check"])
    (tmp_path / "cli.md").write_text("old")
    with pytest.raises(SystemExit, match="not current"):
        reference.main()
