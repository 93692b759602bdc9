"""The pictures of a bundle, drawn from its metrics: F_latt along phi, and the intensities of the pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from braggtrace.bundles.svg import SERIES, Svg, shade
from braggtrace.bundles.values import importance
from braggtrace.bundles.words import number

__all__ = ["draw_per_phi", "draw_roi"]

Metrics = Mapping[str, Any]
Points = list[tuple[float, float]]

_WIDTH, _HEIGHT = 760.0, 380.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 100.0, 200.0, 44.0, 48.0
_CURVES = len(SERIES)
_CELLS = 10_000


def draw_per_phi(metrics: Metrics) -> str:
    """F_latt along phi of some pixels: the candidate as a line, the reference as rings.

    Of each pixel the first layer, subpixel, source and mosaic domain; diverging pixels first, then bright ones.
    """
    picture = Svg(_WIDTH, _HEIGHT, "F_latt along phi")
    curves = _curves(metrics)
    values = [y for own, other in curves.values() for _, y in (*own, *other)]
    degrees = [x for own, _ in curves.values() for x, _ in own]
    rings = ", reference as rings" if any(other for _, other in curves.values()) else ""
    picture.text(16, 24, f"F_latt along phi: candidate as a line{rings}")
    if not values:
        picture.text(16, 60, "the trace has no values along phi", kind="faint")
        return picture.render()
    x, y = _Axis(degrees, _LEFT, _WIDTH - _RIGHT), _Axis(values, _HEIGHT - _BOTTOM, _TOP)
    _axes(picture, x, y)
    for series, (pixel, (own, other)) in zip(SERIES, curves.items(), strict=False):
        picture.line([(x.at(phi), y.at(value)) for phi, value in own], f"line {series}")
        for phi, value in other:
            picture.dot(x.at(phi), y.at(value), f"dot {series}")
        if len(own) == 1:
            picture.dot(x.at(own[0][0]), y.at(own[0][1]), f"dot {series}", 1.5)
        row = _TOP + 18 * SERIES.index(series)
        picture.line([(_WIDTH - _RIGHT + 16, row), (_WIDTH - _RIGHT + 40, row)], f"line {series}")
        picture.text(_WIDTH - _RIGHT + 46, row + 4, f"pixel {pixel[0]} {pixel[1]}")
    hidden = len(metrics["pixels"]) - len(curves)
    if hidden > 0:
        picture.text(_WIDTH - _RIGHT + 16, _TOP + 18 * _CURVES + 8, f"{hidden:,} pixels not drawn", kind="faint")
    return picture.render()


def _curves(metrics: Metrics) -> dict[tuple[int, int], tuple[Points, Points]]:
    chosen = sorted(metrics["pixels"], key=importance)[:_CURVES]
    curves: dict[tuple[int, int], tuple[Points, Points]] = {}
    for pixel in chosen:
        entries = [entry for entry in metrics["per_phi"] if entry["pixel"] == pixel["pixel"]]
        first = entries[0] if entries else {}
        same = [entry for entry in entries if all(entry[name] == first[name] for name in _FIXED)]
        sides = [_points(same, side) for side in ("candidate", "reference")]
        if sides[0]:
            curves[pixel["pixel"][0], pixel["pixel"][1]] = (sides[0], sides[1])
    return curves


_FIXED = ("thick_tic", "subS", "subF", "source", "mos_tic")


def _points(entries: Sequence[Mapping[str, Any]], side: str) -> Points:
    out = []
    for entry in entries:
        values = entry[side] or {}
        phi = (entry["candidate"] or {}).get("phi_deg")
        if values.get("F_latt") is not None:
            out.append((float(entry["phi_tic"]) if phi is None else float(phi), float(values["F_latt"])))
    return sorted(out)


class _Axis:
    """Values onto pixels."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        low, high = min(values), max(values)
        if low == high:
            low, high = low - (abs(low) or 1.0) * 0.5, high + (abs(high) or 1.0) * 0.5
        margin = 0.04 * (high - low)
        self.low, self.high, self.first, self.last = low - margin, high + margin, first, last

    def at(self, value: float) -> float:
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)

    def ticks(self) -> list[float]:
        """Four to eight round numbers."""
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
        first = math.ceil(self.low / step)
        return [number * step for number in range(first, math.floor(self.high / step) + 1)]


