"""The compare screen, second part: keys that move the cursor."""

from __future__ import annotations

import numpy as np

from braggtrace_tui.frame import Anchor, open_header
from braggtrace_tui.navigate import next_diverging_pixel, next_row, next_same, next_step
from braggtrace_tui.screens.core import CompareCore

__all__ = ["CompareMoves"]


class CompareMoves(CompareCore):
    """What the keys of the sections Move, Find and Step do."""

    # -- lines -------------------------------------------------------------------------------------------------------

    def do_cursor_down(self) -> None:
        self.table.move_to(self.table.cursor + 1)

    def do_cursor_up(self) -> None:
        self.table.move_to(self.table.cursor - 1)

    def do_page_down(self) -> None:
        self._page(1)

    def do_page_up(self) -> None:
        self._page(-1)

    def _page(self, direction: int) -> None:
        table = self.table
        lines = direction * max(1, table.page - 1)
        hold = table.cursor - table.top
        cursor = max(0, min(table.cursor + lines, table.line_count - 1))
        if cursor != table.cursor:
            table.changed(cursor, hold=hold)
            table.post_message(table.Moved(table))

    def do_top(self) -> None:
        self.table.move_to(0)

    def do_bottom(self) -> None:
        self.table.move_to(self.table.line_count - 1)

    def do_toggle(self) -> None:
        self.table.toggle()

    def do_fold_all(self) -> None:
        self.table.fold_all()

    # -- divergences -------------------------------------------------------------------------------------------------

    def do_next_divergence(self) -> None:
        self._divergence(1)

    def do_previous_divergence(self) -> None:
        self._divergence(-1)

    def _divergence(self, direction: int) -> None:
        frame, table = self.frame, self.table
        if frame is None:
            return
        wanted = self.still_diverging(frame)
        wanted = wanted if table.keep is None else wanted & table.keep
        found = next_row(wanted, table.position, direction)
        if found is not None:
            table.reveal(found)
            return
        pixel = next_diverging_pixel(self.diverging_by_pixel, frame.pixel, direction)
        while pixel is not None:
            self.open_pixel(pixel)
            assert self.frame is not None  # open_pixel has made it
            wanted = self.still_diverging(self.frame)
            wanted = wanted if table.keep is None else wanted & table.keep
            wanted = wanted & ~np.array([key.run for key in self.frame.groups], np.bool_)[self.frame.group]
            found = next_row(wanted, -1 if direction > 0 else len(wanted), direction)
            if found is not None:
                table.reveal(found)
                return
            pixel = next_diverging_pixel(self.diverging_by_pixel, pixel, direction)
        self.say(
            "that was the last divergence; f goes to the first"
            if direction > 0
            else "there is no divergence before this one"
        )

    def do_first_divergence(self) -> None:
        if self.comparison.first is not None:
            self.go_to(self.target_of(*self.comparison.first))

    def do_worst_divergence(self) -> None:
        if self.comparison.worst is not None:
            self.go_to(self.target_of(*self.comparison.worst))

    def do_only_divergent(self) -> None:
        self.set_filter(self.filter_text, only=not self.only)

    # -- steps -------------------------------------------------------------------------------------------------------

    def do_next_step(self) -> None:
        self._step(1)

    def do_previous_step(self) -> None:
        self._step(-1)

    def _step(self, direction: int) -> None:
        frame, table = self.frame, self.table
        if frame is None or table.group is None:
            return
        found = next_step(frame, table.group, table.row, direction)
        if found is None:
            self.say("that was the last step of this pixel" if direction > 0 else "there is no step before this one")
            return
        group, row = found
        if row is not None and (table.keep is None or table.keep[row]):
            table.reveal(row)
            return
        line = table.layout_lines.line_of(-1 - group)
        if line is not None:
            table.move_to(line, centre=True)
        else:
            self.say("the next step is hidden by the filter")

    def do_next_same(self) -> None:
        self._same(1)

    def do_previous_same(self) -> None:
        self._same(-1)

    def _same(self, direction: int) -> None:
        frame, row = self.frame, self.table.row
        if frame is None or row is None:
            return
        target = next_same(self.comparison, int(frame.pairing[row]), int(frame.row[row]), direction)
        if target is None:
            name = self.comparison.pairings[frame.pairing[row]].name
            self.say(f"{name} diverges nowhere {'after' if direction > 0 else 'before'} this place")
            return
        self.go_to(target)

    def do_next_pixel(self) -> None:
        self._pixel(1)

    def do_previous_pixel(self) -> None:
        self._pixel(-1)

    def _pixel(self, direction: int) -> None:
        if self.frame is None:
            return
        pixel = self.frame.pixel + direction
        if not 0 <= pixel < len(self.comparison.pixels):
            self.say("that was the last pixel" if direction > 0 else "this is the first pixel")
            return
        self.go_to_pixel(pixel)

    def go_to_pixel(self, pixel: int) -> None:
        """Show another pixel, with the cursor on the same quantity."""
        place, hold = self.table.place, self.table.cursor - self.table.top
        self.open_pixel(pixel)
        if place is not None and self.frame is not None:
            group, row = self.frame.locate(place)
            if row is not None:
                self.table.folded = open_header(self.frame, self.table.folded, int(self.frame.group[row]))
            self.table.relayout(row, group, keep_place=False)
            self.table.changed(self.table.cursor, hold=hold)

    def go_to_place(self, place: Anchor) -> bool:
        """Go to a remembered place; False if it is gone."""
        pixels = [tuple(pixel) for pixel in self.comparison.pixels.tolist()]
        if place.pixel is not None and place.pixel not in pixels:
            return False
        self.open_pixel(-1 if place.pixel is None else pixels.index(place.pixel))
        assert self.frame is not None  # open_pixel has made it
        group, row = self.frame.locate(place)
        if row is not None:
            self.table.reveal(row)
        elif group is not None:
            self.table.relayout(None, group, keep_place=False)
        return group is not None
