"""The command line as scripts see it: streams and exit status, whatever goes wrong."""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

import braggtrace
from braggtrace.errors import TraceReadError, UsageError
from braggtrace_tui.commands import main as command
from braggtrace_tui.commands.main import VERBS, main
from tests.conftest import Cli


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A verb `probe` that returns 0; a test gives it another `run`, and finds its imports in `imported`."""
    module = SimpleNamespace(
        add_arguments=lambda parser: parser.add_argument("files", nargs="*"), run=lambda args: 0, imported=[]
    )

    def import_module(name: str) -> SimpleNamespace:
        module.imported.append(name.rpartition(".")[2])
        return module

    monkeypatch.setitem(VERBS, "probe", "a verb for tests")
    monkeypatch.setattr(command, "import_module", import_module)
    return module


def failing(error: BaseException) -> object:
    """A `run` that raises."""

    def run(args: argparse.Namespace) -> int:
        raise error

    return run


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """Help names all verbs with their summaries, on stdout."""
    assert main(["--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for name, summary in VERBS.items():
        assert name in out
        assert summary in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version says what is installed."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"braggtrace {braggtrace.__version__}\n"


@pytest.mark.parametrize("name", VERBS)
def test_help_of_a_verb_has_an_example(name: str, cli: Cli) -> None:
    """`braggtrace VERB --help` shows how the verb is used."""
    result = cli(name, "--help")
    assert result.returncode == 0
    assert "example" in result.stdout.lower()
    assert f"braggtrace {name}" in result.stdout


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_module_keeps_the_protocol(name: str) -> None:
    """A verb module offers `add_arguments` and `run`."""
    module = importlib.import_module(f"braggtrace_tui.commands.{name}")
    assert callable(module.add_arguments)
    assert callable(module.run)


@pytest.mark.parametrize(
    ("argv", "module"),
    [([], "start"), (["probe", "c.log"], "probe"), (["c.log", "torch.log"], "open"), (["-", "c.log"], "open")],
    ids=["nothing", "verb", "two paths", "stdin"],
)
def test_where_arguments_lead(argv: list[str], module: str, verb: SimpleNamespace) -> None:
    """No argument starts, a verb is run, anything else is opened; only that module is imported."""
    assert main(argv) == 0
    assert verb.imported == [module]


def test_exit_status_of_the_verb_is_kept(verb: SimpleNamespace) -> None:
    """What a verb returns is what the shell sees."""
    verb.run = lambda args: 3
    assert main(["probe"]) == 3


def test_a_misspelt_verb_is_not_opened_as_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A typo gets a proposal."""
    assert main(["dif", "a", "b"]) == 2
    assert "did you mean 'braggtrace diff'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UsageError("no"), 2, "braggtrace: error: no\n"),
        (TraceReadError("no trace", path="c.log", line=41), 2, "braggtrace: error: c.log:41: no trace\n"),
        (FileNotFoundError(2, "No such file", "c.log"), 2, "braggtrace: error: c.log: No such file\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
    ],
    ids=["usage", "input", "system", "ctrl-c", "pipe"],
)
def test_trouble_is_told_without_a_traceback(
    error: BaseException, status: int, message: str, verb: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a user can cause ends in one line on stderr and a status of its own."""
    verb.run = failing(error)
    assert main(["probe"]) == status
    assert capsys.readouterr() == ("", message)


def test_a_bug_does_not_look_like_a_difference(verb: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    """A crash exits with 2, not with Python's 1, and shows the traceback that a report needs."""
    verb.run = failing(ZeroDivisionError("division by zero"))
    assert main(["probe"]) == 2
    err = capsys.readouterr().err
    assert "this is a bug in braggtrace" in err
    assert "Traceback" in err


def test_messages_do_not_drive_the_terminal(verb: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    """An escape sequence in a file's name or text is shown, not sent."""
    verb.run = failing(TraceReadError("bad \x1b]52;c;x\x07 line", path="\x1b[2Jc.log"))
    assert main(["probe"]) == 2
    verb.run = failing(ValueError("\x1b[2J"))
    assert main(["probe"]) == 2
    with pytest.raises(SystemExit):
        main(["probe", "--\x1b[2J"])
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "\x07" not in err
    assert err.count("␛") >= 4


def test_wrong_usage_exits_with_2(verb: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    """Argparse says what is wrong; abbreviated options are not guessed."""
    verb.add_arguments = lambda parser: parser.add_argument("--force", action="store_true")
    with pytest.raises(SystemExit) as trouble:
        main(["probe", "--forc"])
    assert trouble.value.code == 2
    assert "unrecognized arguments: --forc" in capsys.readouterr().err


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """An environment where a write fails at once, and one where it fails at the flush."""
    return os.environ | {"PYTHONUNBUFFERED": request.param}


def test_closed_pipe_is_quiet(environment: dict[str, str], cli: Cli) -> None:
    """`braggtrace --help | head -0` leaves nothing on stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        result = cli("--help", env=environment, stdout=stdout)
    assert (result.returncode, result.stderr) == (141, "")


def test_full_disk_is_trouble(environment: dict[str, str], cli: Cli) -> None:
    """A report that could not be written is not a success."""
    with Path("/dev/full").open("wb") as stdout:
        result = cli("--help", env=environment, stdout=stdout)
    assert result.returncode == 2
    assert result.stderr == "braggtrace: error: No space left on device\n"


def test_a_terminal_without_utf8_is_no_trouble(cli: Cli) -> None:
    """Signs that can't be encoded are escaped."""
    result = cli("--help", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (result.returncode, result.stderr) == (0, "")
    assert "\\u2026" in result.stdout
