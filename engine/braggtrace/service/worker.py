"""The process that holds torch: answers one request after the other, quick ones beside them.

It is started by the engine, ends with it, and may be killed at any time. Requests come on stdin. Replies leave on what
was stdout at the start; whatever a library prints goes to stderr from then on, which the engine reads too.
"""

from __future__ import annotations

import base64
import ctypes
import os
import platform
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from braggtrace import __version__
from braggtrace.errors import BraggtraceError, EngineError, InputError, OutputError
from braggtrace.service.cache import FileCache
from braggtrace.service.protocol import PIECE, RETIRED, VERSION, Code, Request, encode, parse_request, trouble
from braggtrace.service.verbs import VERBS, Lane, check

__all__ = ["Worker", "main"]

_PROGRESS_S = 0.1
_WAKE = signal.SIGUSR1
_PARENT_DIES = 1  # PR_SET_PDEATHSIG


class _Cancelled(BaseException):
    """Somebody asked for an end; not an Exception, so that nothing on the way mistakes it for its own trouble."""


class _Task:
    """One request at work; what `braggtrace.service.verbs.Task` promises."""

    def __init__(self, request: Request, fields: Mapping[str, Any], warm: Any, write: Callable[[bytes], None]) -> None:
        self.id, self.do, self.fields, self.warm = request.id, request.do, fields, warm
        self._write = write
        self._start = self._last = time.monotonic()

    def reply(self, event: str, fields: Mapping[str, Any]) -> None:
        """Send something about this request."""
        self._write(encode({"id": self.id, "event": event, **fields}))

    def progress(self, done: float, total: float, unit: str) -> None:
        """Say how far it is, a few times a second."""
        now = time.monotonic()
        if now - self._last < _PROGRESS_S:
            return
        self._last = now
        known = {"fraction": done / total if total else 1.0, "rate": done / (now - self._start)}
        self.reply("progress", {**known, "unit": unit, "done": done, "total": total})

    def part(self, name: str, value: str | bytes) -> None:
        """Send a piece of the result."""
        for start in range(0, len(value), PIECE):
            piece = value[start : start + PIECE]
            data = {"text": piece} if isinstance(piece, str) else {"data": base64.b64encode(piece).decode()}
            self.reply("part", {"field": name, **data})


