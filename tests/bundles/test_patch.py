"""Unified diffs that apply, and that can be undone."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.bundles.patch import FileChange, undo, unified_diff
from braggtrace.errors import BundleError
from tests.bundles.build import trace_text

LINES = st.sampled_from(
    [
        b"",
        b"a",
        b"b\r",
        b"TRACE_PY: pixel 1 2",
        b"TRACE_PY: pixel 1 3",
        b"--- x",
        b"+++ y",
        b"@@ -1 +1 @@",
        b"\\ No newline",
    ]
)
TEXTS = st.builds(
    lambda lines, end: b"\n".join(lines) + end * bool(lines),
    st.lists(LINES, max_size=30),
    st.sampled_from([b"", b"\n"]),
)


@given(TEXTS, TEXTS)
def test_undone(old: bytes, new: bytes) -> None:
    """The older files come back, to the byte."""
    changes = [FileChange("old.log", old, "new.log", new), FileChange("", b"", "added.log", new)]
    back = undo(unified_diff(changes), {"new.log": new, "added.log": new, "other": b"o"})
    assert back.pop("other") == b"o"
    assert back.pop("new.log" if old == new else "old.log") == old
    assert set(back) <= {"added.log"}


@pytest.mark.skipif(shutil.which("patch") is None, reason="the program patch is not installed")
@given(TEXTS, TEXTS)
def test_applied_by_patch(old: bytes, new: bytes) -> None:
    """The usual program makes the newer file of the older one."""
    difference = unified_diff([FileChange("trace py.log", old, "trace py.log", new)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace py.log")
        path.write_bytes(old)
        command = ["patch", "-p1", "--binary", "-s", "-d", folder]
        run = subprocess.run(command, input=difference, capture_output=True, check=False)
        assert run.returncode == 0, run.stdout
        assert (path.read_bytes() if path.exists() else b"") == new


def test_only_what_changed() -> None:
    """Three lines of context; frames that are the same on both sides don't show."""
    old = trace_text()
    new = old.replace("TRACE_PY: pixel 685 1039\n", "TRACE_PY: pixel 685 1039\nTRACE_PY: new 1\n")
    text = unified_diff([FileChange("a.log", old.encode(), "a.log", new.encode())]).decode()
    assert text.splitlines()[:2] == ["--- baseline/a.log", "+++ candidate/a.log"]
    assert [line for line in text.splitlines()[2:] if line[0] in "+-"] == ["+TRACE_PY: new 1"]
    assert text.count("\n") == 2 + 1 + 3 + 1 + 3


def test_equal_files_make_no_patch() -> None:
    """Not even a header."""
    assert unified_diff([FileChange("a", b"x\n", "b", b"x\n")]) == b""


def test_long_traces_take_no_long_time() -> None:
    """Every one of 30,000 frames differs."""
    pixels = [(684, 1000 + number) for number in range(3000)]
    old, new = (trace_text(pixels, stale=stale).encode() for stale in (True, False))
    difference = unified_diff([FileChange("a", old, "a", new)])
    assert undo(difference, {"a": new})["a"] == old


@pytest.mark.parametrize(
    "patch",
    [
        b"nonsense\n",
        b"--- a/x\n",
        b"--- a/x\n+++ b/missing\n",
        b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+other\n",
        b"--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n x\n",
    ],
)
def test_a_patch_that_does_not_fit(patch: bytes) -> None:
    """A message, and never a wrong file."""
    with pytest.raises(BundleError):
        undo(patch, {"x": b"x\n"})
