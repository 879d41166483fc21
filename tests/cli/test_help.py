"""Help: groups of options, rare ones behind ``--help-all``, an example, no names of YAML keys."""

import re

import click
import pytest
from click.testing import CliRunner

from synthgen.cli.help import LAYOUTS
from synthgen.cli.main import COMMANDS, MAIN, cli


def shown(*arguments):
    done = CliRunner().invoke(cli, [*arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_commands_stand_in_the_order_of_the_work():
    text = shown("--help")
    main = [name for name in MAIN if name in COMMANDS]
    places = [text.index(f"\n  {name} ") for name in main]
    assert places == sorted(places) and places[-1] < text.index("More:")
    assert all(f"\n  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_ends_with_an_example_of_the_command(name):
    example = shown(name, "--help").strip().splitlines()[-1].strip()
    assert example == LAYOUTS[name].example and example.startswith(f"synthgen {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_holds_the_name_of_a_yaml_key(name):
    text = re.sub(r"\S*\.min=\S*", "", shown(name, "--help"))
    command = cli.get_command(click.Context(cli), name)
    keys = {option.name for option in command.params if "_" in option.name}
    assert {key for key in keys if re.search(rf"\b{key}\b", text)} == set()


@pytest.mark.parametrize("name", [name for name in COMMANDS if LAYOUTS[name].groups])
def test_every_option_stands_in_a_group(name):
    command = cli.get_command(click.Context(cli), name)
    other = list(command.sections(click.Context(command), rare=True))[-1]
    assert other[0] == "Other" and {o.opts[-1] for o in other[1]} == {
        "--help",
        "--help-all",
        "--quiet",
    }


def test_rare_options_wait_for_help_all():
    usual, everything = shown("train", "--help"), shown("train", "--help-all")
    assert "--max-pixels" not in usual and "--max-pixels" in everything
    assert "--resolution" in usual and "--resolution" in everything
    for title in ("Data", "Model", "Budget", "Hardware", "Bundle"):
        assert f"\n{title}:\n" in usual


def test_what_is_required_says_so():
    assert re.search(r"--real TEXT.*?\[required\]", shown("evaluate", "--help"), re.DOTALL)


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [("train", "--per-class", "--gan-per-class"), ("evaluate", "--images", "--max-images")],
)
def test_an_option_that_was_renamed_is_understood_by_its_old_name(command, old, new):
    option = next(o for o in cli.get_command(click.Context(cli), command).params if new in o.opts)
    assert old in option.opts
    text = shown(command, "--help-all")
    assert new in text and f" {old} " not in text
