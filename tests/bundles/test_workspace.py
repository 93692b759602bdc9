"""The folder in which a bundle grows."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from braggtrace.bundles.names import is_stamp
from braggtrace.bundles.seal import COMPRESSED_FROM, check_seal
from braggtrace.bundles.workspace import SystemClock, claim
from braggtrace.errors import OutputError, UsageError
from tests.bundles.build import NOON, FakeClock, names_in


def test_named_by_time_and_partial_until_finished(tmp_path: Path) -> None:
    """The folder says that it is not complete until it is."""
    space = claim(tmp_path, "topic", FakeClock())
    assert space.folder == tmp_path / "topic/20251008T120000Z.partial"
    space.log("begun")
    space.write("a.txt", "text")
    path = space.finish()
    assert path == tmp_path / "topic/20251008T120000Z"
    assert names_in(path) == ["a.txt", "sha256.txt"]
    assert names_in(path.parent) == [path.name]


def test_a_second_has_one_bundle(tmp_path: Path) -> None:
    """Whoever comes second waits for the next second, whether the first one is finished or not."""
    clock = FakeClock(NOON + timedelta(milliseconds=250))
    first = claim(tmp_path, "topic", clock)
    second = claim(tmp_path, "topic", clock)
    assert second.stamp == "20251008T120001Z"
    assert clock.slept == pytest.approx(0.75)
    first.finish()
    clock.time = NOON
    assert claim(tmp_path, "topic", clock).stamp == "20251008T120002Z"


def test_a_finished_name_leaves_no_partial_folder(tmp_path: Path) -> None:
    """The claim on a taken name is given back."""
    (tmp_path / "topic/20251008T120000Z").mkdir(parents=True)
    space = claim(tmp_path, "topic", FakeClock())
    assert names_in(tmp_path / "topic") == ["20251008T120000Z", f"{space.stamp}.partial"]


def test_a_clock_that_stands_still_is_an_error(tmp_path: Path) -> None:
    """It doesn't wait for ever."""

    class Stuck(FakeClock):
        def sleep(self, seconds: float) -> None:
            """Nothing passes."""

    claim(tmp_path, "topic", Stuck())
    with pytest.raises(OutputError, match="clock"):
        claim(tmp_path, "topic", Stuck())


@pytest.mark.parametrize("topic", ["carry over", "../up", "", "a/b", "ünicode", ".", "a-b", "_x"])
def test_topics_are_plain_names(tmp_path: Path, topic: str) -> None:
    """And nothing is made for another one."""
    with pytest.raises(UsageError, match="topic"):
        claim(tmp_path / "root", topic, FakeClock())
    assert not (tmp_path / "root").exists()


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    """A message says which."""
    (tmp_path / "root").write_text("a file")
    with pytest.raises(OutputError, match="root"):
        claim(tmp_path / "root", "topic", FakeClock())


def test_a_file_is_written_once(tmp_path: Path) -> None:
    """What was captured is never written over."""
    space = claim(tmp_path, "topic", FakeClock())
    space.write("a.txt", "one")
    with pytest.raises(OutputError, match=r"a\.txt"):
        space.write("a.txt", "two")
    assert (space.folder / "a.txt").read_text() == "one"


def test_large_logs_are_compressed_the_same_way_each_time(tmp_path: Path) -> None:
    """And the list of checksums says so."""
    data = b"0123456789abcde\n" * (COMPRESSED_FROM // 16)
    names = []
    for topic in ("one", "two"):
        space = claim(tmp_path, topic, FakeClock())
        assert space.write("log.txt", data, compressible=True) == "log.txt.gz"
        assert space.write("small.txt", data[:-1], compressible=True) == "small.txt"
        (space.folder / "raw.txt").write_bytes(data)
        assert space.compress("raw.txt") == "raw.txt.gz"
        names.append(space.finish())
    one, two = ((path / "log.txt.gz").read_bytes() for path in names)
    assert one == two
    assert gzip.decompress(one) == data
    listing = (names[0] / "sha256.txt").read_text()
    assert f"# log.txt.gz is compressed: {len(data)} bytes" in listing
    assert check_seal(names[0]) == []
    assert not (names[0] / "raw.txt").exists()


def test_somebody_makes_the_folder_meanwhile(tmp_path: Path) -> None:
    """Theirs stays, and ours keeps its partial name."""
    space = claim(tmp_path, "topic", FakeClock())
    space.final.mkdir()
    with pytest.raises(OutputError, match="meanwhile"):
        space.finish()
    assert space.folder.is_dir()
    assert names_in(space.final) == []


def test_a_finished_bundle_is_read_only(tmp_path: Path) -> None:
    """A slip of an editor is refused."""
    space = claim(tmp_path, "topic", FakeClock())
    space.write("a.txt", "text")
    for path in space.finish().iterdir():
        assert path.stat().st_mode & 0o222 == 0


def test_the_system_clock_runs() -> None:
    """Its names are those of bundles, in UTC."""
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.0)
    assert clock.monotonic() >= before
    assert is_stamp(f"{clock.now():%Y%m%dT%H%M%SZ}")
    assert clock.now().utcoffset() == timedelta(0)
