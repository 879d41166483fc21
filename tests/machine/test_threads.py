"""How many threads compute: no more than told, and the fastest number of them."""

import pytest
import torch

from synthgen.machine import threads
from synthgen.machine.threads import chosen_threads, counts, fastest, usable_cores
from synthgen.spec.image import ImageSpec

CPU, IMAGE = torch.device("cpu"), ImageSpec(8, 8, 1)


@pytest.fixture(autouse=True)
def four_threads(monkeypatch):
    """A machine of four cores whose torch may use them all."""
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda process: set(range(4)))
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def machine(costs, monkeypatch):
    """Replaces the measured convolution by a table of seconds for each count."""

    def convolution(image):
        def seconds(count):
            torch.set_num_threads(count)
            return costs[count]

        return seconds

    monkeypatch.setattr(threads, "convolution", convolution)


def test_counts_are_the_powers_of_two_and_all():
    assert counts(1) == [1] and counts(2) == [1, 2] and counts(6) == [1, 2, 4, 6]


def test_the_fastest_count_is_taken_and_the_present_one_kept_unless_it_is_clearly_slower():
    idle, busy = {1: 4.0, 2: 2.1, 4: 1.2}, {1: 4.0, 2: 20.0, 4: 40.0}
    assert fastest(idle.__getitem__, 0, 4) == 4
    assert fastest(busy.__getitem__, 4, 4) == 1
    near = {1: 1.0, 2: 0.95, 4: 1.2}
    assert fastest(near.__getitem__, 1, 4) == 1
    assert fastest(near.__getitem__, 0, 4) == 2


def test_one_slow_turn_does_not_decide():
    turns = iter([9.0, 1.0, 1.0, 1.0, 1.0])
    assert fastest(lambda count: next(turns) if count == 2 else 2.0, 1, 2) == 2


def test_threads_are_chosen_looked_at_again_and_given_back(monkeypatch):
    costs = {1: 4.0, 2: 2.1, 4: 1.2}
    machine(costs, monkeypatch)
    state = torch.random.get_rng_state()
    with chosen_threads(None, CPU, IMAGE) as look:
        assert torch.get_num_threads() == 4
        costs |= {2: 20.0, 4: 40.0}  # another process has come
        assert look() == torch.get_num_threads() == 1
        costs |= {2: 2.1, 4: 1.2}
        assert look() == torch.get_num_threads() == 4
    assert torch.get_num_threads() == 4
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_number_that_is_given_stays(monkeypatch):
    machine({}, monkeypatch)  # nothing may be measured
    with chosen_threads(3, CPU, IMAGE) as look:
        assert torch.get_num_threads() == 3 == look()
    assert torch.get_num_threads() == 4


@pytest.mark.parametrize("told", ["1", "1,2"])
def test_a_process_that_was_told_one_thread_measures_nothing_and_stays_with_it(told, monkeypatch):
    machine({}, monkeypatch)
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert usable_cores(CPU) == 1
    assert usable_cores(torch.device("cuda")) == 4  # its threads feed a GPU
    with chosen_threads(None, CPU, IMAGE) as look:
        assert torch.get_num_threads() == 1 == look()


@pytest.mark.parametrize("told", ["", "many", "0"])
def test_nonsense_in_the_environment_is_no_limit(told, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert usable_cores(CPU) == 4


def test_the_probe_computes_with_the_threads_it_is_asked_for():
    state = torch.random.get_rng_state()
    with torch.random.fork_rng(devices=[]):
        seconds = threads.convolution(IMAGE)
    assert torch.equal(torch.random.get_rng_state(), state)
    for count in (2, 1):
        assert seconds(count) > 0 and torch.get_num_threads() == count


def test_gradients_depend_on_the_number_of_threads_in_their_last_bits_only():
    torch.manual_seed(0)
    features, found = torch.randn(32, 16, 14, 14), []
    for count in (1, 2, 4):
        torch.set_num_threads(count)
        kernel = torch.full((16, 16, 3, 3), 0.01, requires_grad=True)
        torch.nn.functional.conv2d(features, kernel).square().mean().backward()
        found.append(kernel.grad)
    for other in found[1:]:
        assert torch.allclose(other, found[0], rtol=1e-4, atol=1e-6)
