"""Settings files that are wrong in a few hundred ways: one clear error each, never a traceback."""

import string

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthgen.spec.errors import SynthgenError
from synthgen.spec.evaluate_settings import EvaluateSettings
from synthgen.spec.filter_settings import FilterSettings
from synthgen.spec.sample_settings import SampleSettings
from synthgen.spec.settings import read_yaml
from synthgen.spec.train_settings import TrainSettings

MODELS = [TrainSettings, SampleSettings, FilterSettings, EvaluateSettings]
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
