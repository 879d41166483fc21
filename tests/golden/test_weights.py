"""Every algorithm builds the networks, with the weights and the losses, that it did (``make.py``)."""

import json

import golden
import pytest

STORED = json.loads(golden.WEIGHTS.read_text())
LOSSES = json.loads(golden.LOSSES.read_text())


def differences(stored, found):
    """Names of tensors that are of another kind or shape, or whose sums differ by more than the
    rounding of another processor."""
    odd = sorted(set(stored) ^ set(found))
    for key in sorted(set(stored) & set(found)):
        (*kind, total, size), (*kind_now, total_now, size_now) = stored[key], found[key]
        allowed = 1e-5 * size + 1e-9
        if kind != kind_now or max(abs(total - total_now), abs(size - size_now)) > allowed:
            odd.append(key)
    return odd


def test_every_algorithm_of_then_is_looked_at():
    assert len(STORED) == 2 * len(golden.OPTIONS)
    assert {name for name, _ in map(str.split, STORED)} == set(golden.OPTIONS)


@pytest.mark.parametrize("name", STORED)
def test_networks_and_initial_weights_are_those_of_then(name):
    found = golden.summaries(golden.build_seeded(*name.split()))
    assert differences(STORED[name], found) == []
    # The order of the tensors is the order in which the random numbers were drawn.
    assert list(found) == list(STORED[name])


@pytest.mark.parametrize("name", STORED)
def test_losses_and_gradients_are_those_of_then(name):
    algorithm, task = name.split()
    found = golden.losses(golden.build_seeded(algorithm, task), *golden.TASKS[task])
    assert list(found) == list(LOSSES[name])
    for key, value in found.items():
        # Rounding may carry a value over a rectifier's kink: gradients jump there, losses do not.
        near = 1e-2 if key.endswith("gradients") else 1e-3
        assert value == pytest.approx(LOSSES[name][key], rel=near, abs=1e-6), key


def test_another_seed_another_name_and_another_gain_are_noticed(monkeypatch):
    name = "dcgan grey-8"
    monkeypatch.setattr(golden, "SEED", golden.SEED + 1)
    assert differences(STORED[name], golden.summaries(golden.build_seeded(*name.split())))
    monkeypatch.undo()
    built = golden.build_seeded(*name.split())
    found = golden.summaries(built)
    first = next(iter(found))
    assert differences(STORED[name], {"G.other": found.pop(first), **found}) == [
        *sorted(["G.other", first])
    ]
    key, weight = next(
        (f"G.{key}", value) for key, value in built.networks["G"].named_parameters() if value.any()
    )
    weight.data *= 1.0001
    assert differences(STORED[name], golden.summaries(built)) == [key]
