"""The pictures: well-formed, harmless, and showing what is there."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from braggtrace.bundles.pictures import draw_per_phi, draw_roi
from braggtrace.bundles.svg import Svg, shade
from tests.bundles.build import FakeSource, captured, trace_text

SVG = "{http://www.w3.org/2000/svg}"


def words(picture: str) -> str:
    """Everything that a picture says."""
    return " ".join("".join(part.itertext()) for part in ET.fromstring(picture).iter(f"{SVG}text"))


def test_curves_and_cells(bench: Path) -> None:
    """A line and a ring for each step of both sides; a cell for each pixel."""
    metrics = captured(bench, FakeSource(trace_text(stale=False))).metrics
    curves = ET.fromstring(draw_per_phi(metrics))
    lines = [part for part in curves.iter(f"{SVG}polyline") if "line" in str(part.get("class"))]
    assert len([part for part in lines if str(part.get("points")).count(",") == 3]) == 4
    assert len(list(curves.iter(f"{SVG}circle"))) == 12
    assert "pixel 684 1039" in words(draw_per_phi(metrics))
    cells = draw_roi(metrics)
    assert {"candidate", "reference", "|difference|"} <= set(words(cells).split())
    tips = [part.text for part in ET.fromstring(cells).iter(f"{SVG}title")]
    assert len([tip for tip in tips if tip and tip.startswith("pixel 685 1040")]) == 3


def test_without_values(tmp_path: Path) -> None:
    """They say so."""
    text = "".join(
        line for line in trace_text().splitlines(keepends=True) if "_PHI" not in line and "final" not in line
    )
    metrics = captured(tmp_path, FakeSource(text)).metrics
    assert "no values along phi" in words(draw_per_phi(metrics))
    assert "no value" in draw_roi(metrics)
    assert "names no pixel" in words(draw_roi({**metrics, "pixels": []}))


def test_too_many_pixels(tmp_path: Path) -> None:
    """A picture of a whole detector would help nobody."""
    metrics = captured(tmp_path).metrics
    far = {**metrics["pixels"][0], "pixel": [5000, 5000]}
    assert "too many to draw" in words(draw_roi({**metrics, "pixels": [*metrics["pixels"], far]}))


def test_text_is_harmless() -> None:
    """Names from files end no element and send no escape sequence."""
    picture = Svg(10, 10, "<title>&\x1b[31m")
    picture.text(0, 0, "</text><script>alert(1)</script>\x1b]52;c;\x07")
    picture.box(0, 0, 1, 1, kind='"onload="x', tip="<&>\u202e")
    text = picture.render()
    assert "\x1b" not in text
    assert "\u202e" not in text
    root = ET.fromstring(text)
    assert {part.tag for part in root.iter()} == {f"{SVG}{tag}" for tag in ("svg", "title", "style", "rect", "text")}


def test_both_schemes() -> None:
    """Dark pages have colours of their own; the ground is always drawn."""
    text = Svg(10, 10, "t").render()
    assert "prefers-color-scheme:dark" in text
    assert 'class="ground"' in text


@pytest.mark.parametrize("fraction", [-1.0, 0.0, 0.3, 0.99, 1.0, 2.0])
def test_shades(fraction: float) -> None:
    """Whatever the number."""
    assert len(shade(fraction)) == 7


def test_shades_grow_brighter() -> None:
    """So that they are read without a legend, and in grey."""
    light = []
    for step in range(33):
        red, green, blue = (int(shade(step / 32)[at : at + 2], 16) for at in (1, 3, 5))
        light.append(0.21 * red + 0.72 * green + 0.07 * blue)
    assert light == sorted(light)
