"""A run under way, and the line that says how far it is. Pure, but for the clock that callers pass in."""

from __future__ import annotations

from dataclasses import dataclass

from braggtrace_tui.headline import progress_bar
from braggtrace_tui.pieces import Line, Role, clip, safe

__all__ = ["Progress", "eta_words", "progress_line", "rate_words", "seconds_words"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        what: which pixels, and how, in words.
        started: when it was launched, on a monotonic clock [s].
        fraction: what is done, 0 to 1; negative while nothing is known yet.
        rate: units a second, 0 if unknown.
        unit: what is counted.
        waiting: why it has not begun, "" once it has.
        cancelling: the user has asked for its end.
    """

    what: str
    started: float
    fraction: float = -1.0
    rate: float = 0.0
    unit: str = "pixels"
    waiting: str = ""
    cancelling: bool = False

    def seconds_left(self, now: float) -> float | None:
        """An estimate [s], None while there is none."""
        if not 0.01 <= self.fraction < 1:
            return None
        return (now - self.started) * (1 - self.fraction) / self.fraction


def seconds_words(seconds: float) -> str:
    """A duration: 37 ms, 1.4 s, 2 min 05 s."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {rest:02d} s"


def eta_words(seconds: float | None) -> str:
    """What is left, coarsely, so that it does not flicker: 3 s, 1 min 20 s."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{max(1, round(seconds))} s left"
    step = 10 if seconds < 600 else 60
    return f"{seconds_words(round(seconds / step) * step)} left"


def rate_words(rate: float, unit: str) -> str:
    """A speed in two digits: 12 pixels/s, 1.2 M pixels/s."""
    if rate <= 0:
        return ""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if rate >= size:
            return f"{rate / size:.2g}{letter} {unit}/s" if rate < 100 * size else f"{rate / size:.0f}{letter} {unit}/s"
    return f"{rate:.2g} {unit}/s" if rate < 100 else f"{rate:.0f} {unit}/s"


def progress_line(progress: Progress, now: float, width: int) -> Line:
    """One line: what runs, a bar, the speed, what is left, and how to end it."""
    if progress.cancelling:
        return ((" ▸ ", Role.KEY), ("cancelling ", Role.STRONG), (clip(safe(progress.what), width - 15), Role.TEXT))
    end = "Esc cancels "
    if progress.waiting or progress.fraction < 0:
        state = safe(progress.waiting or "starting")
    else:
        sending = "sending input files" if progress.unit == "bytes" else ""
        words = [sending, rate_words(progress.rate, progress.unit), eta_words(progress.seconds_left(now))]
        state = "  ".join([progress_bar(progress.fraction), *filter(None, words)])
    room = width - len(state) - len(end) - 7
    what = clip(safe(progress.what), max(0, room))
    gap = " " * max(1, width - 3 - len(what) - 2 - len(state) - len(end) - 1)
    return (
        (" ▸ ", Role.KEY),
        (what, Role.TEXT),
        ("  ", Role.TEXT),
        (state, Role.KEY),
        (gap, Role.TEXT),
        (end, Role.DIM),
    )
