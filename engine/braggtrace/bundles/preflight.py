"""What is looked at before any work is done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from braggtrace.bundles.environment import InputFile, Revision, git_revision
from braggtrace.bundles.ledger import check_ledger
from braggtrace.bundles.names import check_topic
from braggtrace.bundles.request import ProbeRequest
from braggtrace.bundles.source import TraceSource
from braggtrace.compare.tolerance import Measure, parse_rules
from braggtrace.errors import BraggtraceError, InputError, UsageError
from braggtrace.trace.reader import files_of

__all__ = ["check_arguments", "input_files", "preflight"]


def check_arguments(request: ProbeRequest) -> None:
    """What is wrong with the command itself, whatever the machine: nothing is made for such a one.

    Raises:
        UsageError: it asks for something impossible.
        InputError: a tolerance can't be read.
    """
    check_topic(request.topic)
    for first, last, left, right in request.boxes:
        if first > last or left > right:
            raise UsageError("an empty --roi", expected="S0 <= S1 and F0 <= F1", got=f"{first} {last} {left} {right}")
    if request.gates.reference and not request.reference and request.capture is None:
        raise UsageError("--c-parity-gate needs a reference", expected="--reference FILE")
    if request.capture is not None and request.reference:
        raise UsageError("the reference is either a trace or a C program", expected="--reference or --capture")
    if request.gates.baseline and not request.baseline:
        raise UsageError("--baseline-gate needs a baseline", expected="--baseline PATH")
    if request.dry_run and request.ledger is None:
        raise UsageError("--dry-run is about the ledger", expected="--ledger FILE")
    request.judging.options(())
    for rules in (request.gates.reference, request.gates.baseline):
        _check_rules(rules)


def _check_rules(rules: Sequence[str]) -> None:
    parse_rules(Measure.RTOL, rules, "gate")


def preflight(request: ProbeRequest, source: TraceSource) -> tuple[Revision, list[InputFile], list[str]]:
    """Whether all that the probe needs is there.

    Returns:
        The revision, the input files with what names each, and warnings.

    Raises:
        BraggtraceError: something is missing.
    """
    inputs = input_files(request, source)
    missing = [f"{each.given_by} {each.name}" for each in inputs if not _readable(each.path)]
    if missing:
        where = request.experiment.folder.absolute()
        raise InputError(f"can't read {', '.join(missing)}; relative paths of the flags start in {where}")
    if request.ledger is not None:
        check_ledger(request.ledger)
        if not os.access(Path(os.path.realpath(request.ledger)).parent, os.W_OK):
            raise InputError("the ledger's folder can't be written", path=request.ledger)
    if request.capture is not None:
        _check_program(request.capture.program)
    own = [request.root] if request.ledger is None else [request.root, request.ledger]
    revision = git_revision(request.experiment.folder, own)
    return revision, inputs, _judge_tree(revision, required=request.require_clean)


def input_files(request: ProbeRequest, source: TraceSource) -> list[InputFile]:
    """The files that the probe reads: those of the trace and those of the reference."""
    files = [file for path in request.reference for file in files_of(path) if file != "-"]
    return [*source.inputs(request), *(InputFile("reference", file, Path(file)) for file in files)]


def _readable(path: Path) -> bool:
    """Whether there is something to read, a file or a pipe."""
    return path.exists() and not path.is_dir() and os.access(path, os.R_OK)


def _check_program(program: str) -> None:
    if not program:
        raise InputError("no C program is named", expected="--bin PROGRAM or $NB_C_BIN")
    if shutil.which(program) is None:
        raise InputError(
            "no such program, or it can't be executed", path=program, expected="--bin PROGRAM or $NB_C_BIN"
        )


def _judge_tree(revision: Revision, *, required: bool) -> list[str]:
    if revision.clean:
        return []
    if required:
        raise BraggtraceError(f"--require-clean: {_untidy(revision)}", expected="a commit, and nothing besides")
    return [_untidy(revision)]


def _untidy(revision: Revision) -> str:
    if revision.commit is None:
        return f"no git revision is known: {revision.reason}"
    parts = [
        f"{len(names)} {word} {'file' if len(names) == 1 else 'files'}"
        for word, names in (("changed", revision.changed), ("untracked", revision.untracked))
        if names
    ]
    return f"the working tree is not clean: {', '.join(parts)}"