class Worker:
    """Answers requests.

    Args:
        write: takes replies, line by line.
        cache: the folder of input files that were sent.
    """

    def __init__(self, write: Callable[[bytes], None], cache: Path) -> None:
        self._write_now, self._cache = write, cache
        self._lock = threading.Lock()
        self._queues: dict[Lane, queue.SimpleQueue[Request]] = {
            lane: queue.SimpleQueue() for lane in (Lane.QUICK, Lane.MAIN)
        }
        self._warm: Any = None
        self._why_cold = ""
        self._main_id: str | None = None
        self._asked_to_end: str | None = None
        self._shielded = False

    def run(self) -> None:
        """Answer until the process ends. Call it in the main thread, which is the one that can be interrupted."""
        signal.signal(_WAKE, self._woken)
        hello = self._warm_up()
        threading.Thread(target=self._answer_quick, name="quick", daemon=True).start()
        self._write(encode({"event": "ready", "hello": hello}))
        if self._warm is not None:  # what the first one who asks why would have to wait for
            threading.Thread(
                target=import_module, args=("braggtrace.service.replay",), name="preparing", daemon=True
            ).start()
        while True:
            self._answer_main(self._queues[Lane.MAIN].get())

    def take(self, line: bytes) -> None:
        """Take a request, on any thread."""
        request = parse_request(line)
        if request.do == "cancel":
            self._cancel(str(request.fields["target"]))
        else:
            self._queues[VERBS[request.do].lane].put(request)

    def _warm_up(self) -> dict[str, Any]:
        """Load PyTorch, and say what there is."""
        try:
            from braggtrace.service.compute import machine
            from braggtrace.service.warm import Warm

            self._warm = Warm(FileCache(self._cache))
            known = machine()
        except ImportError as error:
            if (error.name or "").partition(".")[0] != "torch":
                raise
            self._why_cold = "PyTorch is not installed there; pip install 'braggtrace[torch]'"
            devices = [{"name": name, "available": False, "why": self._why_cold} for name in ("cpu", "cuda")]
            known = {"torch": None, "devices": devices, "dtypes": [], "profiles": [], "quirks": [], "phi_modes": []}
        return {
            "braggtrace": __version__,
            "protocol": VERSION,
            "python": platform.python_version(),
            "host": platform.node(),
            "worker_pid": os.getpid(),
            **known,
        }

    def _write(self, line: bytes) -> None:
        interruptible = threading.current_thread() is threading.main_thread()
        self._shielded = self._shielded or interruptible  # half a line would be the end of the protocol
        with self._lock:
            self._write_now(line)
        if interruptible:
            self._shielded = False
            self._end_if_asked()

    def _answer_quick(self) -> None:
        while True:
            task, event, fields = self._answered(self._queues[Lane.QUICK].get())
            task.reply(event, fields)

    def _answer_main(self, request: Request) -> None:
        # An interruption may come at any line up to the one that takes the name away; after that it is ignored.
        retires = False
        try:
            self._main_id = request.id
            self._end_if_asked()
            task, event, fields = self._answered(request)
            self._main_id = None
        except _Cancelled as error:
            self._main_id = None
            retires = _is_in_the_middle(error.__traceback__)
            task = _Task(request, {}, None, self._write)
            event, fields = "error", trouble(Code.CANCELLED, f"{request.do}: cancelled")
        task.reply(event, fields)
        if retires:
            os._exit(RETIRED)

    def _cancel(self, target: str) -> None:
        self._asked_to_end = target
        signal.pthread_kill(threading.main_thread().ident or 0, _WAKE)

    def _woken(self, _signal: int, _frame: FrameType | None) -> None:
        self._end_if_asked()

    def _end_if_asked(self) -> None:
        if self._main_id is not None and self._asked_to_end == self._main_id and not self._shielded:
            self._asked_to_end = None
            raise _Cancelled

    def _answered(self, request: Request) -> tuple[_Task, str, Mapping[str, Any]]:
        """The answer to a request; whatever goes wrong is an answer, too."""
        _, fields = check(request)
        task = _Task(request, fields, self._warm, self._write)
        try:
            if self._warm is None:
                raise EngineError(Code.DEVICE, self._why_cold)
            return task, "result", _function(request.do)(task)
        except EngineError as error:
            return task, "error", trouble(error.code, error.sentence, error.detail)
        except (InputError, OutputError) as error:
            return task, "error", trouble(Code.INPUT, str(error))
        except BraggtraceError as error:
            return task, "error", trouble(Code.USAGE, str(error))
        except Exception as error:  # noqa: BLE001 - one bad request must not end the process
            if _is_out_of_memory(error):
                return task, "error", trouble(Code.TOO_BIG, f"{request.do}: not enough memory: {error}")
            sentence = f"{request.do}: this is a bug in braggtrace {__version__}: {type(error).__name__}: {error}"
            return task, "error", trouble(Code.INTERNAL, sentence, traceback.format_exc())


def _function(verb: str) -> Callable[[_Task], dict[str, Any]]:
    module, _, name = VERBS[verb].answers.partition(":")
    function: Callable[[_Task], dict[str, Any]] = getattr(import_module(module), name)
    return function


def _is_in_the_middle(trace: TracebackType | None) -> bool:
    """Whether an interruption hit something that can't be done a second time: an import, the compiler of torch."""
    unsafe = ("importlib", "/_inductor/", "/_dynamo/", "/torch/export/", "/torch/_export/", "/torch/fx/")
    return any(any(word in frame.filename for word in unsafe) for frame in traceback.extract_tb(trace))


def _is_out_of_memory(error: Exception) -> bool:
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def _die_with_parent(parent: int) -> None:
    """Linux kills us when the engine is gone; elsewhere the end of stdin has to do."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before that
            os._exit(0)


def _take_over_streams() -> tuple[int, int]:
    """Keep stdin and stdout for ourselves: libraries read nothing, and what they print goes to stderr."""
    source, out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return source, out


def main() -> None:
    """Be a worker."""
    source, out = _take_over_streams()
    _die_with_parent(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who talk to a person

    def write(line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[os.write(out, view) :]

    worker = Worker(write, Path(sys.argv[2]))

    def listen() -> None:
        with os.fdopen(source, "rb") as requests:
            for line in requests:
                worker.take(line)
        os.killpg(0, signal.SIGKILL)  # nobody is left to work for, nor for what we have started

    threading.Thread(target=listen, name="requests", daemon=True).start()
    worker.run()


if __name__ == "__main__":
    main()
