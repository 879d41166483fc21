import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.sampling.planning import make_plan
from synthgen.spec.errors import SynthgenError
from synthgen.spec.plan import Plan


def plan(classes=("a", "b"), n=100, per_class=None, splits=None, limit=None):
    return make_plan(
        tuple(classes), n=None if per_class else n, per_class=per_class, seed=0,
        splits=splits or {"train": 1.0}, bytes_per_image=2500.0, images_per_shard=limit,
    )  # fmt: skip


def test_a_total_is_split_evenly_with_the_remainder_to_the_first():
    assert plan("abc", 100).per_class == {"a": 34, "b": 33, "c": 33}
    assert plan("abc", 2).per_class == {"a": 1, "b": 1, "c": 0}
    assert plan("ab", per_class=7).per_class == {"a": 7, "b": 7}


def test_shards_are_small_enough_and_named_for_their_split():
    made = plan(n=100_000)
    assert [shard.rows for shard in made.shards] == [10_000] * 10
    assert [shard.name for shard in made.shards][:2] == [
        "train-00000.parquet",
        "train-00001.parquet",
    ]


def test_a_split_without_images_is_an_error():
    with pytest.raises(SynthgenError, match="split 'test' would get none of the 3 images"):
        plan(n=3, splits={"train": 0.99, "test": 0.01})


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 3000),
    st.sampled_from([{"train": 1.0}, {"train": 0.9, "test": 0.1}, {"a": 0.5, "b": 0.3, "c": 0.2}]),
    st.one_of(st.none(), st.integers(1, 700)),
)
def test_every_plan_keeps_its_promises(classes, n, splits, limit):
    names = tuple(f"c{k}" for k in range(classes))
    try:
        made = plan(names, n, splits=splits, limit=limit)
    except SynthgenError:
        assert n < 20
        return
    assert made.rows == n
    counts = list(made.per_class.values())
    assert max(counts) - min(counts) <= 1 and counts == sorted(counts, reverse=True)
    assert list(made.splits) == list(splits)
    for name, share in splits.items():
        assert abs(made.splits[name] - n * share) <= 1.0 + 1e-6
    assert all(0 < shard.rows <= (limit or 10_000) for shard in made.shards)
    assert [shard.index for shard in made.shards] == list(range(len(made.shards)))
    assert Plan.from_json(made.to_json()) == made


def test_two_hundred_classes():
    names = tuple(f"c{k}" for k in range(200))
    made = plan(names, 10_000, limit=3000)
    assert set(made.per_class.values()) == {50}
    assert all(min(shard.quotas) >= 12 for shard in made.shards)
