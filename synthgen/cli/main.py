"""The ``synthgen`` command. Its help imports nothing heavy: commands are loaded when called."""

from __future__ import annotations

import errno
import sys
from importlib import import_module

import click

import synthgen
from synthgen.machine.interrupt import STOPPED, farewell, listen
from synthgen.spec.errors import SynthgenError, did_you_mean

COMMANDS = {
    "inspect": "Look at images before a run: what is read, what is left out, what is odd.",
    "advise": "Which ways of making data can help, for the images that you have.",
    "train": "Train a generator on labelled images.",
    "sample": "Make a filtered, labelled dataset with a generator.",
    "adapt": "Give labelled images the look of a place whose images have no labels.",
    "calibrate": "Measure real images for a generator's filters.",
    "filter": "Judge a finished dataset again, without sampling again.",
    "evaluate": "Compare a dataset with real images.",
    "utility": "Does a classifier get better? Train it on real, synthetic, both.",
    "tune": "Choose latents, threshold and mix for a classifier's sake.",
    "grow": "Few labels and a pool of images without: label, generate, label again.",
    "merge": "Join finished datasets into one.",
    "report": "Write a page about a dataset, to look at.",
    "export": "Write a dataset as image folders or WebDataset shards.",
    "publish": "Upload a finished dataset.",
    "verify": "Check every promise of a dataset folder.",
    "repair": "Make again the missing or damaged shards of a dataset.",
    "reproduce": "Make the image of one row again and compare.",
    "generators": "List the bundled generators, or show one.",
    "uses": "List what generators can be trained for.",
    "algorithms": "List the algorithms that can be trained.",
}
"""Command to its one line of help; its code is the module of the same name."""

MAIN = ("inspect", "advise", "train", "sample", "evaluate", "utility", "publish")
"""The commands of a dataset's way, in the order of the work; the others come under "More"."""


SPACE, ELSEWHERE = "free some space", "choose another folder"
MENDED = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), SPACE),
    **dict.fromkeys(
        (
            errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR,
            errno.ELOOP,
        ),
        ELSEWHERE,
    ),
}  # fmt: skip
"""What a disk may say, and what the user can do about it; anything else is a fault of ours."""


class Commands(click.Group):
    """The table above as a click group."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"synthgen.cli.{cmd_name}").command
        if not any(parameter.name == "quiet" for parameter in command.params):
            command.params.append(_quiet())
        from synthgen.cli.help import LAYOUTS, LaidOut, Layout

        return LaidOut.of(command, LAYOUTS.get(cmd_name, Layout("")))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS)
            raise SynthgenError(f"no command '{args[0]}' (there are {', '.join(COMMANDS)}){hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        main = {name: COMMANDS[name] for name in MAIN if name in COMMANDS}
        more = {name: text for name, text in COMMANDS.items() if name not in main}
        with formatter.section("Commands, in the order of the work"):
            formatter.write_dl(list(main.items()))
        with formatter.section("More"):
            formatter.write_dl(list(more.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write("\nExample:\n  synthgen sample --classes bag,sneaker --n 1000\n")


def _quiet() -> click.Option:
    """The option that every command has."""

    def chosen(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            from synthgen.machine.progress import be_quiet

            be_quiet()

    return click.Option(
        ["--quiet"], is_flag=True, expose_value=False, callback=chosen,
        help="Show no progress: neither bars nor lines.",
    )  # fmt: skip


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn a few labelled images into a large, clean, labelled image dataset, with GANs.",
)
@click.version_option(synthgen.__version__, prog_name="synthgen")
def cli() -> None:
    """The group itself does nothing."""


def main() -> None:
    """Run the command line. A user's mistake ends in one line and exit code 2."""
    listen()
    try:
        code = cli.main(standalone_mode=False)
    except SynthgenError as error:
        _fail(str(error))
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        click.echo(farewell(), err=True)
        sys.exit(STOPPED)
    except OSError as error:
        if error.errno not in MENDED:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror}; {MENDED[error.errno]}, then run again")
    sys.exit(code if isinstance(code, int) else 0)


def _fail(text: str) -> None:
    click.echo(f"error: {' '.join(text.split())}", err=True)
    sys.exit(2)
