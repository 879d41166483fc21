"""The table: its commands are those of the command line, its measured figures stand on their page."""

import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest

from synthgen.cli.main import COMMANDS, cli
from synthgen.data.understood import Understood
from synthgen.evaluation.association import Values, associations, cramers_v, in_groups
from synthgen.evaluation.looks import compare_looks, look_of
from synthgen.spec.errors import SynthgenError
from synthgen.stages.advise.advice import advice_on
from synthgen.stages.advise.facts import Facts
from synthgen.stages.advise.ways import MOST_FIRST, OF_USES, USELESS, ways
from synthgen.uses.registry import find_use

WAYS = ways()
ROOT = Path(__file__).parent.parent.parent.parent
WORDS = dict(
    data="'my photos'", reading=" --resolution 32", target="target", pool="pool", runs="runs/a",
    out="out/a", images=10, many=1000, most=100, attribute="age", attributes="attributes=age",
    generator="fashion-mnist-28", classes="bag,coat", weights="", labelled=" --split train",
    held=" --test HELD",
)  # fmt: skip


def faults(way, line):
    """What of a printed command is not there, in words; other faults are raised."""
    program, name, *words = shlex.split(line)
    assert program == "synthgen"
    if name not in COMMANDS:
        return [f"{way.name}: command"]
    command = cli.get_command(click.Context(cli), name)
    known = {flag for each in command.params for flag in (*each.opts, *each.secondary_opts)}
    missing = [f"{way.name}: {word}" for word in words if word[:2] == "--" and word not in known]
    if "--use" in words:
        try:
            find_use(words[words.index("--use") + 1])
        except SynthgenError:
            missing.append(f"{way.name}: use")
    if not any(": --" in each for each in missing):
        command.make_context(name, list(words))
    return missing


def test_every_command_parses():
    found = {f for way in WAYS for line in way.commands for f in faults(way, line.format(**WORDS))}
    assert found == set()


def test_a_command_that_is_wrong_is_found():
    way = WAYS[0]
    assert faults(way, "synthgen sampel --n 3") == ["share: command"]
    assert faults(way, "synthgen sample --nn 3") == ["share: --nn"]
    assert faults(way, "synthgen train --use nothing --data d") == ["share: use"]
    with pytest.raises(click.ClickException):
        faults(way, "synthgen train --structure wrong --data d")


@pytest.mark.parametrize("way", [*WAYS, *USELESS], ids=lambda way: way.name)
def test_measured_figures_stand_on_their_page(way):
    for each in way.evidence:
        if each.kind == "measured here":
            page = (ROOT / each.source).read_text().replace("**", "")
            figures = re.findall(r"[+-]?\d+\.\d+(?: ± \d+\.\d+)?", each.figure)
            assert figures or re.search(r"\d+ %", each.figure)
            assert [figure for figure in figures if figure not in page] == []
        else:
            assert "arXiv:" in each.source


def test_every_way_that_makes_data_names_what_needs_no_gan():
    for way in WAYS:
        if way.brings != "no GAN" and way.name not in ("collect", "text-to-image"):
            assert way.first, way.name
            assert way.commands, way.name
    assert len({way.name for way in (*WAYS, *USELESS)}) == len(WAYS) + len(USELESS)
    assert {way.brings for way in USELESS} == {"nothing new"}


def test_names_with_blanks_and_commas_can_be_typed():
    said = Understood("classes", "2 class folders")
    facts = Facts("my photos", "my photos", said, (("a, b", 8), ("c", 8)), 8, 3, 0, private=True)
    train, sample, _ = advice_on(facts, "--resolution 8").ways[0].commands
    assert shlex.split(train)[2:6] == ["--data", "my photos", "--resolution", "8"]
    assert "runs/my-photos-share" in shlex.split(sample)


def test_every_comparison_names_its_test_images():
    compared = [w for way in WAYS for w in way.commands if w.startswith("synthgen utility")]
    assert len(compared) >= 8 and all("{held}" in line for line in compared)


def test_cramers_v_is_nought_of_chance_and_one_of_the_same():
    rng = np.random.default_rng(0)
    assert cramers_v(np.diag([20, 30, 10])) == pytest.approx(1, abs=0.02)
    luck = [cramers_v(rng.multinomial(60, np.full(9, 1 / 9)).reshape(3, 3) + 1) for _ in range(50)]
    assert np.mean(luck) < 0.1
    plain = np.array([[30, 10], [10, 30]])  # chi squared / n = 0.25
    assert cramers_v(plain) == pytest.approx(0.5, abs=0.02)


def test_numbers_are_cut_into_groups_of_equal_size():
    numbers = in_groups("age", np.array([*range(90), np.nan]))
    assert np.bincount(numbers.codes[:-1]).tolist() == [30, 30, 30] and numbers.codes[-1] == -1
    same = Values("label", (np.arange(91) >= 60).astype(np.int64), ("young", "old"))
    found = associations([same, numbers])[0]
    assert found.strength > 0.9 and found.always and found.rarest == 0 and found.rows == 90


def test_the_same_look_is_told_apart_by_chance_alone():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (400, 8, 8, 3)).astype(np.uint8)
    same = compare_looks(look_of(noise[:200]), look_of(noise[200:]), 0)
    assert 0.4 < same.share < 0.6 and not same.another
    other = compare_looks(look_of(noise[:200]), look_of(255 - noise[200:] // 2), 0)
    assert other.share > 0.95 and other.another
    assert compare_looks(look_of(noise[:10]), look_of(noise[10:]), 0) is None


def test_every_condition_has_its_turn_and_each_use_says_it_itself():
    assert {way.fits for way in WAYS} == set(MOST_FIRST) and set(OF_USES.values()) <= set(
        MOST_FIRST
    )
    order = [MOST_FIRST.index(way.fits) for way in WAYS]
    assert order == sorted(order)
