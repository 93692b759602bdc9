"""Files are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from braggtrace.errors import OutputError, OutputExistsError
from braggtrace.output import write_whole


def test_a_new_file_has_the_usual_rights(tmp_path: Path) -> None:
    """And nothing is left beside it."""
    path = tmp_path / "out.txt"
    write_whole(path, ["one", "two"])
    assert path.read_text() == "onetwo"
    mask = os.umask(0o077)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """Unless it is to be replaced; a dangling link counts as a file."""
    path, link = tmp_path / "out.txt", tmp_path / "link"
    path.write_text("mine")
    link.symlink_to("nowhere")
    for taken in (path, link):
        with pytest.raises(OutputExistsError, match="already exists"):
            write_whole(taken, ["yours"])
    assert path.read_text() == "mine"
    write_whole(path, ["yours"], force=True)
    assert path.read_text() == "yours"


def test_somebody_else_may_be_faster(tmp_path: Path) -> None:
    """The name is taken while the text is being made: the other file stays."""
    path = tmp_path / "out.txt"

    def slow() -> Iterator[str]:
        yield "mine"
        path.write_text("theirs")

    with pytest.raises(OutputExistsError):
        write_whole(path, slow())
    assert path.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have none."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_whole(tmp_path / "out.txt", ["text"])
    assert (tmp_path / "out.txt").read_text() == "text"


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """Also when it is to be replaced."""
    path = tmp_path / "out.txt"
    path.write_text("old")

    def broken() -> Iterator[str]:
        yield "half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="can't be written: No space left on device"):
        write_whole(path, broken(), force=True)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    """With the path."""
    with pytest.raises(OutputError, match=r"no/out\.txt: can't be written: No such file or directory"):
        write_whole(tmp_path / "no" / "out.txt", ["text"])


def test_a_device_is_written_into(tmp_path: Path) -> None:
    """And never replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, ["text"], force=True)
        assert os.read(reader, 100) == b"text"
        write_whole(pipe, ["more"])
        assert os.read(reader, 100) == b"more"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_behind_a_link_the_file_is_replaced(tmp_path: Path) -> None:
    """The link stays a link."""
    (tmp_path / "real.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to("real.txt")
    write_whole(link, ["new"], force=True)
    assert link.is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """Not even by force."""
    with pytest.raises(OutputError):
        write_whole(tmp_path, ["text"], force=True)
