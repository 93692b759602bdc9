"""A trace as the text of its two files: the main one, and the one for the inner loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from braggtrace import __version__
from braggtrace.runs.recorded import Recorded
from braggtrace.simulate.model import Model
from braggtrace.simulate.quirks import STALE_PHI_ZERO
from braggtrace.simulate.tracer import TraceLine, Tracer
from braggtrace.simulate.understand import BUILDS, Meaning

__all__ = ["recorded_run", "trace_pieces"]


def recorded_run(
    words: Sequence[str], meaning: Meaning, model: Model, *, folder: str, dtype: str, device: str
) -> Recorded:
    """What a trace says about what made it.

    Args:
        words: the flags, without `@file`.
        meaning: which program they are meant for.
        model: the experiment.
        folder: where relative paths in the flags start.
        dtype: the precision, by name.
        device: where it is computed, by name.
    """
    more = {"braggtrace": __version__}
    if meaning.build != BUILDS[0]:
        more["build"] = meaning.build
    if meaning.c_threads != 1:
        more["c_threads"] = str(meaning.c_threads)
    if meaning.mtz_column is not None:
        more["mtz_column"] = meaning.mtz_column
    switched = (switch.partition("=") for switch in meaning.switches)
    return Recorded(
        flags=tuple(words),
        folder=folder,
        profile=meaning.profile,
        phi_mode="c-parity" if STALE_PHI_ZERO in model.quirks else "spec",
        quirks={name: state == "on" for name, _, state in switched},
        dtype=dtype,
        device=device,
        more=more,
    )


def trace_pieces(
    tracer: Tracer, pixels: Iterable[tuple[int, int]], head: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """The text of both files, piece by piece: first what belongs to the whole run, then pixel by pixel.

    Args:
        tracer: computes it.
        pixels: (slow, fast) of each.
        head: comment lines for the top of both files.

    Raises:
        UsageError: there is no such pixel.
    """
    comments = "".join(f"{line}\n" for line in head)
    main, _ = _sorted(tracer.run_lines(), tracer.tag)
    yield comments + main, comments
    for slow, fast in pixels:
        yield _sorted(tracer.pixel_lines(slow, fast), tracer.tag)


def _sorted(lines: Iterable[TraceLine], tag: str) -> tuple[str, str]:
    """Lines by file; which pixel they are about stands in both."""
    pixel = f"{tag}: pixel "
    main, inner = [], []
    for line in lines:
        if line.inner or line.text.startswith(pixel):
            inner.append(f"{line.text}\n")
        if not line.inner:
            main.append(f"{line.text}\n")
    return "".join(main), "".join(inner)
