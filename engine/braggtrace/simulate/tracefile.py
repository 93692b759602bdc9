"""A trace as the text of its two files: the main one, and the one for the inner loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from braggtrace.simulate.tracer import TraceLine, Tracer

__all__ = ["trace_pieces"]


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
