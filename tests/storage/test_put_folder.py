"""A folder that takes another's place: whole at any moment, whatever happens."""

import socket
import threading

import pytest

from synthgen.storage import put_folder as module
from synthgen.storage.put_folder import put_folder, staging_beside

EXCHANGES = module._exchanged


def filled(folder, text):
    (folder / "below").mkdir(parents=True)
    (folder / "one").write_text(text)
    (folder / "below" / "two").write_text(text)
    return folder


def read(folder):
    return (folder / "one").read_text(), (folder / "below" / "two").read_text()


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch, tmp_path):
    if request.param == "two renames":
        monkeypatch.setattr(module, "_exchanged", lambda one, other: False)
    elif not EXCHANGES(filled(tmp_path / "a", "a"), filled(tmp_path / "b", "b")):
        pytest.skip("this file system cannot exchange two names")
    return request.param


def test_the_new_folder_has_the_name_and_nothing_else_is_left(tmp_path, way):
    place = tmp_path / "in"
    final = place / "bundle"
    for text in ("first", "second", "third"):
        put_folder(filled(place / ".staging", text), final)
        assert read(final) == (text, text)
        assert [path.name for path in place.iterdir()] == ["bundle"]


def test_a_symbolic_link_goes_on_to_name_what_it_named(tmp_path, way):
    real, link = filled(tmp_path / "in" / "real", "old"), tmp_path / "link"
    link.symlink_to(real)
    staging = staging_beside(link)
    assert staging.parent == real.parent
    put_folder(filled(staging, "new"), link)
    assert link.is_symlink() and read(link) == read(real) == ("new", "new")
    assert [path.name for path in real.parent.iterdir()] == ["real"]


def test_what_a_dead_process_left_is_removed_and_what_others_fill_is_not(tmp_path):
    final, host = tmp_path / "bundle", socket.gethostname()
    dead = filled(tmp_path / f".bundle.{host}-999999999", "dead")
    alive = filled(tmp_path / f".bundle.{host}-1", "alive")
    elsewhere = filled(tmp_path / ".bundle.another-999999999", "elsewhere")
    mine = filled(staging_beside(final), "mine")
    assert not dead.exists() and alive.exists() and elsewhere.exists()
    assert staging_beside(final) == mine and not mine.exists()


def test_whoever_reads_finds_a_folder_at_any_moment(tmp_path):
    if not EXCHANGES(filled(tmp_path / "a", "a"), filled(tmp_path / "b", "b")):
        pytest.skip("this file system cannot exchange two names")
    final, ended, missed = filled(tmp_path / "bundle", "first"), threading.Event(), []

    def look():
        while not ended.is_set():
            if not (final / "one").is_file():
                missed.append(1)

    watcher = threading.Thread(target=look)
    watcher.start()
    for number in range(200):
        put_folder(filled(tmp_path / ".staging", str(number)), final)
    ended.set()
    watcher.join()
    assert not missed and read(final) == ("199", "199")


def test_an_interrupted_exchange_leaves_a_whole_folder(tmp_path, way, monkeypatch):
    """Stopped as the old one is taken away, and between the two renames."""
    final = filled(tmp_path / "in" / "bundle", "old")
    renames = []

    def stopped(path, target):
        renames.append(path)
        if len(renames) == 2:
            raise KeyboardInterrupt
        path.replace(target)

    def stop(folder, **options):
        if folder.exists():
            raise KeyboardInterrupt

    monkeypatch.setattr(module.Path, "rename", stopped)
    monkeypatch.setattr(module.shutil, "rmtree", stop)
    staging = filled(tmp_path / "in" / ".staging", "new")
    with pytest.raises(KeyboardInterrupt):
        put_folder(staging, final)
    kept = "new" if way == "exchange" else "old"
    assert read(final) == (kept, kept)
