"""YAML that is more than plain data, and cards that are bombs."""

import time

import pytest

from synthgen.dataset.verify import verify
from synthgen.spec.safe_yaml import front_matter, load_yaml


@pytest.mark.parametrize(
    "text",
    [
        "n: [&a [x, x], &b [*a, *a], &c [*b, *b]]",
        "a: &a {x: 1}\nb: {<<: [*a, *a]}",
        "n: !!python/object/apply:os.system ['true']",
        "n: !!python/name:os.system",
        "[" * 10_000,
        "{a: " * 10_000,
        "- " * 60 + "x",
        "x" * 4_000_001,
        "\0",
        "n: !!int 'x'",
        "n: !!timestamp 'x'",
        "? {a: b}\n: c",
    ],
)
def test_yaml_that_is_more_than_plain_data(text):
    begin = time.monotonic()
    with pytest.raises(ValueError):
        load_yaml(text)
    assert time.monotonic() - begin < 5


def test_our_own_cards_have_no_aliases(sampled, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("label_agreement: {min: 0.5}\n")
    root = sampled(n=40, filters=str(rules), keep_rejects=True).root
    front = front_matter((root / "README.md").read_text())
    assert len(front["dataset_info"]) == 2


def test_a_card_that_is_a_bomb_is_a_problem_of_the_dataset(sampled):
    root = sampled(n=20).root
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 12)]
    (root / "README.md").write_text("---\n" + "\n".join(lines) + "\n---\n")
    begin = time.monotonic()
    assert list(map(str, verify(root).problems)) == ["README.md: its YAML cannot be read"]
    assert time.monotonic() - begin < 10
