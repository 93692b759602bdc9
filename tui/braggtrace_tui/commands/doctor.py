"""`braggtrace doctor`: what works on this machine, and what to do about what doesn't."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["Finding", "State", "add_arguments", "findings", "run"]

EPILOG = """\
examples:
  braggtrace doctor
  braggtrace doctor --format json

Nothing is changed. What is absent is no fault; the exit status is 2 only if something is broken.
"""


class State(StrEnum):
    """How something is."""

    WORKS = "works"
    ABSENT = "absent"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what it is.
        state: how it is; absent is no fault.
        fact: what was found.
        advice: what is not possible like that, and what would help; "" if all is well.
    """

    name: str
    state: State
    fact: str
    advice: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `doctor`."""
    parser.epilog = EPILOG
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def run(args: argparse.Namespace) -> int:
    """Look, and print what was found."""
    from braggtrace.trace.text import visible

    found = list(findings(os.environ))
    if args.format == "json":
        print(json.dumps([asdict(each) for each in found], indent=1))
    else:
        wide = max(len(each.name) for each in found)
        for each in found:
            print(f"{each.state:<7} {each.name:<{wide}}  {visible(each.fact)}")
            if each.advice:
                print(f"{'':<{wide + 10}}{visible(each.advice)}")
    return 2 if any(each.state is State.BROKEN for each in found) else 0


def findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Everything worth knowing, what matters most first."""
    yield Finding("Python", State.WORKS, f"{platform.python_version()}, {platform.system()} {platform.machine()}")
    for name, purpose in (("numpy", "compare traces"), ("orjson", "compare traces"), ("textual", "show the screens")):
        yield _package(name, purpose)
    yield from _torch()
    for name, extra in (("gemmi", "mtz"), ("fabio", "images")):
        yield _optional(name, extra)
    yield _tool("gdb", "--version", "can't capture from C programs that don't trace by themselves; install gdb")
    yield _tool("ssh", "-V", "no engine on another machine; install openssh-client")
    yield _program(environ.get("NB_C_BIN", ""))
    yield _terminal(environ)
    yield _folder("state", environ.get("XDG_STATE_HOME"), ".local/state")
    yield _folder("cache", environ.get("XDG_CACHE_HOME"), ".cache")


def _package(name: str, purpose: str) -> Finding:
    try:
        return Finding(name, State.WORKS, version(name))
    except PackageNotFoundError:
        return Finding(name, State.BROKEN, "not installed", f"can't {purpose}; reinstall braggtrace")


def _optional(name: str, extra: str) -> Finding:
    if importlib.util.find_spec(name) is None:
        what = "MTZ and mmCIF reflections" if extra == "mtz" else "masks other than SMV and .npy"
        advice = f"{what} can't be read; pip install 'braggtrace[{extra}]'"
        return Finding(name, State.ABSENT, "not installed", advice)
    return Finding(name, State.WORKS, version(name))


def _torch() -> Iterator[Finding]:
    """PyTorch is asked in a process of its own: a broken installation can end the one that imports it."""
    if importlib.util.find_spec("torch") is None:
        advice = "traces can be compared, but not computed; pip install 'braggtrace[torch]'"
        yield Finding("PyTorch", State.ABSENT, "not installed", advice)
        return
    question = (
        "import torch; cuda = torch.cuda.is_available();"
        "print(torch.__version__, torch.get_num_threads(), torch.version.cuda or '', sep='|');"
        "print(torch.cuda.get_device_name() if cuda else '')"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", question], capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("PyTorch", State.BROKEN, "does not start", str(error))
        return
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) < 2:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        yield Finding("PyTorch", State.BROKEN, "can't be imported", last)
        return
    number, threads, cuda = lines[0].split("|")
    yield Finding("PyTorch", State.WORKS, f"{number}, {threads} threads")
    if lines[1]:
        yield Finding("GPU", State.WORKS, lines[1])
    else:
        why = "PyTorch finds no device" if cuda else "this PyTorch is built without CUDA"
        yield Finding("GPU", State.ABSENT, why, "--device cpu only")
    yield _compiler()


def _compiler() -> Finding:
    found = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if found is None:
        return Finding(
            "C++ compiler", State.ABSENT, "none", "big images are simulated without compiled kernels; slower"
        )
    return Finding("C++ compiler", State.WORKS, found)


def _tool(name: str, question: str, advice: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name, State.ABSENT, "not on PATH", advice)
    try:
        done = subprocess.run([path, question], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name, State.BROKEN, path, str(error))
    first = ((done.stdout or done.stderr).splitlines() or [path])[0]
    return Finding(name, State.WORKS, first)


def _program(path: str) -> Finding:
    if not path:
        return Finding("C program", State.ABSENT, "NB_C_BIN is not set", "`braggtrace capture` needs --bin PROGRAM")
    if not Path(path).is_file() or not os.access(path, os.X_OK):
        return Finding("C program", State.BROKEN, path, "NB_C_BIN names no program that can be run")
    return Finding("C program", State.WORKS, path)


def _terminal(environ: Mapping[str, str]) -> Finding:
    if not sys.stdout.isatty():
        return Finding("terminal", State.ABSENT, "stdout is no terminal", "reports are printed instead of screens")
    from braggtrace_tui.terminal import detect

    terminal = detect(environ)
    size = shutil.get_terminal_size()
    words = [environ.get("TERM", "?"), f"{size.columns}x{size.lines}", environ.get("COLORTERM", "256 colours")]
    words += [name for name in ("remote", "tmux", "no_color") if getattr(terminal, name)]
    if not terminal.interactive:
        return Finding("terminal", State.ABSENT, ", ".join(words), "reports are printed instead of screens")
    return Finding("terminal", State.WORKS, ", ".join(words))


def _folder(name: str, given: str | None, default: str) -> Finding:
    """A folder that we write below; it may not exist yet."""
    path = (Path(given) if given else Path.home() / default) / "braggtrace"
    nearest = next(each for each in (path, *path.parents) if each.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding(name, State.WORKS, str(path))
    return Finding(name, State.ABSENT, f"{path} can't be written", "nothing is remembered from one day to the next")
