import threading
import time

import pytest
import torch

from synthgen.stages.sample.lanes import Lanes


def test_the_same_threads_work_again_and_again():
    lanes = Lanes(2)
    threads = set()
    for _ in range(3):
        with lanes.begin() as submit:
            waits = [submit(threading.current_thread) for _ in range(20)]
            threads |= {wait() for wait in waits}
    assert 1 <= len(threads) <= 2 and all(thread.is_alive() for thread in threads)


def test_what_has_not_begun_is_dropped_and_what_has_is_waited_for():
    lanes, done = Lanes(1), []
    begun = threading.Event()

    def slow():
        begun.set()
        time.sleep(0.2)
        done.append("first")

    with pytest.raises(KeyError), lanes.begin() as submit:
        submit(slow)
        for _ in range(5):
            submit(done.append, "never")
        begun.wait(5)
        raise KeyError
    assert done == ["first"]
    with lanes.begin() as submit:
        assert submit(len, "abc")() == 3


def test_a_fault_in_a_lane_reaches_whoever_waits():
    with Lanes(1).begin() as submit:
        wait = submit(int, "x")
        with pytest.raises(ValueError, match="invalid literal"):
            wait()


def test_torch_has_its_threads_back():
    before = torch.get_num_threads()
    with Lanes(2).begin():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
