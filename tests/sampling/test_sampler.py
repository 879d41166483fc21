import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import xxhash

from synthgen.sampling.candidates import Judge, Latents, draw_candidates, examine, pixel_hashes
from synthgen.sampling.sampler import AHEAD, ShardSampler
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import ShardPlan

KEYS = np.arange(3)


class Numbers:
    """A source whose image is its own numbers: label, candidate and whether it is to be kept."""

    def __init__(self, share):
        self.share, self.batches, self.lock = share, 0, threading.Lock()

    def candidates(self, labels, shards, candidates, **_):
        with self.lock:
            self.batches += 1
        rows = [
            [label, candidate % 50, candidate // 50, (candidate * 7 + label) % 10 < self.share * 10]
            for label, candidate in zip(labels.tolist(), candidates.tolist(), strict=True)
        ]
        values = torch.tensor(rows, dtype=torch.float32).reshape(-1, 1, 2, 2)
        return {"image": values / 127.5 - 1}


def judge(reasons=("bad", "exact_duplicate")):
    return Judge(
        lambda images, labels: {"good": images[:, 1, 1, 0].float()},
        lambda scores, labels: (scores["good"] == 0).long(),
        reasons,
        0.0,
    )


def made(quotas, share, batch_size, threads=1, idle=lambda: None, **rest):
    source, verdicts = Numbers(share), judge()
    shard = ShardPlan(0, "train", 0, quotas)

    def look(labels, candidates):
        drawn = draw_candidates(source, KEYS, Latents(0), 0, labels, candidates)
        return examine(drawn, KEYS, verdicts, labels, candidates)

    with ThreadPoolExecutor(threads) as pool:
        sampler = ShardSampler(
            shard, lambda *numbers: pool.submit(look, *numbers).result, verdicts,
            batch_size=batch_size, class_names=("a", "b", "c"), **rest,
        )  # fmt: skip
        rows = [
            (label, candidate)
            for batch in sampler.batches(idle)
            for label, candidate, verdict in zip(
                batch.labels.tolist(),
                batch.candidates.tolist(),
                batch.verdicts.tolist(),
                strict=True,
            )
            if verdict == 0
        ]
    return rows, source


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_each_class_keeps_its_first_good_candidates(share):
    rows, _ = made((40, 25, 0), share, 8)
    for label, quota in enumerate((40, 25, 0)):
        good = [k for k in range(200) if (k * 7 + label) % 10 < share * 10]
        assert [k for own, k in rows if own == label] == good[:quota]


def test_what_is_kept_depends_neither_on_threads_nor_on_the_batch():
    one, _ = made((60, 33, 7), 0.7, 8)
    assert made((60, 33, 7), 0.7, 8, threads=5)[0] == one
    assert sorted(made((60, 33, 7), 0.7, 16)[0]) == sorted(one)


def test_no_more_is_made_than_is_wanted():
    """Of n images in batches of b none is made beyond the last batch when all are kept."""
    for count in (1, 8, 9, 300):
        _, source = made((count, count, 0), 1.0, 8)
        assert source.batches == -(-2 * count // 8)
    rows, source = made((400, 400, 0), 0.5, 8)
    assert len(rows) == 800 and source.batches <= 200 + AHEAD + 4


def test_a_candidate_that_repeats_another_shards_image_is_passed_over():
    rows, _ = made((3, 0, 0), 1.0, 4, excluded=frozenset({(0, 1)}))
    assert rows == [(0, 0), (0, 2), (0, 3)]


def test_it_says_when_all_is_begun_that_is_wanted():
    """Of 30 batches the last is begun with 16 still to be looked at; of 5, at once."""
    for batches in (30, 5):
        said = []
        made((8 * batches, 0, 0), 1.0, 8, idle=lambda said=said: said.append("all"))
        assert len(said) == min(batches, AHEAD)


def test_pixel_hashes_are_those_of_the_xxh3_standard():
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    hashes = pixel_hashes(images)
    assert hashes.dtype == np.int64 and hashes[0] != hashes[1]
    unsigned = [value % 2**64 for value in hashes.tolist()]
    assert unsigned == [xxhash.xxh3_64(image.tobytes()).intdigest() for image in images]
    # The value for no bytes at all: xxHash, tests/sanity_test_vectors.h.
    assert pixel_hashes(images[:1, :0]).tolist() == [0x2D06800538D394C2]


def test_where_rows_run_out_the_reason_that_took_them_is_named():
    with pytest.raises(SynthgenError, match=r"run out of source images: 8 looked at \(bad took \d"):
        made((20,), 0.3, 4, available=(8,))
