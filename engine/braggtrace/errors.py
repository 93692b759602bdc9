"""The exceptions that a user can cause.

    BraggtraceError
    ├── UsageError              the command asks for something impossible
    ├── InputError              a file that we were given
    │   ├── TraceReadError      … is not a readable trace
    │   ├── ToleranceError      … or option holds a bad tolerance rule
    │   ├── MapFileError        … is not a usable map file
    │   └── TapFileError        … is not a usable tap file
    ├── CaptureError            a C program can't be traced
    ├── OutputError             a file that we were asked to write
    │   └── OutputExistsError   … is already there
    ├── BundleError             an evidence directory can't be used or made
    │   └── ProbeBlockedError   … because a step failed; what it left says which
    ├── CompileError            kernels can't be compiled here
    └── EngineError             the engine process can't do what it was asked

Every message reads `where: what; expected …, got …`, with the parts that are known:

    c.log:41: 'F_latt' has the wrong number of values; expected 1, got 2

The command line prints it as `braggtrace: error: …` and exits with status 2, without a traceback. Any other
exception is a bug of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

__all__ = [
    "BraggtraceError",
    "BundleError",
    "CaptureError",
    "CompileError",
    "EngineError",
    "InputError",
    "MapFileError",
    "OutputError",
    "OutputExistsError",
    "ProbeBlockedError",
    "TapFileError",
    "ToleranceError",
    "TraceReadError",
    "UsageError",
]


class BraggtraceError(Exception):
    """The base of every error that a user can cause.

    Attributes:
        what: what is wrong, in a few words.
        path: the file it is about, as the user named it.
        line: the line in that file, counted from 1.
        expected: what would have been right.
        got: what was there instead.
    """

    def __init__(
        self,
        what: str,
        *,
        path: str | PathLike[str] | None = None,
        line: int | None = None,
        expected: str = "",
        got: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.path = None if path is None else str(path)
        self.line = line
        self.expected = expected
        self.got = got

    @property
    def where(self) -> str:
        """`path:line`, `path`, or nothing."""
        if self.path is None:
            return ""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        facts = [f"{label} {fact}" for label, fact in (("expected", self.expected), ("got", self.got)) if fact]
        return f"{where}{self.what}" + (f"; {', '.join(facts)}" if facts else "")


class UsageError(BraggtraceError):
    """The command asks for something impossible."""


class InputError(BraggtraceError):
    """A file or option that we were given can't be used."""


class TraceReadError(InputError):
    """A file can't be read as a trace."""


class ToleranceError(InputError):
    """A tolerance rule can't be parsed, or matches nothing."""


class MapFileError(InputError):
    """A map file can't be used."""


class TapFileError(InputError):
    """A tap file can't be used."""


class CaptureError(BraggtraceError):
    """A C program can't be run, or can't be traced."""


class OutputError(BraggtraceError):
    """A file that we were asked to write can't be written."""


class OutputExistsError(OutputError):
    """A file that we were asked to write is already there, and `--force` was not given."""

    def __init__(self, path: str | PathLike[str], what: str = "already exists; use --force to replace it") -> None:
        super().__init__(what, path=path)
        self.args = (path, what)  # what pickle and copy call the class with again


class CompileError(BraggtraceError):
    """Compiled kernels were asked for, and can't be made here."""


class EngineError(BraggtraceError):
    """The engine process can't do what it was asked, or is gone.

    Attributes:
        code: which kind of trouble, as `docs/engine-protocol.md` lists them.
        sentence: what is wrong.
        detail: what else is known: the last words of a process, a traceback.
    """

    def __init__(self, code: str, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.code = str(code)
        self.sentence = sentence
        self.detail = detail
        self.args = (self.code, sentence, detail)  # what pickle and copy call the class with again


class BundleError(BraggtraceError):
    """An evidence directory can't be used, or can't be made."""


class ProbeBlockedError(BundleError):
    """A probe could not be completed.

    Attributes:
        step: what it was doing.
        remedy: what to do about it.
        kept: where what was captured is, None if there is nothing.
    """

    def __init__(self, step: str, what: str, remedy: str = "", kept: str | PathLike[str] | None = None) -> None:
        super().__init__(what)
        self.step = step
        self.remedy = remedy
        self.kept = None if kept is None else str(kept)
        self.args = (step, what, remedy, self.kept)  # what pickle and copy call the class with again

    def __str__(self) -> str:
        lines = [f"{self.step}: {self.what}"]
        lines += [f"to do: {self.remedy}"] if self.remedy else []
        lines += [f"kept: {self.kept}"] if self.kept else []
        return "\n".join(lines)
