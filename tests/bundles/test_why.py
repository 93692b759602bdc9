"""The cause of a divergence, where it can be searched for."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest

from braggtrace.bundles import metrics as metrics_module
from braggtrace.bundles.evidence import Evidence, Files, Told, gather
from braggtrace.bundles.request import Judging
from braggtrace.bundles.why import search

PIXELS = [(1639, 966), (1639, 967), (1640, 966), (1640, 967)]


@pytest.fixture
def pair(sample_traces: Path) -> tuple[Evidence, Files]:
    """The stale vectors."""
    folder = sample_traces / "stale_phi_zero"
    files = Files(candidate=(folder / "candidate.log",), reference=(folder / "reference.log",))
    return gather(files, Judging(), PIXELS), files


@pytest.mark.skipif(find_spec("torch") is None, reason="replaying steps needs torch")
def test_the_cause_is_told(pair: tuple[Evidence, Files]) -> None:
    """By name, and on which side."""
    told = search(*pair, Judging(rules={"rtol": ("1e-9",)}))
    assert told.why_not == ""
    assert "STALE_VALUE in the reference" in "\n".join(told.story)
    assert told.story[-1]
    assert {(root["cause"]["code"], root["side"]) for root in told.roots} == {("STALE_VALUE", "reference")}
    schema = json.loads(Path(metrics_module.__file__).with_name("metrics.schema.json").read_text())
    jsonschema.validate(list(told.roots), schema["properties"]["roots"])


def test_what_goes_wrong_is_a_note(
    pair: tuple[Evidence, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The evidence is complete without a cause."""
    program = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(program))
    assert search(*pair, Judging()) == Told(why_not="no cause was searched: No such file or directory")
    program.write_text("#!/bin/sh\necho 'No module named torch\x1b[31m' >&2\nexit 2\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert search(*pair, Judging()) == Told(why_not="no cause could be searched: No module named torch␛[31m")
    monkeypatch.setattr("braggtrace.bundles.why._TIMEOUT_S", 0.1)
    program.write_text("#!/bin/sh\nexec sleep 10\n")
    assert search(*pair, Judging()) == Told(why_not="no cause was found in 0.1 s")


def test_the_search_ends_with_whoever_asked() -> None:
    """Nobody waits for the answer of a probe that was killed."""
    search_for_ever = (
        "import os, threading, time\n"
        "from braggtrace.bundles.why import _end_with_parent\n"
        "threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()\n"
        "print('searching', flush=True)\n"
        "time.sleep(60)"
    )
    ask = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {search_for_ever!r}])"
    with subprocess.Popen([sys.executable, "-c", ask], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        asking.stdout.readline()
        begun = time.monotonic()
        os.kill(asking.pid, signal.SIGKILL)
        asking.stdout.read()  # its end is that of the last one that holds the pipe
    assert time.monotonic() - begun < 30
