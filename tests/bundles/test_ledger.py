"""The ledger: an entry is appended, nothing else changes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.bundles import ledger
from braggtrace.bundles.ledger import Attempt, append_attempt, format_attempt, next_number
from braggtrace.errors import InputError, OutputError

ATTEMPT = Attempt("2025-10-08", "carryover: DIVERGES", (("Command", "`braggtrace probe`"), ("Runtime", "1.5 s")))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 1),
        ("# Plan\nSome words about Attempt #7 in a sentence.\n", 1),
        ("* [2025-10-08] Attempt #152 — did it\n", 153),
        ("  * [2025-10-08] Attempt #152 — did it\n", 153),
        ("- Attempt 3: did it\n- Attempt 2: did it\n", 4),
        ("### Attempt 12\n", 13),
        ("## [2025-10-08] Attempt #12 — x\n### Attempt 9\n", 13),
        ("1. **Attempt #5** — bold\n", 6),
        ("Attempt #41: plain\n", 42),
        ("* attempt #4\r\n* Attempt #5\r\n", 6),
        ("```\n* Attempt #99 — an example\n```\n* Attempt #2\n", 3),
        ("* Attempted #9 things\n", 1),
        ("* Attempt #12a\n", 1),
    ],
)
def test_next_number(text: str, number: int) -> None:
    """One more than the largest one; prose and examples don't count."""
    assert next_number(text) == number


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("", "* [2025-10-08] Attempt #1 — carryover: DIVERGES\n  - Command: `braggtrace probe`\n"),
        ("* [2025-10-01] Attempt #152 — x\n", "* [2025-10-08] Attempt #153 — carryover"),
        (
            "text\n  * [2025-10-01] Attempt #1 — x\n",
            "  * [2025-10-08] Attempt #2 — carryover: DIVERGES\n    - Command: ",
        ),
        ("- Attempt 3: x\n", "- Attempt 4 — carryover: DIVERGES\n  * Command: "),
        ("### Attempt 12\n\ntext\n", "### Attempt 13 — carryover: DIVERGES\n\n- Command: "),
        ("1. **Attempt #5** — x\n", "1. **Attempt #6** — carryover: DIVERGES\n   - Command: "),
    ],
)
def test_the_form_of_the_last_one(text: str, start: str) -> None:
    """An entry looks like those before it."""
    assert format_attempt(ATTEMPT, text).startswith(start)


@given(st.text(alphabet="aA#*- \n\r\t`1Attempté", max_size=200), st.sampled_from(["\n", "\r\n"]))
def test_what_was_there_stays(text: str, newline: str) -> None:
    """To the byte: line ends, a missing last newline, all of it. The number is the next one."""
    before = text.replace("\r", "").replace("\n", newline).encode()
    with_temporary(before)


def with_temporary(before: bytes) -> None:
    """Append to a file with these bytes, and look at what came of it."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "plan.md")
        path.write_bytes(before)
        append_attempt(path, ATTEMPT)
        after = path.read_bytes()
        assert after.startswith(before)
        added = after[len(before) :]
        assert (after.endswith(b"\n")) == (before.endswith(b"\n") or not before)
        if b"\r\n" in before and before.count(b"\r\n") == before.count(b"\n"):
            assert added.count(b"\r\n") == added.count(b"\n")
        else:
            assert b"\r" not in added or b"\r" in before
        assert list(Path(folder).iterdir()) == [path]


def test_rights_and_links_are_kept(tmp_path: Path) -> None:
    """The file behind a link is replaced, not the link; its rights stay."""
    real = tmp_path / "real.md"
    real.write_text("* Attempt #1\n")
    real.chmod(0o640)
    link = tmp_path / "folder" / "link.md"
    link.parent.mkdir()
    link.symlink_to("../real.md")
    append_attempt(link, ATTEMPT)
    assert link.is_symlink()
    assert "Attempt #2" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert list(link.parent.iterdir()) == [link]


def test_headings_have_a_blank_line_before_them(tmp_path: Path) -> None:
    """But no second one."""
    path = tmp_path / "plan.md"
    for before in ("### Attempt 1\n\ntext\n", "### Attempt 1\n\ntext\n\n"):
        path.write_text(before)
        append_attempt(path, ATTEMPT)
        assert "text\n\n### Attempt 2" in path.read_text()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00plan", b"caf\xe9\n"])
def test_what_is_no_text_is_left_alone(tmp_path: Path, data: bytes) -> None:
    """A binary file, or one in another encoding."""
    path = tmp_path / "plan.md"
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a text"):
        append_attempt(path, ATTEMPT)
    assert path.read_bytes() == data


def test_a_missing_ledger_is_not_made(tmp_path: Path) -> None:
    """A misspelt path would start a second one."""
    with pytest.raises(InputError, match="no such ledger"):
        append_attempt(tmp_path / "plan.md", ATTEMPT)
    assert list(tmp_path.iterdir()) == []


def test_disk_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger stays as it was, and nothing is left beside it."""
    path = tmp_path / "plan.md"
    path.write_text("* Attempt #1\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space"):
        append_attempt(path, ATTEMPT)
    assert path.read_text() == "* Attempt #1\n"
    assert list(tmp_path.iterdir()) == [path]


def append_many(path: Path, count: int) -> None:
    """What one of several processes does."""
    for _ in range(count):
        append_attempt(path, ATTEMPT)


def test_several_at_once(tmp_path: Path) -> None:
    """Every number is taken once, and no entry is lost."""
    path = tmp_path / "plan.md"
    path.write_text("* Attempt #100\n")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_many, args=(path, 10)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    numbers = [int(line.split("#")[1].split()[0]) for line in path.read_text().splitlines() if "Attempt #" in line]
    assert numbers == list(range(100, 131))
    assert list(tmp_path.iterdir()) == [path]


def test_somebody_holds_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits, and says so when that takes too long."""
    path = tmp_path / "plan.md"
    path.write_text("")
    with ledger._locked(path, 1.0), pytest.raises(OutputError, match="somebody else"):
        append_attempt(path, ATTEMPT, wait_s=0.1)
    assert path.read_text() == ""


def append_for_ever(path: Path) -> None:
    """What is killed in the middle of it."""
    while True:
        append_attempt(path, ATTEMPT)


def test_killed_while_appending(tmp_path: Path) -> None:
    """Whenever it happens: whole entries only, and the next one can append."""
    path = tmp_path / "plan.md"
    path.write_text("* [x] Attempt #1\n")
    context = multiprocessing.get_context("spawn")
    for round_number in range(6):
        worker = context.Process(target=append_for_ever, args=(path,))
        worker.start()
        before = path.read_text()
        while path.read_text() == before:
            time.sleep(0.01)
        time.sleep(0.003 * round_number)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
        text = path.read_text()
        entries = text.count("Attempt #") - 1
        assert text == "* [x] Attempt #1\n" + "".join(
            format_attempt(ATTEMPT, f"* [x] Attempt #{number}\n") for number in range(1, entries + 1)
        )
    append_attempt(path, ATTEMPT, wait_s=1.0)