def _axes(picture: Svg, x: _Axis, y: _Axis) -> None:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    picture.line([(_LEFT, _TOP), (_LEFT, bottom), (right, bottom)], "rule")
    for value in x.ticks():
        picture.line([(x.at(value), bottom), (x.at(value), bottom + 4)], "rule")
        picture.text(x.at(value), bottom + 18, f"{value:.6g}", anchor="middle", kind="faint")
    for value in y.ticks():
        picture.line([(_LEFT, y.at(value)), (right, y.at(value))], "rule")
        picture.text(_LEFT - 8, y.at(value) + 4, f"{value:.6g}", anchor="end", kind="faint")
    picture.text((_LEFT + right) / 2, _HEIGHT - 12, "phi [deg]", anchor="middle", kind="faint")


def draw_roi(metrics: Metrics) -> str:
    """The pixels of the candidate and of the reference as shaded cells, and by how much they differ."""
    pixels = {(entry["pixel"][0], entry["pixel"][1]): entry for entry in metrics["pixels"]}
    if not pixels:
        picture = Svg(_WIDTH, 80, "I_pixel_final of the pixels")
        picture.text(16, 44, "the trace names no pixel", kind="faint")
        return picture.render()
    slow, fast = ([pixel[axis] for pixel in pixels] for axis in (0, 1))
    rows, columns = max(slow) - min(slow) + 1, max(fast) - min(fast) + 1
    titles = ["candidate"] if metrics["status"] is None else ["candidate", "reference", "|difference|"]
    cell = max(2.0, min(40.0, 220.0 / max(rows, columns)))
    width = max(190.0, columns * cell) + 60
    picture = Svg(max(470.0, 40 + width * len(titles)), rows * cell + 150, "I_pixel_final of the pixels")
    picture.text(16, 24, "I_pixel_final [photons]: slow downwards, fast to the right")
    if rows * columns > _CELLS:
        picture.text(16, 60, f"{rows} x {columns} pixels are too many to draw", kind="faint")
        return picture.render()
    brightest = max(
        (_final(entry, side) or 0.0 for entry in pixels.values() for side in ("candidate", "reference")), default=0
    )
    for panel, title in enumerate(titles):
        values = {pixel: _panel_value(entry, title) for pixel, entry in pixels.items()}
        top = brightest if panel < 2 else max((value for value in values.values() if value is not None), default=0.0)
        _panel(picture, 40 + panel * width, title, values, (min(slow), min(fast), rows, columns), cell, top)
    return picture.render()


def _panel_value(entry: Mapping[str, Any], title: str) -> float | None:
    if title != "|difference|":
        return _final(entry, title)
    ours, theirs = (_final(entry, side) for side in ("candidate", "reference"))
    return None if ours is None or theirs is None else abs(ours - theirs)


def _final(entry: Mapping[str, Any], side: str) -> float | None:
    value = (entry[side] or {}).get("I_pixel_final")
    return None if value is None else float(value)


def _panel(
    picture: Svg,
    left: float,
    title: str,
    values: Mapping[tuple[int, int], float | None],
    extent: tuple[int, int, int, int],
    cell: float,
    top: float,
) -> None:
    """One panel; shades grow with the square root, so that weak pixels show beside a peak."""
    slow, fast, rows, columns = extent
    picture.text(left, 56, title)
    for (s, f), value in values.items():
        x, y = left + (f - fast) * cell, 86 + (s - slow) * cell
        tip = f"pixel {s} {f}: {'no value' if value is None else number(value)}"
        if value is None:
            picture.box(x, y, cell, cell, kind="none", tip=tip)
        else:
            picture.box(x, y, cell, cell, fill=shade(math.sqrt(max(value, 0.0) / top) if top > 0 else 0.0), tip=tip)
    picture.text(left, 78, f"fast {fast}-{fast + columns - 1}", kind="faint")
    picture.text(left - 8, 86 + cell / 2 + 4, str(slow), anchor="end", kind="faint")
    if rows > 1:
        picture.text(left - 8, 86 + (rows - 0.5) * cell + 4, str(slow + rows - 1), anchor="end", kind="faint")
    legend = 86 + rows * cell + 22
    for step in range(40):
        picture.box(left + 3 * step, legend, 3.2, 10, fill=shade(step / 39))
    picture.text(left, legend + 26, f"0 to {number(top)}", kind="faint")
