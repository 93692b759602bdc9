"""From a recording to the text of a trace: run-level values, then a frame for each pixel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from braggtrace.capture.model import Missing
from braggtrace.capture.recording import PixelRecord, Recording, Row, Value, Values
from braggtrace.quantities import lookup
from braggtrace.runs.recorded import Recorded, comment_lines
from braggtrace.trace.text import visible

__all__ = ["comments", "inner_text", "main_text"]

_TAG = "TRACE_C"
_XYZ = ("_x", "_y", "_z")
_MATRIX = tuple(f"{row}{column}" for row in range(3) for column in range(3))
_SAMPLE_TICS = ("thick_tic", "subS", "subF", "source")
_PHI_TICS = ("phi_tic", "mos_tic", "source", "subS", "subF", "thick_tic")
_LAST = 10_000
_SAMPLE_KEYS = {
    "R_distance_meters": "R_distance_meters",
    "capture_fraction": "capture_fraction",
    "polar": "polar",
    "omega_pixel_sr": "omega_pixel",
    "scattering_vec_A_inv": "scattering",
    "stol": "stol",
}
"""What the line of a sample says, and under which keys; the rest is said once, of the first sample."""
_TRIPLES = {"hkl_frac": ("h_frac", "k_frac", "l_frac"), "hkl_rounded": ("h0", "k0", "l0")}
_ITERATION_KEYS = {f"rot_{axis}_angstroms": f"rot_{axis}" for axis in "abc"}


def comments(recorded: Recorded, missing: Iterable[Missing]) -> list[str]:
    """The head of a trace: what made it, and what is missing. Readers skip these lines."""
    return [*comment_lines(recorded), *(f"# missing: {visible(str(each))}" for each in missing)]


def main_text(recording: Recording) -> Iterator[str]:
    """The lines of everything but the inner loops."""
    in_order = sorted(recording.run.values.items(), key=lambda item: _run_order(item[0]))
    yield from _named(dict(in_order))
    for source, row in sorted(recording.sources.items()):
        yield _keyed("SOURCE", {"source": source}, row.values)
    for mos_tic, row in sorted(recording.mosaic.items()):
        if row.values:
            yield _keyed("MOSAIC", {"mos_tic": mos_tic}, row.values)
    complete = {place.name for place in recording.taps.places if any(take.level == "sample" for take in place.takes)}
    for (slow, fast), pixel in recording.pixels.items():
        yield f"{_TAG}: pixel {slow} {fast}"
        yield from _frame(pixel, complete & set(recording.bound))
        if pixel.iterations and not recording.optimised:  # then some may have been missed
            yield f"{_TAG}: innermost_iterations {len(pixel.iterations)}"


def _frame(pixel: PixelRecord, complete: set[str]) -> Iterator[str]:
    first_sample = next(iter(pixel.samples.values()), Row())
    yield from _named(
        {name: value for name, value in first_sample.values.items() if _is_traced_first(name, pixel.final.values)}
    )
    first = next(iter(pixel.iterations.items()), None)
    for tics, row in pixel.samples.items():
        if complete <= row.places:  # a sample that is cut has no iterations
            known = {key: row.values[name] for name, key in _SAMPLE_KEYS.items() if name in row.values}
            known |= {name: row.values[name] for name in row.values if lookup(name) is None}
            yield _keyed("SUBPIXEL", dict(zip(_SAMPLE_TICS, tics, strict=True)), known)
        if first is not None and tics == first[0][:4]:
            yield from _first_iteration(first[1].values)
    yield from _named(pixel.final.values)


def _is_traced_first(name: str, final: Values) -> bool:
    """Whether a value of the first sample has a line of its own.

    A quantity that is said again at the end of a pixel is known by that: without an end it would be taken for it.
    """
    quantity = lookup(name)
    if quantity is None or name == "stol":
        return False
    return not quantity.repeats or "I_before_scaling" in final or name in final


def _first_iteration(values: Values) -> Iterator[str]:
    named: Values = {name: values[name] for name in _ITERATION_KEYS if name in values}
    for name, parts in _TRIPLES.items():
        if all(part in values for part in parts):
            named[name] = [values[part][0] for part in parts]
    for name in ("F_latt_a", "F_latt_b", "F_latt_c", "F_latt", "F_cell"):
        found = values.get(name)
        if found is not None and (name == "F_latt" or found[0] == found[0]):  # nan: not for this shape, or skipped
            named[name] = found
    yield from _named(named)


def inner_text(recording: Recording) -> Iterator[str]:
    """The lines of the inner loops."""
    for (slow, fast), pixel in recording.pixels.items():
        yield f"{_TAG}: pixel {slow} {fast}"
        for tics, row in pixel.iterations.items():
            thick, sub_s, sub_f, source, phi, mosaic = tics
            counters = dict(zip(_PHI_TICS, (phi, mosaic, source, sub_s, sub_f, thick), strict=True))
            yield _keyed("PHI", counters, {_ITERATION_KEYS.get(name, name): row.values[name] for name in row.values})


def _named(values: Values) -> Iterator[str]:
    """`TRACE_C: name v v v`."""
    for name, components in values.items():
        yield f"{_TAG}: {name} {' '.join(map(_text, components))}"


def _run_order(name: str) -> int:
    quantity = lookup(name)
    return quantity.order if quantity is not None else _LAST


def _keyed(family: str, tics: dict[str, int], values: Values) -> str:
    """`TRACE_C_PHI phi_tic=0 … F_latt=…`."""
    words = [f"{tic}={value}" for tic, value in tics.items()]
    for name, components in values.items():
        suffixes = {3: _XYZ, 9: _MATRIX}.get(len(components), ())
        if len(components) == 1:
            words.append(f"{name}={_text(components[0])}")
        elif suffixes:
            words += [f"{name}{end}={_text(each)}" for end, each in zip(suffixes, components, strict=True)]
        else:
            words += [f"{name}_{number}={_text(each)}" for number, each in enumerate(components)]
    return f"{_TAG}_{family} {' '.join(words)}"


def _text(value: Value) -> str:
    """A value as C programs print it, so that it reads back as the same double."""
    if isinstance(value, str):
        return visible(value) or "?"
    return str(value) if isinstance(value, int) else f"{value:.17g}"
