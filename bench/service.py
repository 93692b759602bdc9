"""How fast the engine process answers: start, warm traces, cancel, a whole image on its way.

Needs the measured inputs beside the checkout (`../shared/golden`). Run it as `python bench/service.py`.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from braggtrace.errors import EngineError
from braggtrace.service.client import Engine, Event
from braggtrace.service.protocol import image_of

GOLDEN = Path(os.environ.get("BRAGGTRACE_SHARED", Path(__file__).parent.parent.parent / "shared")) / "golden"
CASE = "beamline-roi-legacy"
PIXEL = [1639, 966]
REPEATS = 30
STUBBORN = (
    "-cell 70 80 90 90 90 90 -default_F 100 -N 5 -lambda 1 -distance 100 -detpixels 2000 "
    "-mosaic 1 -mosaic_domains 500 -phisteps 9 -osc 1 -phi 0 -oversample 1"
)


def case() -> dict[str, Any]:
    """The fields of a real experiment: 10 phi steps, 2527 x 2463 pixels, a table of reflections."""
    flags = json.loads((GOLDEN / CASE / "case.json").read_text())["flags"]
    return {"flags": flags, "folder": str(GOLDEN), "quirks": {"cache-reuse": False}}


def report(what: str, seconds: list[float], limit: str = "") -> None:
    """Print the median with its spread."""
    print(
        f"{what:<58} {1000 * statistics.median(seconds):9.1f} ms   "
        f"({1000 * min(seconds):.1f} to {1000 * max(seconds):.1f}) {limit}",
        flush=True,
    )


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bench_start() -> None:
    """From nothing to ready, and to the first trace."""
    ready, first = [], []
    for _ in range(5):
        with Engine() as engine:
            start = time.perf_counter()
            engine.call("hello", {})
            ready.append(time.perf_counter() - start)
            engine.call("trace", {**case(), "pixels": [PIXEL]})
            first.append(time.perf_counter() - start)
    report("cold start: ready", ready)
    report("cold start: one pixel traced", first)


def bench_traces(engine: Engine) -> None:
    """One pixel again and again: as it is, with another phi mode, with a flag changed."""
    fields = {**case(), "pixels": [PIXEL]}
    engine.call("trace", fields)
    inside: list[float] = []

    def again() -> None:
        timing = engine.call("trace", fields)["timing"]
        inside.append(timing["setup_s"] + timing["run_s"])

    outside = [timed(again) for _ in range(REPEATS)]
    report("warm rerun of one pixel, in the engine", inside, "< 50 ms")
    report("warm rerun of one pixel, round trip of the client", outside)
    modes = ("spec", "c-parity")
    switched = [timed(lambda m=mode: engine.call("trace", {**fields, "phi_mode": m})) for mode in modes * 10]  # type: ignore[misc]
    report("… with the other phi mode, both known", switched)
    changed = []
    for number in range(REPEATS):
        flags = [*fields["flags"], "-lambda", f"0.97{number:02d}"]
        changed.append(timed(lambda f=flags: engine.call("trace", {**fields, "flags": f})))  # type: ignore[misc]
    report("… with a flag that was never seen, table kept", changed)
    experiment = case()
    report("explain", [timed(lambda: engine.call("explain", experiment)) for _ in range(REPEATS)])
    roi = {**case(), "rois": [[1639, 1640, 964, 966]]}
    report("six pixels of 10 phi steps", [timed(lambda: engine.call("trace", roi)) for _ in range(REPEATS)])


def bench_image(engine: Engine) -> None:
    """The whole detector: computed, sent, unpacked."""
    flags = case()["flags"]
    at = flags.index("-roi")
    fields = {**case(), "flags": flags[:at] + flags[at + 5 :]}
    engine.call("simulate", {**fields, "compile": "auto"})
    start = time.perf_counter()
    result = engine.call("simulate", fields)
    total = time.perf_counter() - start
    computed = result["timing"]["run_s"]
    report("image of 2527 x 2463 pixels, computed", [computed])
    report(f"… packed, sent ({len(result['image']) / 1e6:.0f} MB) and received", [total - computed])
    report("… unpacked", [timed(lambda: image_of(result)) for _ in range(3)])


def bench_cancel(engine: Engine) -> None:
    """A cancel between two steps, and one in the middle of a kernel."""
    gentle = {**case(), "compile": "off"}
    at = gentle["flags"].index("-roi")
    gentle["flags"] = gentle["flags"][:at] + gentle["flags"][at + 5 :]
    stubborn = {"flags": STUBBORN.split()}
    for what, fields in (("cancel between steps", gentle), ("cancel in the middle of a kernel", stubborn)):
        report(what, [cancelled(engine, fields) for _ in range(3)], "< 200 ms")
    with Engine() as doomed:
        doomed.call("hello", {})
        doomed.request("simulate", stubborn, lambda _event: None)
        time.sleep(0.5)
        report("close during a run", [timed(doomed.close)], "< 1000 ms")


def cancelled(engine: Engine, fields: dict[str, Any]) -> float:
    """Seconds from the cancel to the end."""
    engine.call("hello", {})
    events: list[Event] = []
    ticket = engine.request("simulate", fields, events.append)
    time.sleep(0.7)
    start = time.perf_counter()
    ticket.cancel()
    with suppress(EngineError):
        ticket.wait()
    return time.perf_counter() - start


def main() -> None:
    """Print a table."""
    bench_start()
    with Engine() as engine:
        bench_traces(engine)
        bench_image(engine)
        bench_cancel(engine)


if __name__ == "__main__":
    main()
