"""Write docs/cli.md and docs/python.md: every command with its options, every public name.

python .ci/reference.py          # write them
python .ci/reference.py --check  # fail if they are not current
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import synthgen
from synthgen.cli.help import LaidOut
from synthgen.cli.main import COMMANDS, MAIN, cli
from synthgen.spec.settings.base import Settings

DOCS = Path(__file__).parent.parent / "docs"

CLI = """# The command line

Written by `python .ci/reference.py` from the commands themselves. `synthgen COMMAND --help` shows
the usual options, `--help-all` these. Where a command takes `[CONFIG]`, a YAML file holds the same
settings, with `_` for `-`; options win over the file. Every command ends with exit code 2 and one
line if you can mend what is wrong. Every command takes `--quiet`.
"""
PYTHON = """# Python

Written by `python .ci/reference.py` from the docstrings of the public names. `import synthgen` is
cheap: each name brings what it needs when it is first used. Settings are those of the
[command line](cli.md), with `_` for `-`.
"""

EVERYWHERE = {"--help", "--help-all", "--quiet"}


def commands() -> str:
    """The page of the command line."""
    top = click.Context(cli, info_name="synthgen")
    order = [*(name for name in MAIN if name in COMMANDS), *(n for n in COMMANDS if n not in MAIN)]
    return CLI + "".join(_command(name, top) for name in order)


def _command(name: str, top: click.Context) -> str:
    command = cli.get_command(top, name)
    assert isinstance(command, LaidOut)
    ctx = click.Context(command, info_name=name, parent=top)
    usage = " ".join(("synthgen", name, *command.collect_usage_pieces(ctx)))
    text = f"\n## synthgen {name}\n\n{COMMANDS[name]}\n\n```\n{usage}\n```\n"
    for title, options in command.sections(ctx, rare=True):
        records = [
            o.get_help_record(ctx) for o in options if o.name not in ("quiet", "help", "help_all")
        ]
        rows = [f"| `{_cell(r[0])}` | {_cell(r[1])} |\n" for r in records if r is not None]
        if rows:
            text += f"\n| {title.lower()} | |\n|---|---|\n{''.join(rows)}"
    return f"{text}\n```bash\n{command.layout.example}\n```\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def python() -> str:
    """The page of the public names."""
    return PYTHON + "".join(part for name in synthgen.__all__ for part in _name(name))


def _name(name: str) -> Iterator[str]:
    thing = getattr(synthgen, name)
    if inspect.isclass(thing) and issubclass(thing, (Settings, Exception)):
        yield f"\n## {name}\n\n{_text(thing)}\n"
        return
    yield f"\n## {name}\n\n```python\n{name}{_signature(thing)}\n```\n\n{_text(thing)}\n"
    for inner, member in vars(thing).items() if inspect.isclass(thing) else ():
        if not inner.startswith("_") and inspect.isfunction(member):
            yield f"\n### {name}.{inner}\n\n```python\n{inner}{_signature(member)}\n```\n\n"
            yield f"{_text(member)}\n"


def _signature(thing: Any) -> str:
    return str(inspect.signature(thing)).replace("'", "")


def _text(thing: Any) -> str:
    """The docstring as Markdown: sections of arguments and errors become lists."""
    text = re.sub(r":\w+:(?=`)", "", inspect.getdoc(thing) or "").replace("``", "`")
    text = re.sub(r"\n {8}(?=\S)", " ", text)
    return re.sub(r"^ {4}(?=\S)", "- ", text, flags=re.MULTILINE)


PAGES = {"cli.md": commands, "python.md": python}


def main() -> None:
    """Write the pages, or look whether they are current."""
    for name, write in PAGES.items():
        page, text = DOCS / name, write()
        if "--check" not in sys.argv:
            page.write_text(text, encoding="utf-8")
        elif not page.exists() or page.read_text(encoding="utf-8") != text:
            raise SystemExit(f"{page} is not current; run python .ci/reference.py")
        print(f"{name}: current")


if __name__ == "__main__":
    main()
