"""Input files by content: complete and right, or not there."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from braggtrace.errors import BraggtraceError, EngineError, InputError, OutputError
from braggtrace.service.cache import FileCache


def sha(data: bytes) -> str:
    """The name of some contents."""
    return hashlib.sha256(data).hexdigest()


def put(cache: FileCache, data: bytes, name: str | None = None) -> bool:
    """Send a file in one piece."""
    return cache.put(name or sha(data), 0, len(data), data)


def test_a_file_in_pieces(tmp_path: Path) -> None:
    """It is missing until the last piece has come, then it is there with its contents."""
    cache = FileCache(tmp_path / "cache")
    data = b"abcdefgh"
    assert cache.missing([sha(data)]) == [sha(data)]
    assert not cache.put(sha(data), 0, 8, b"abc")
    assert cache.missing([sha(data)]) == [sha(data)]
    assert cache.put(sha(data), 3, 8, b"defgh")
    assert cache.missing([sha(data)]) == []
    assert cache.path(sha(data)).read_bytes() == data
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0


def test_an_empty_file(tmp_path: Path) -> None:
    """Nothing is a content, too."""
    cache = FileCache(tmp_path)
    assert put(cache, b"")
    assert cache.missing([sha(b"")]) == []


def test_other_contents_are_refused(tmp_path: Path) -> None:
    """A file that is not what it was announced to be never gets its name."""
    cache = FileCache(tmp_path)
    with pytest.raises(InputError, match="changed while it was sent"):
        put(cache, b"other", sha(b"right"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 63, "A" * 64, "/" * 64, "0" * 64 + "/x", "." * 64])
def test_only_hashes_are_names(tmp_path: Path, name: str) -> None:
    """No name leads out of the folder."""
    cache = FileCache(tmp_path / "cache")
    for attempt in (lambda: cache.path(name), lambda: cache.put(name, 0, 1, b"x"), lambda: cache.named(name, "a.mtz")):
        with pytest.raises(EngineError):
            attempt()
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("offset", "total", "data"), [(3, 8, b"abc"), (0, -1, b""), (0, 2, b"abc"), (-1, 8, b"a"), (0, 10**30, b"a")]
)
def test_pieces_that_do_not_fit(tmp_path: Path, offset: int, total: int, data: bytes) -> None:
    """Out of order, too long, of impossible size."""
    with pytest.raises(EngineError):
        FileCache(tmp_path).put(sha(b"x"), offset, total, data)
    assert list(tmp_path.iterdir()) == []


def test_a_piece_that_comes_twice(tmp_path: Path) -> None:
    """Beginning again is allowed, going on from elsewhere is not."""
    cache = FileCache(tmp_path)
    cache.put(sha(b"abcd"), 0, 4, b"ab")
    with pytest.raises(EngineError, match="expected offset 2, got 3"):
        cache.put(sha(b"abcd"), 3, 4, b"d")
    assert not cache.put(sha(b"abcd"), 0, 4, b"abc")
    assert cache.put(sha(b"abcd"), 3, 4, b"d")


def test_damaged_contents_are_noticed(tmp_path: Path) -> None:
    """Another engine checks what it finds."""
    put(FileCache(tmp_path), b"right")
    path = tmp_path / sha(b"right")
    path.write_bytes(b"wrong")
    assert FileCache(tmp_path).missing([path.name]) == [path.name]
    assert not path.exists()


def test_least_recently_used_goes_first(tmp_path: Path) -> None:
    """The cache stays within its limit; what this engine uses stays."""
    old, used, new = b"o" * 40, b"u" * 40, b"n" * 40
    before = FileCache(tmp_path, limit=100)
    put(before, used)
    put(before, old)
    for data, age in ((used, 200), (old, 100)):
        os.utime(tmp_path / sha(data), (time.time() - age, time.time() - age))
    cache = FileCache(tmp_path, limit=100)
    assert cache.missing([sha(used)]) == []
    put(cache, new)
    assert {path.name for path in tmp_path.iterdir()} == {sha(used), sha(new)}
    with pytest.raises(EngineError, match="cache holds 100"):
        put(cache, b"x" * 101)


def test_names_end_as_they_did(tmp_path: Path) -> None:
    """Formats are told by the ends of names; nothing else of a name is taken over."""
    cache = FileCache(tmp_path)
    content = sha(b"data")
    assert cache.named(content, "a.mtz") is None
    put(cache, b"data")
    for name, end in (("../x/A.MTZ", ".mtz"), ("b.cif.gz", ".cif.gz"), ("plain", ""), ("a.tar/../../e", ""), (".", "")):
        path = cache.named(content, name)
        assert path is not None
        assert path.name == content + end
        assert path.parent == tmp_path
        assert path.read_bytes() == b"data"
        assert cache.named(content, name) == path


def test_what_came_in_part_is_thrown_away(tmp_path: Path) -> None:
    """A client that leaves in the middle leaves nothing behind; old left-overs of others go, too."""
    cache = FileCache(tmp_path, limit=100)
    left_over, dangling = tmp_path / f"{'0' * 64}.1.part", tmp_path / f"{'1' * 64}.mtz"
    left_over.write_bytes(b"x")
    os.utime(left_over, (0, 0))
    dangling.symlink_to("1" * 64)
    cache.put(sha(b"abcd"), 0, 4, b"ab")
    cache.close()
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    """It is said, not raised as something else."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BraggtraceError) as caught:
        put(FileCache(tmp_path / "file" / "cache"), b"x")
    assert isinstance(caught.value, OutputError)
