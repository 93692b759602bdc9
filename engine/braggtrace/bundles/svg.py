"""A small writer of SVG pictures: shapes and text in a frame, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from braggtrace.trace.text import visible

__all__ = ["SERIES", "Svg", "shade"]

SERIES = ("s0", "s1", "s2", "s3", "s4", "s5")
"""Classes of lines and dots, each of another colour."""

# A viewer that knows no colour scheme shows the light one, on a ground of its own.
_STYLE = """\
.ground{fill:#ffffff}.ink{fill:#1f2328}.faint{fill:#59636e}.rule{stroke:#59636e;stroke-opacity:.45;fill:none}
.s0{stroke:#0550ae}.s1{stroke:#bc4c00}.s2{stroke:#116329}.s3{stroke:#8250df}.s4{stroke:#a40e26}.s5{stroke:#0a7b83}
.line{fill:none;stroke-width:1.6}.dot{fill:none;stroke-width:1.4}.none{fill:#8c959f;fill-opacity:.35}
rect{shape-rendering:crispEdges}text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media(prefers-color-scheme:dark){.ground{fill:#0d1117}.ink{fill:#e6edf3}.faint{fill:#9198a1}.rule{stroke:#9198a1}
.s0{stroke:#79c0ff}.s1{stroke:#ffa657}.s2{stroke:#7ee787}.s3{stroke:#d2a8ff}.s4{stroke:#ff7b72}.s5{stroke:#76e3ea}}
"""


class Svg:
    """A picture that grows; every coordinate is in pixels from the top left corner."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self._parts = [f"<title>{_text(title)}</title>", f"<style>{_STYLE}</style>"]
        self._parts.append(f'<rect class="ground" width="{width:g}" height="{height:g}"/>')

    def text(self, x: float, y: float, words: str, *, anchor: str = "start", kind: str = "ink") -> None:
        """Words; y is their base line."""
        self._parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_text(words)}</text>')

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """A polyline."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f"<polyline class={quoteattr(kind)} points={quoteattr(path)}/>")

    def dot(self, x: float, y: float, kind: str, radius: float = 3.0) -> None:
        """A ring."""
        self._parts.append(f'<circle class={quoteattr(kind)} cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>')

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str = "", kind: str = "", tip: str = ""
    ) -> None:
        """A rectangle, with words that show when it is pointed at."""
        paint = f' fill="{fill}"' if fill else ""
        paint += f" class={quoteattr(kind)}" if kind else ""
        inside = f"><title>{_text(tip)}</title></rect>" if tip else "/>"
        self._parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{paint}{inside}')

    def render(self) -> str:
        """The document."""
        size = f'width="{self.width:g}" height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        return "\n".join([head, *self._parts, "</svg>"]) + "\n"


def _text(words: str) -> str:
    return escape(visible(words))


def shade(fraction: float) -> str:
    """A colour for 0 to 1, dark blue to yellow, whose brightness grows all the way."""
    stops = ((34, 32, 82), (46, 92, 138), (44, 146, 130), (130, 196, 86), (250, 232, 92))
    place = min(max(fraction, 0.0), 1.0) * (len(stops) - 1)
    at = min(int(place), len(stops) - 2)
    mixed = (round(a + (b - a) * (place - at)) for a, b in zip(stops[at], stops[at + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
