"""Files that are there whole, or not at all."""

import os

import pytest

from synthgen.storage import whole
from synthgen.storage.whole import is_part, write_json_whole, write_whole, written_whole


def test_the_file_has_its_name_only_when_it_is_whole(tmp_path):
    final = tmp_path / "new" / "report.md"
    with written_whole(final) as beside:
        beside.write_text("half")
        assert not final.exists() and is_part(beside)
        beside.write_text("whole")
    assert final.read_text() == "whole" and os.listdir(final.parent) == ["report.md"]


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path):
    final = tmp_path / "table.json"
    write_whole(final, "old")
    with pytest.raises(ValueError), written_whole(final) as beside:
        beside.write_text("ne")
        raise ValueError
    assert final.read_text() == "old" and os.listdir(tmp_path) == ["table.json"]


def test_what_a_kill_leaves_is_replaced(tmp_path):
    final = tmp_path / "table.json"
    with pytest.raises(KeyboardInterrupt), written_whole(final) as beside:
        beside.write_text("a long half of it")
        raise KeyboardInterrupt
    left = tmp_path / os.listdir(tmp_path)[0]
    assert is_part(left)
    write_json_whole(final, {"é": 1}, indent=None)
    assert final.read_text() == '{"\\u00e9": 1}\n' and not left.exists()


def test_processes_that_share_a_file_do_not_share_its_beginnings(tmp_path, monkeypatch):
    final = tmp_path / "features.npy"
    with written_whole(final, shared=True) as mine:
        monkeypatch.setattr(whole.os, "getpid", lambda: 1)
        with written_whole(final, shared=True) as theirs:
            assert mine != theirs and is_part(mine) and is_part(theirs)
            theirs.write_bytes(b"same")
        mine.write_bytes(b"same")
    assert os.listdir(tmp_path) == ["features.npy"]


@pytest.mark.parametrize("lasting", [False, True])
def test_only_what_is_to_last_is_flushed_first_its_bytes_then_its_name(
    lasting, tmp_path, monkeypatch
):
    calls = []
    real = os.replace

    def rename(a, b):
        calls.append("rename")
        real(a, b)

    monkeypatch.setattr(whole, "flush", lambda path: calls.append(path.name))
    monkeypatch.setattr(whole.os, "replace", rename)
    write_whole(tmp_path / "card", b"x", lasting=lasting)
    asked = [".card.part", "rename", tmp_path.name]
    assert calls == (asked if lasting else ["rename"])
