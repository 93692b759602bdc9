"""The engine: reads requests, answers what needs no computing, and drives a worker for the rest; without torch.

Everything happens in one loop over file descriptors, so that a cancel is read whatever the worker is doing. A worker
that doesn't stop in time is killed and started again.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

from braggtrace.errors import BraggtraceError, EngineError
from braggtrace.service.cache import FileCache
from braggtrace.service.child import WORKER_COMMAND, Child
from braggtrace.service.protocol import (
    MAX_LINE,
    Code,
    Lines,
    Refused,
    Request,
    decode_base64,
    encode,
    parse_request,
    trouble,
)
from braggtrace.service.verbs import Lane, check

__all__ = ["Server", "serve"]

_READ = 1 << 18
_CANCEL_S = 0.1
_STARTS = 3
_LOG_BYTES = 64 << 10
_PATIENT = frozenset({"replay"})
"""What screens ask for by themselves: it gives way to what a person has asked for."""


@dataclass(slots=True)
class _Job:
    """A request that the worker answers.

    Attributes:
        request: as it came.
        lane: quick or main.
        kill_at: when the worker is killed if it has not stopped, on the monotonic clock; None if nobody asked it to.
        logged: bytes of printed text passed on so far.
        yields: it was asked to end so that another can begin, and is begun again after that.
        parted: pieces of its result have been passed on, so that it can't begin again.
    """

    request: Request
    lane: Lane
    kill_at: float | None = None
    logged: int = 0
    yields: bool = False
    parted: bool = False

    @property
    def patient(self) -> bool:
        """Nobody sits and waits for it."""
        return self.request.do in _PATIENT


class Server:
    """The engine.

    Args:
        source: file descriptor of the requests.
        write: takes replies, line by line; must not block.
        cache: input files that were sent.
        worker: the program that computes.
    """

    def __init__(
        self,
        source: int,
        write: Callable[[bytes], None],
        cache: FileCache,
        worker: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        self._source, self._write, self._cache, self._command = source, write, cache, worker
        self._selector = selectors.DefaultSelector()
        self._lines = Lines()
        self._waiting: deque[_Job] = deque()
        self._working: dict[str, _Job] = {}
        self._hellos: list[str] = []
        self._hello: dict[str, Any] | None = None
        self._child: Child | None = None
        self._ready = False
        self._starts_left = _STARTS
        self._files = ThreadPoolExecutor(1, thread_name_prefix="files")
        self._stop, self._stopper = os.pipe()

    def run(self) -> None:
        """Serve until the requests end."""
        self._selector.register(self._source, selectors.EVENT_READ, self._read_requests)
        self._selector.register(self._stop, selectors.EVENT_READ, lambda: False)
        try:
            self._start_worker("starting")
            while True:
                for key, _ in self._selector.select(self._patience()):
                    # A worker that is replaced meanwhile may leave its number to the next one.
                    if self._selector.get_map().get(key.fd) is key and not key.data():
                        return
                self._kill_the_stubborn()
        finally:
            if self._child is not None:
                self._child.kill()
            self._files.shutdown(wait=True, cancel_futures=True)  # at most one piece of a file
            self._cache.close()
            self._selector.close()

    def stop(self) -> None:
        """End it, from any thread."""
        os.write(self._stopper, b"x")

    # Requests.

    def _read_requests(self) -> bool:
        """Take what has come; False at the end."""
        data = os.read(self._source, _READ)
        for line in self._lines.feed(data):
            try:
                if line is None:
                    raise Refused(Code.TOO_BIG, f"a request has at most {MAX_LINE} bytes")
                if line.strip():
                    self._take(parse_request(line))
            except Refused as refused:
                self._error(refused.id, refused.code, refused.sentence)
        return bool(data)

    def _take(self, request: Request) -> None:
        verb, fields = check(request)
        if request.id in self._hellos or self._find(request.id) is not None:
            raise Refused(Code.PROTOCOL, f"there is a request {request.id[:40]!r} already, which has not ended")
        if verb.lane is not Lane.OWN:
            if "files" in fields and fields["files"] is not None:
                self._cache.keep(fields["files"].values())
            self._waiting.append(_Job(request, verb.lane))
            self._start_again()
            self._dispatch()
        elif request.do == "hello":
            self._hellos.append(request.id)
            self._start_again()
            self._greet()
        elif request.do == "cancel":
            self._cancel(request, fields["target"])
        else:
            self._files.submit(self._about_files, request, fields)

    def _find(self, id_: str) -> _Job | None:
        return self._working.get(id_) or next((job for job in self._waiting if job.request.id == id_), None)

    def _greet(self) -> None:
        """Answer those who said hello, once there is a worker to tell about."""
        if self._ready and self._hello is not None:
            for id_ in self._hellos:
                self._reply(id_, "result", {**self._hello, "pid": os.getpid()})
            self._hellos.clear()

    def _cancel(self, request: Request, target: str) -> None:
        job = self._find(target)
        self._reply(request.id, "result", {"found": job is not None})
        if job is None:
            return
        if target not in self._working:
            self._waiting.remove(job)
            self._error(target, Code.CANCELLED, f"{job.request.do}: cancelled before it began")
        elif job.lane is Lane.QUICK:  # its answer, when it comes, is of no use
            del self._working[target]
            self._error(target, Code.CANCELLED, f"{job.request.do}: cancelled")
        elif job.kill_at is None and self._child is not None:
            job.kill_at = time.monotonic() + _CANCEL_S
            self._child.send(encode({"v": 1, "id": request.id, "do": "cancel", "target": target}))

    def _about_files(self, request: Request, fields: dict[str, Any]) -> None:
        """Answer `have` and `put`, on a thread of their own: the contents of big files are checked."""
        try:
            if request.do == "have":
                self._reply(request.id, "result", {"missing": self._cache.missing(fields["hashes"])})
                return
            data = decode_base64(fields["data"])
            complete = self._cache.put(fields["hash"], fields["offset"], fields["total"], data)
            self._reply(request.id, "result", {"received": fields["offset"] + len(data), "complete": complete})
        except EngineError as error:
            self._error(request.id, error.code, error.sentence)
        except BraggtraceError as error:
            self._error(request.id, Code.INPUT, str(error))
        except ValueError as error:
            self._error(request.id, Code.USAGE, f"{request.do}: no base64: {error}")
        except Exception as error:  # noqa: BLE001 - whoever asked must not wait for ever
            self._error(request.id, Code.INTERNAL, f"{request.do}: this is a bug in braggtrace: {error!r}")

    # The worker.

    def _start_worker(self, state: str, why: str = "") -> None:
        self._ready = False
        self._starts_left -= 1
        self._say(state, f"{why}; starting again" if why else "loading PyTorch")
        try:
            self._child = child = Child(self._cache.folder, self._command)
        except OSError as error:
            self._give_up(f"can't start a worker: {error.strerror or error}")
            return
        self._selector.register(child.replies, selectors.EVENT_READ, self._read_replies)
        self._selector.register(child.prints, selectors.EVENT_READ, self._read_printed)

    def _start_again(self) -> None:
        """Try once more after we had given up, because somebody asks."""
        if self._child is None:
            self._starts_left = 1
            self._start_worker("restarting")

    def _dispatch(self) -> None:
        """Give the worker what it can take: anything quick, and one of the others at a time, the patient ones last."""
        if not self._ready or self._child is None:
            return
        running = next((job for job in self._working.values() if job.lane is Lane.MAIN), None)
        busy = running is not None
        for job in sorted(self._waiting, key=lambda job: job.patient):
            if job.lane is Lane.MAIN and busy:
                if running is not None and running.patient and not job.patient:
                    self._ask_to_yield(running)
                continue
            busy = busy or job.lane is Lane.MAIN
            self._waiting.remove(job)
            self._working[job.request.id] = job
            self._child.send(job.request.line + b"\n")

    def _ask_to_yield(self, job: _Job) -> None:
        """Interrupt it between two of its steps; it is not killed if it does not react."""
        if self._child is not None and not (job.yields or job.parted or job.kill_at is not None):
            job.yields = True
            self._child.send(encode({"v": 1, "id": job.request.id, "do": "cancel", "target": job.request.id}))

    def _read_replies(self) -> bool:
        child = self._child
        assert child is not None  # it is registered
        lines = child.take_replies()
        if lines is None:
            self._worker_ended(child.kill())
            return True
        for line in lines:
            self._pass_on(line)
        return True

    def _pass_on(self, line: bytes | None) -> None:
        if line is None:
            raise RuntimeError("the worker sent a line without end")  # a bug of ours
        message = orjson.loads(line)
        if message["event"] == "ready":
            self._hello, self._ready, self._starts_left = message["hello"], True, _STARTS
            self._say("ready", "ready")
            self._greet()
            self._dispatch()
            return
        job = self._working.get(message["id"])
        if job is None:
            return  # cancelled meanwhile
        if message["event"] in ("result", "error"):
            with contextlib.suppress(OSError, ValueError):
                self._read_what_was_printed(job)
            del self._working[message["id"]]
            cancelled = message["event"] == "error" and message["code"] == Code.CANCELLED
            if cancelled and job.yields and job.kill_at is None and not job.parted:
                self._waiting.append(_Job(job.request, job.lane))
                self._dispatch()
                return
        job.parted = job.parted or message["event"] == "part"
        self._write(line + b"\n")
        self._dispatch()

    def _read_printed(self) -> bool:
        child = self._child
        assert child is not None  # it is registered
        lines = child.take_printed()
        if lines is None:
            self._selector.unregister(child.prints)
            return True
        job = next((job for job in self._working.values() if job.lane is Lane.MAIN), None)
        if job is not None and job.logged < _LOG_BYTES:
            text = "".join(f"{line}\n" for line in lines)[: _LOG_BYTES - job.logged]
            job.logged += len(text)
            rest = "… what was printed after this is left out\n" if job.logged >= _LOG_BYTES else ""
            self._reply(job.request.id, "log", {"text": text + rest})
        return True

    def _read_what_was_printed(self, job: _Job) -> None:
        """What was printed before the end of a request belongs to it."""
        child = self._child
        if job.lane is Lane.MAIN and child is not None and select.select([child.prints], [], [], 0)[0]:
            self._read_printed()

    def _kill_the_stubborn(self) -> None:
        now = time.monotonic()
        late = [job for job in self._working.values() if job.kill_at is not None and job.kill_at <= now]
        if late and self._child is not None:
            self._child.stop()
            for job in late:  # told before the system has taken gigabytes of memory back
                del self._working[job.request.id]
                self._error(job.request.id, Code.CANCELLED, f"{job.request.do}: cancelled")
            self._child.kill()
            self._worker_ended("")

    def _patience(self) -> float | None:
        ends = [job.kill_at for job in self._working.values() if job.kill_at is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _worker_ended(self, how: str) -> None:
        """The worker is gone: tell who waited for it, and start another. Without `how` it is not to blame."""
        child, self._child = self._child, None
        assert child is not None  # it has just ended
        for key in list(self._selector.get_map().values()):
            if key.fd not in (self._source, self._stop):
                self._selector.unregister(key.fd)
        printed = "\n".join(child.printed)
        jobs, self._working = list(self._working.values()), {}
        if not how:  # those beside it are not to blame
            self._waiting.extendleft(reversed(jobs))
            self._start_worker("restarting", "the worker was stopped")
            return
        for job in jobs:
            hint = ", perhaps for lack of memory" if "SIGKILL" in how else ""
            self._error(job.request.id, Code.DIED, f"{job.request.do}: the worker died: {how}{hint}", printed)
        if self._starts_left > 0:
            self._start_worker("restarting", f"the worker died: {how}")
        else:
            last = f": {child.printed[-1]}" if child.printed else ""
            self._give_up(f"the worker can't be started: {how}{last}", printed)

    def _give_up(self, sentence: str, printed: str = "") -> None:
        for job in self._waiting:
            self._error(job.request.id, Code.DIED, f"{job.request.do}: {sentence}", printed)
        for id_ in self._hellos:
            self._error(id_, Code.DIED, sentence, printed)
        self._waiting.clear()
        self._hellos.clear()
        self._say("failed", sentence)

    # Replies.

    def _reply(self, id_: str | None, event: str, fields: dict[str, Any]) -> None:
        self._write(encode({"id": id_, "event": event, **fields}))

    def _error(self, id_: str | None, code: str, sentence: str, detail: str = "") -> None:
        self._reply(id_, "error", trouble(code, sentence, detail))

    def _say(self, state: str, sentence: str) -> None:
        self._write(encode({"event": "state", "state": state, "sentence": sentence}))


def serve(cache: FileCache) -> int:
    """Be the engine on stdin and stdout; the exit status."""
    # Nothing but replies may reach the real stdout.
    out = os.dup(1)
    os.dup2(2, 1)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    server = Server(0, lines.put, cache)

    def write() -> None:
        """Write on a thread, so that a client that reads slowly can still cancel."""
        try:
            while True:
                view = memoryview(lines.get())
                while view:
                    view = view[os.write(out, view) :]
        except OSError:  # nobody listens
            server.stop()

    threading.Thread(target=write, name="replies", daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0
