"""The pixel map, first part: what it shows. Keys are in `map`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from braggtrace.images.levels import scale_for
from braggtrace.images.model import Layer, MapData, Pixel, Roi
from braggtrace_tui.actions import Context, action, key_label
from braggtrace_tui.maptext import PANEL, answer_lines, legend_pieces, panel_lines, pixel_line, title_line
from braggtrace_tui.pieces import Line, Piece, Role
from braggtrace_tui.screens.core import WIDE, Bar
from braggtrace_tui.widgets.footer import Footer
from braggtrace_tui.widgets.heatmap import HeatMap, Legend
from braggtrace_tui.widgets.paper import Paper

if TYPE_CHECKING:
    from braggtrace_tui.app import BraggtraceApp

__all__ = ["MapCore", "OpenPixel", "first_pixel"]

OpenPixel: TypeAlias = Callable[[int, int], str | None]
"""Open the comparison of a pixel (slow, fast). Returns why that is not possible, or None."""

_FOOTER = (
    "help", "quit", "map_next_worst", "map_blink", "map_difference", "map_ratio", "map_zoom_in", "map_zoom_out",
    "map_scale", "map_open", "map_numbers", "map_go", "map_copy",
)  # fmt: skip


class _Footer(Footer):
    """The keys of the map."""

    def _draw(self) -> None:
        self.show([self._message or _hints(self._possible, self.size.width)])


def _hints(context: Context, width: int) -> Line:
    """As many keys as fit; what is not possible now is greyed."""
    pieces: list[Piece] = [(" ", Role.TEXT)]
    used = 1
    for each in map(action, _FOOTER):
        possible = not each.why_not(context)
        key = key_label(each.keys[0])
        used += len(key) + len(each.title) + 3
        if used > width:
            break
        pieces += [
            (key, Role.KEY if possible else Role.DISABLED),
            (f" {each.title}  ", Role.TEXT if possible else Role.DISABLED),
        ]
    return tuple(pieces)


def first_pixel(data: MapData) -> Pixel:
    """Where the cursor starts: the worst pixel, or the brightest one."""
    if data.agreement is not None and len(data.agreement.worst):
        slow, fast = data.agreement.worst[0]
        return int(slow), int(fast)
    return data.reference_statistics.maximum_at or data.reference.origin


class MapCore(Screen[None]):
    """Heat maps of reference, candidate, difference and ratio, with a cursor on one pixel."""

    DEFAULT_CSS: ClassVar[str] = """
    MapCore { layout: vertical; overflow: hidden; }
    MapCore #answer { height: 2; }
    MapCore #body { height: 1fr; }
    MapCore #numbers { display: none; height: 1fr; }
    MapCore.numbered #numbers { display: block; }
    MapCore #go { dock: bottom; height: 1; border: none; padding: 0 1; background: $panel; }
    MapCore #go:focus { border: none; }
    """

    def __init__(
        self,
        data: MapData,
        *,
        open_pixel: OpenPixel | None = None,
        run_pixels: Callable[[str], None] | None = None,
        cursor: Pixel | None = None,
    ) -> None:
        """Show a map.

        Args:
            data: one image or two.
            open_pixel: what Enter does; None if there is nothing to open.
            run_pixels: takes pixels to run again, as the run form has them; None if there is nothing to run.
            cursor: where the cursor starts, on the detector; the worst or the brightest pixel if None.
        """
        super().__init__()
        self.data = data
        self.open_pixel = open_pixel
        self.run_pixels = run_pixels
        self.logarithmic = True
        self.reach: dict[tuple[bool, bool], int] = {}
        self.rank = -1
        self.shows_numbers: bool | None = None
        agreement = data.agreement
        layer = Layer.DIFFERENCE if agreement is not None and agreement.diverge else Layer.REFERENCE
        start = first_pixel(data) if cursor is None or not data.reference.holds(cursor) else cursor
        self.map = HeatMap(data, layer, scale_for(data, layer, log=True), self.index(start))
        self.bar = Bar(id="bar")
        self.answer = Paper(id="answer")
        self.numbers = Paper(id="numbers")
        self.legend = Legend()
        self.pixel = Paper(id="pixel")
        self.footer = _Footer()

    @property
    def home(self) -> BraggtraceApp:
        """The app."""
        return cast("BraggtraceApp", self.app)

    @property
    def cursor(self) -> Pixel:
        """The pixel under the cursor, on the detector."""
        (slow, fast), (slows, fasts) = self.data.reference.origin, self.map.view.cursor
        return slow + slows, fast + fasts

    def index(self, pixel: Pixel) -> Pixel:
        """A pixel of the detector as an index into the image."""
        return pixel[0] - self.data.reference.origin[0], pixel[1] - self.data.reference.origin[1]

    @property
    def visible_roi(self) -> Roi:
        """The part that is shown, on the detector; all bounds inside."""
        (slow, fast), window = self.data.reference.origin, self.map.view.window
        top, left = slow + window.top, fast + window.left
        return top, top + window.height - 1, left, left + window.width - 1

    @property
    def context(self) -> Context:
        """What is possible now."""
        return Context(
            divergences=len(self.order()),
            two_images=self.data.candidate is not None,
            traced_map=self.data.divergences is not None,
            openable=self.open_pixel is not None,
        )

    # -- building ----------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield self.bar
        yield self.answer
        with Horizontal(id="body"):
            yield self.map
            yield self.numbers
        yield self.legend
        yield self.pixel
        yield self.footer

    def on_mount(self) -> None:
        self.numbers.styles.width = PANEL
        self.choose_layout()
        self.map.focus()

    def on_resize(self) -> None:
        self.choose_layout()
        self.call_after_refresh(self.show_all)

    def choose_layout(self) -> None:
        wide = self.app.size.width >= WIDE
        self.set_class(wide if self.shows_numbers is None else self.shows_numbers, "numbered")

    def show_all(self) -> None:
        """Draw everything around the map."""
        self.answer.show(answer_lines(self.data, self.size.width))
        self.footer.set_context(self.context)
        self.show_place()

    def show_place(self) -> None:
        """Draw what depends on the cursor and on the part that is shown."""
        view, layer, scale = self.map.view, self.map.shown, self.map.scale
        self.bar.show([title_line(self.data, layer, view, scale)])
        self.legend.show(*legend_pieces(self.data, layer, view, scale, self.size.width), centred=scale.centred)
        self.pixel.show([pixel_line(self.data, self.cursor, self.size.width)])
        if self.has_class("numbered"):
            self.numbers.show(panel_lines(self.data, self.cursor, self.numbers.size.height))

    def on_heat_map_moved(self, event: HeatMap.Moved) -> None:
        event.stop()
        self.show_place()

    def say(self, text: str, *, warning: bool = False) -> None:
        """Answer the user in the footer, until the next key."""
        self.footer.say(text, warning=warning)

    def order(self) -> NDArray[np.int64]:
        """(n, 2) where `n` goes: the diverging pixels, worst first; of a single image its peaks."""
        agreement = self.data.agreement
        if agreement is None:
            peaks = [peak.pixel for peak in self.data.reference_statistics.peaks]
            return np.array(peaks, dtype=np.int64).reshape(-1, 2)
        return agreement.worst_by_ratio if self.map.shown is Layer.RATIO else agreement.worst

    def go_to(self, pixel: Pixel) -> None:
        """Put the cursor on a pixel of the detector, one that the image has."""
        self.map.look_at(self.map.view.at(self.index(pixel)))
