"""`braggtrace engine` as a person starts it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Cli


def test_it_speaks_the_protocol_and_ends_with_its_input(cli: Cli, tmp_path: Path) -> None:
    """Replies on stdout, nothing else there; exit status 0."""
    run = cli("engine", input='{"v":1,"id":"a","do":"dance"}\nsandwich\n')
    assert run.returncode == 0, run.stderr
    replies = [json.loads(line) for line in run.stdout.splitlines()]
    assert replies[0]["event"] == "state"
    assert [reply.get("code") for reply in replies if reply["event"] == "error"] == ["unknown", "protocol"]
    assert list(tmp_path.iterdir()) == []


def test_the_cache_is_where_it_is_told(cli: Cli, tmp_path: Path) -> None:
    """A file that is sent lands there, and only there."""
    content = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"  # of the letter a
    put = {"v": 1, "id": "p", "do": "put", "hash": content, "offset": 0, "total": 1, "data": "YQ=="}
    run = cli("engine", "--cache", tmp_path / "here", "--cache-limit", "0.1", input=f"{json.dumps(put)}\n")
    assert run.returncode == 0, run.stderr
    assert [path.name for path in (tmp_path / "here").iterdir()] == [content]


def test_a_limit_that_makes_no_sense(cli: Cli) -> None:
    """Exit status 2 with a message."""
    for limit in ("0", "-1", "nan", "inf", "1e300"):
        run = cli("engine", "--cache-limit", limit, input="")
        assert run.returncode == 2
        assert "--cache-limit" in run.stderr
        assert run.stdout == ""
