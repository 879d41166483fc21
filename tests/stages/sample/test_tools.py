"""What a run builds, it builds once, and only when it is needed."""

import pytest

from synthgen.stages.sample import shard_maker, tools


@pytest.fixture
def built(monkeypatch):
    """Names of what has been built, in order."""
    names = []

    def counted(module, name):
        real = getattr(module, name)

        def call(*given, **more):
            names.append(name)
            return real(*given, **more)

        monkeypatch.setattr(module, name, call)

    counted(tools, "make_scorer")
    counted(tools, "load_sources")
    counted(shard_maker, "device_turns")
    return names


def test_scorer_sources_and_maker_are_built_once(sampled, built):
    sampled(n=60, images_per_shard=30)
    assert sorted(built) == ["device_turns", "load_sources", "make_scorer"]


def test_a_finished_run_needs_no_maker(sampled, built):
    sampled(n=60, images_per_shard=30)
    built.clear()
    sampled(n=60, images_per_shard=30)
    assert "device_turns" not in built and built.count("make_scorer") == 1
