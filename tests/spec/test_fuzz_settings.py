"""Settings files that are wrong in a few hundred ways: one clear error each, never a traceback."""

import json
import string
import time

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthgen.cli.main import main
from synthgen.quality.calibration import Calibration
from synthgen.quality.filters import load_filters
from synthgen.spec.errors import SynthgenError
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.settings.base import read_yaml
from synthgen.spec.settings.evaluate import EvaluateSettings
from synthgen.spec.settings.sample import SampleSettings
from synthgen.spec.settings.train import TrainSettings
from synthgen.spec.settings.tune import TuneSettings
from synthgen.spec.settings.utility import UtilitySettings
from synthgen.stages.sample.resolve import describe

MODELS = [TrainSettings, SampleSettings, FilterSettings, EvaluateSettings, UtilitySettings,
          TuneSettings]  # fmt: skip
FUZZ = settings(
    max_examples=250, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip

keys = st.sampled_from([name for model in MODELS for name in model.model_fields]) | st.text(
    string.printable, max_size=12
)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20)
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)  # fmt: skip


def outcome(path, model):
    """Read and parse; the error, which must be one clear line, or ``None``."""
    try:
        model.parse(read_yaml(path), str(path))
    except SynthgenError as error:
        assert str(error).strip() and len(str(error)) < 2000
        return error
    return None


@FUZZ
@given(st.dictionaries(keys, values, max_size=6), st.sampled_from(MODELS))
def test_any_mapping_gives_settings_or_a_clear_error(tmp_path, record, model):
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(record, allow_unicode=True), encoding="utf-8")
    outcome(path, model)


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_give_settings_or_a_clear_error(tmp_path, content):
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    outcome(path, SampleSettings)


@pytest.mark.parametrize(
    "text",
    [
        "n: !!python/object/apply:os.system ['touch /tmp/owned']",
        "a: &a [1, 2]\nb: &b [*a, *a]\nn: *b",
        "- a list",
        "just text",
        "n: [unclosed",
        "n: 5\nn: 6\nper_class: 7",
        "\tn: 5",
        "? [complex, key]\n: 1",
        "1: 2",
        "n: 2024-01-01",
    ],
)
def test_these_files_are_refused(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    assert outcome(path, SampleSettings) is not None


def test_a_bomb_of_aliases_is_refused_quickly(tmp_path):
    """Ten levels of ten aliases are ten thousand million items if anyone expands them."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join([*lines, "n: *a9"]))
    assert outcome(path, SampleSettings) is not None


# --- two hundred files of each kind that are wrong, through the command line ------------------

VALID = {
    "train": {"data": "nowhere", "images": 1000, "batch_size": 32, "classes": ["a", "b"],
              "options": {"width": 8}, "augment": "none", "seed": 3},
    "sample": {"n": 10, "generator": "fashion-mnist-28", "classes": ["bag"], "seed": 3,
               "splits": {"train": 0.5, "test": 0.5}, "image_format": "png"},
}  # fmt: skip
FILTERS = {"statistics": {"quantile": 0.01}, "label_agreement": {"min": 0.5},
           "exact_duplicate": True}  # fmt: skip
JUNK = [None, -1, 0, 1e400, float("nan"), 10**400, "x", "", "\0", [], {}, [[[]]], {"a": {"b": []}},
        True, "../../etc/passwd", "<b>", "é" * 500, [None], {"": 0}, -(2**70)]  # fmt: skip


def broken(valid, rng):
    """The text of a valid file after a few random changes; most are wrong now."""
    record = dict(valid)
    for _ in range(rng.integers(1, 4)):
        kind, key = rng.integers(5), sorted(record)[rng.integers(len(record))]
        if kind == 0:
            record[f"{key}{'_s'[rng.integers(2)]}"] = record[key]
        elif kind == 1 and isinstance(record[key], dict):
            record[key] = {**record[key], "odd": JUNK[rng.integers(len(JUNK))]}
        else:
            record[key] = JUNK[rng.integers(len(JUNK))]
    text = bytearray(yaml.safe_dump(record, allow_unicode=True), "utf-8")
    if rng.integers(4) == 0:
        for _ in range(3):
            text[rng.integers(len(text))] = rng.integers(256)
    return bytes(text)


@pytest.mark.parametrize("command", VALID)
def test_two_hundred_wrong_settings_files_on_the_command_line(
    command, tmp_path, monkeypatch, capsys
):
    """One line, exit code 2, no traceback, no file left."""
    model = {"train": TrainSettings, "sample": SampleSettings}[command]
    monkeypatch.setattr("synthgen.cli.main.listen", lambda: None)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    path, wrong = tmp_path / "settings.yaml", 0
    for seed in range(2000):
        path.write_bytes(broken(VALID[command], np.random.default_rng(seed)))
        if outcome(path, model) is None:
            continue
        wrong += 1
        monkeypatch.setattr("sys.argv", ["synthgen", command, str(path)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr().err
        assert end.value.code == 2 and "Traceback" not in said, path.read_text(errors="replace")
        assert said.startswith("error: ") and said.count("\n") == 1 and len(said) < 2500
        assert list(folder.iterdir()) == []
        if wrong == 200:
            return
    pytest.fail(f"only {wrong} of them were wrong")


def test_two_hundred_wrong_files_of_filters(run_folder, tmp_path):
    record = json.loads((run_folder / "bundle" / "calibration.json").read_text())
    calibration, path, wrong = Calibration.from_json(record), tmp_path / "filters.yaml", 0
    for seed in range(2000):
        path.write_bytes(broken(FILTERS, np.random.default_rng(seed)))
        try:
            load_filters(str(path), calibration, ("nought", "one", "two"))
        except SynthgenError as error:
            assert "\n" not in str(error) and len(str(error)) < 2500
            wrong += 1
        if wrong == 200:
            return
    pytest.fail(f"only {wrong} of them were wrong")


def test_a_plan_of_more_shards_than_names_is_refused(run_folder):
    values = {"generator": str(run_folder), "n": 10**9, "images_per_shard": 1, "out": "nowhere"}
    with pytest.raises(SynthgenError, match="raise --images-per-shard"):
        describe(SampleSettings.parse(values))


@pytest.mark.parametrize(
    "text",
    [
        "n: [&a [x, x], &b [*a, *a, *a], &c [*b, *b, *b]]",
        "n: 0x" + "F" * 100_000,
        "n: " + "1:" * 50_000 + "1",
        "classes: " + "[" * 2_000,
        "seed: " + "9" * 10_000,
        "n: '" + "x" * 1_000_000 + "'",
    ],
    ids=["aliases", "hexadecimal", "sixties", "brackets", "nines", "long"],
)
def test_values_made_to_take_for_ever_do_not(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    begin = time.monotonic()
    assert outcome(path, SampleSettings) is not None
    assert time.monotonic() - begin < 10
