"""What a probe ran on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from braggtrace.bundles.environment import InputFile, Revision, cpu_info, describe_inputs, environment, git_revision

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *words: str) -> None:
    """Run git as somebody."""
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    folder = tmp_path / "re po"
    (folder / "sub").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "a.py").write_text("1")
    (folder / "plan.md").write_text("1")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


@needs_git
def test_clean_and_dirty(repository: Path) -> None:
    """Changed, renamed, deleted and untracked files count, from any folder; what the probe writes doesn't."""
    assert git_revision(repository).clean
    (repository / "re ports/topic").mkdir(parents=True)
    (repository / "re ports/topic/x").write_text("x")
    (repository / "plan.md").write_text("2")
    assert git_revision(repository / "sub", [repository / "re ports", repository / "plan.md"]).clean
    found = git_revision(repository / "sub")
    assert (found.changed, found.untracked) == (("plan.md",), ("re ports/",))
    assert not found.clean
    assert "(1 changed, 1 untracked)" in str(found)
    assert found.as_json()["clean"] is False
    git(repository, "mv", "a.py", "b ü.py")
    assert git_revision(repository).changed == ("b ü.py", "plan.md")


@needs_git
def test_an_ignored_root_outside(repository: Path, tmp_path: Path) -> None:
    """A root that is the repository itself, or lies outside, hides nothing."""
    (repository / "c.py").write_text("")
    for root in (tmp_path, repository, tmp_path / "missing"):
        assert git_revision(repository, [root]).untracked == ("c.py",)


@needs_git
def test_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is said."""
    assert git_revision(tmp_path).reason == "not a git repository"
    git(tmp_path, "init", "-q")
    assert git_revision(tmp_path).reason == "no commit yet"
    monkeypatch.setenv("PATH", "")
    assert git_revision(tmp_path).reason == "git is not installed"
    assert not git_revision(tmp_path).clean


def test_what_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions and a few variables by name; no other part of the environment."""
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    facts = environment(Revision(None, "why"), {"device": "cpu"}, [], "2025-10-08T12:00:00Z")
    assert "hush" not in str(facts)
    assert facts["variables"]["OMP_NUM_THREADS"] == "3"
    assert facts["git"]["reason"] == "why"
    assert facts["libraries"]["numpy"]


def test_inputs(tmp_path: Path) -> None:
    """Size and checksum; none for what is no file."""
    (tmp_path / "a").write_bytes(b"abc")
    rows = describe_inputs([InputFile("-mat", "a", tmp_path / "a"), InputFile("-hkl", "b\x1b", tmp_path / "b")])
    assert rows[0]["bytes"] == 3
    assert rows[0]["sha256"].startswith("ba7816bf")
    assert rows[1] == {"given_by": "-hkl", "path": "b␛", "bytes": None, "sha256": None}


def test_processor(tmp_path: Path) -> None:
    """Without the frequency of the moment, also where the system doesn't tell."""
    path = tmp_path / "cpuinfo"
    path.write_text("model name\t: Fast\ncpu MHz\t\t: 1234.5\nphysical id : 0\n\nmodel name\t: Fast\nphysical id : 1\n")
    text = cpu_info(path)
    assert "model name: Fast\n" in text
    assert "sockets: 2\n" in text
    assert "1234" not in text
    assert "processor: " in cpu_info(tmp_path / "missing")
