"""The pixel map: where on the detector two images disagree."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from textual.binding import Binding, BindingType
from textual.widgets import Input

from braggtrace.images.levels import LEAST_REACH, MOST_REACH, Scale, scale_for
from braggtrace.images.model import Layer
from braggtrace.images.report import place, values_at
from braggtrace_tui.actions import Place, action
from braggtrace_tui.app import bindings_for
from braggtrace_tui.mapview import closer, farther, zoom_steps
from braggtrace_tui.screens.mapcore import MapCore, OpenPixel
from braggtrace_tui.terminal import copy

__all__ = ["MapScreen", "OpenPixel"]

_FEW = 2_500
"""Pixels in view that are traced together; where there are more, only the one under the cursor is."""


class MapScreen(MapCore):
    """What the keys of the map do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.MAP),
        Binding("question_mark,f1", "map_help", show=False),
    ]

    def action_invoke(self, name: str) -> None:
        """Do what a key says, or say why that is not possible."""
        chosen = action(name)
        self.footer.clear()
        reason = chosen.why_not(self.context)
        if reason:
            self.say(f"{chosen.title}: {reason}", warning=True)
            return
        getattr(self, f"do_{name}")()

    def action_map_help(self) -> None:
        from braggtrace_tui.screens.maphelp import MapHelpScreen

        self.app.push_screen(MapHelpScreen(self.context))

    # -- moving ------------------------------------------------------------------------------------------------------

    def do_map_down(self) -> None:
        self._step(1, 0)

    def do_map_up(self) -> None:
        self._step(-1, 0)

    def do_map_right(self) -> None:
        self._step(0, 1)

    def do_map_left(self) -> None:
        self._step(0, -1)

    def _step(self, down: int, across: int) -> None:
        if not self.map.step(down, across):
            self.say("this is the edge of the image")

    def do_map_page_down(self) -> None:
        self._page(1, 0)

    def do_map_page_up(self) -> None:
        self._page(-1, 0)

    def do_map_page_right(self) -> None:
        self._page(0, 1)

    def do_map_page_left(self) -> None:
        self._page(0, -1)

    def _page(self, down: int, across: int) -> None:
        if not self.map.page(down, across):
            self.say("this is the edge of the image")

    def do_map_top(self) -> None:
        self.go_to(self.data.reference.origin)

    def do_map_bottom(self) -> None:
        _, slow, _, fast = self.data.reference.roi
        self.go_to((slow, fast))

    def do_map_go(self) -> None:
        box = Input(placeholder="slow fast, for example {} {}".format(*self.cursor), id="go")
        box.cursor_blink = False
        self.mount(box)
        box.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        words = event.value.replace(",", " ").split()
        self._close_box()
        if not words:
            return
        try:
            slow, fast = (int(word) for word in words)
        except ValueError:
            self.say("expected two whole numbers, slow and fast", warning=True)
            return
        if self.data.reference.holds((slow, fast)):
            self.go_to((slow, fast))
        else:
            first_slow, last_slow, first_fast, last_fast = self.data.reference.roi
            self.say(f"the image has slow {first_slow} to {last_slow}, fast {first_fast} to {last_fast}", warning=True)

    def _close_box(self) -> None:
        for box in self.query("#go"):
            box.remove()
        self.map.focus()

    # -- the worst pixels ----------------------------------------------------------------------------------------------

    def do_map_next_worst(self) -> None:
        self._worst(1)

    def do_map_previous_worst(self) -> None:
        self._worst(-1)

    def do_map_worst(self) -> None:
        self._go_to_rank(0)

    def _worst(self, direction: int) -> None:
        order = self.order()
        here = np.flatnonzero((order == np.array(self.cursor)).all(axis=1))
        rank = (int(here[0]) if len(here) else min(self.rank, len(order) - 1)) + direction
        if 0 <= rank < len(order):
            self._go_to_rank(rank)
        else:
            self.say("that was the last one" if direction > 0 else "there is none before this one; w is the worst")

    def _go_to_rank(self, rank: int) -> None:
        order, agreement = self.order(), self.data.agreement
        self.rank = rank
        self.go_to((int(order[rank, 0]), int(order[rank, 1])))
        if agreement is None:
            self.say(f"peak {rank + 1} of {len(order)}, by height")
            return
        by = "ratio" if self.map.shown is Layer.RATIO else "|difference|"
        beyond = f"; the first {len(order):,} are in order" if len(order) < agreement.diverge else ""
        self.say(f"diverging pixel {rank + 1:,} of {agreement.diverge:,}, by {by}{beyond}")

    # -- which map, and how --------------------------------------------------------------------------------------------

    def do_map_reference(self) -> None:
        self._show_layer(Layer.REFERENCE)

    def do_map_candidate(self) -> None:
        self._show_layer(Layer.CANDIDATE)

    def do_map_difference(self) -> None:
        self._show_layer(Layer.DIFFERENCE)

    def do_map_ratio(self) -> None:
        self._show_layer(Layer.RATIO)

    def do_map_divergences(self) -> None:
        self._show_layer(Layer.DIVERGENCES)

    def do_map_blink(self) -> None:
        self._show_layer(Layer.CANDIDATE if self.map.shown is Layer.REFERENCE else Layer.REFERENCE)

    def _show_layer(self, layer: Layer) -> None:
        self.map.show(layer, self._scale(layer, self.reach.get(self._kind(layer), 0)))
        self.show_place()

    def _kind(self, layer: Layer) -> tuple[bool, bool]:
        """Maps of one kind share what was chosen about their scale."""
        return layer in (Layer.DIFFERENCE, Layer.RATIO), self.logarithmic

    def _scale(self, layer: Layer, reach: int) -> Scale:
        return scale_for(self.data, layer, log=self.logarithmic, reach=reach)

    def do_map_scale(self) -> None:
        self.logarithmic = not self.logarithmic
        self._show_layer(self.map.shown)

    def do_map_fainter(self) -> None:
        self._change_reach(1)

    def do_map_stronger(self) -> None:
        self._change_reach(-1)

    def _change_reach(self, change: int) -> None:
        layer = self.map.shown
        reach = self.reach.get(self._kind(layer), 0)
        while (LEAST_REACH if self.logarithmic else 0) <= (reach := reach + change) <= MOST_REACH:
            if self._scale(layer, reach) != self.map.scale:  # where all is seen already, a decade more changes nothing
                self.reach[self._kind(layer)] = reach
                self._show_layer(layer)
                return
        self.say("the scale can't be changed further")

    def do_map_zoom_in(self) -> None:
        self._zoom(closer(self.map.view), "a pixel can't be drawn larger")

    def do_map_zoom_out(self) -> None:
        self._zoom(farther(self.map.view), "this is all of the image")

    def _zoom(self, zoom: int | None, edge: str) -> None:
        if zoom is None:
            self.say(edge)
        else:
            self.map.look_at(self.map.view.zoomed(zoom))

    def do_map_whole(self) -> None:
        self.map.look_at(self.map.view.zoomed(zoom_steps(self.map.view)[-1]))

    def do_map_single(self) -> None:
        if 1 in zoom_steps(self.map.view):
            self.map.look_at(self.map.view.zoomed(1))
        else:
            self.say("all of the image fits with larger pixels")

    def do_map_numbers(self) -> None:
        self.shows_numbers = not self.has_class("numbered")
        self.choose_layout()
        self.call_after_refresh(self.show_all)

    # -- leaving -------------------------------------------------------------------------------------------------------

    def do_map_open(self) -> None:
        assert self.open_pixel is not None  # else the key has said why not
        problem = self.open_pixel(*self.cursor)
        if problem:
            self.say(problem, warning=True)

    def do_map_run(self) -> None:
        if self.run_pixels is None:
            self.say("these images are not from runs", warning=True)
            return
        first_slow, last_slow, first_fast, last_fast = roi = self.visible_roi
        few = (last_slow - first_slow + 1) * (last_fast - first_fast + 1) <= _FEW
        self.run_pixels(" ".join(map(str, roi if few else self.cursor)))

    def do_map_copy(self) -> None:
        ours, theirs, _, _ = values_at(self.data, self.cursor)
        values = [repr(value) for value in (ours, theirs) if value is not None]
        message, sequence = copy("\t".join([place(self.cursor).replace(" ", "\t"), *values]), self.home.terminal)
        if sequence:
            self.home.write_to_terminal(sequence)
        self.say(message)

    def do_map_leave(self) -> None:
        if self.query("#go"):
            self._close_box()
        elif len(self.app.screen_stack) > 2:  # the app's own empty screen is the first
            self.dismiss(None)
        elif not self.home.desk.cancel():
            self.say("q leaves the program")
