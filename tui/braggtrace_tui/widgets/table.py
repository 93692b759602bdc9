"""The compare table: the lines of a layout over a frame."""

from __future__ import annotations

import numpy as np

from braggtrace_tui.explaining import RowWhy, Why
from braggtrace_tui.frame import Anchor, Frame, Layout, Mask, build_layout, open_header
from braggtrace_tui.pieces import BLANK, Line
from braggtrace_tui.rowtext import Columns, Measure, columns_for, group_line, row_line
from braggtrace_tui.widgets.linelist import LineList

__all__ = ["CompareTable"]


class CompareTable(LineList):
    """Quantities in step order, grouped by level and coordinate, both sides beside each other."""

    def __init__(self) -> None:
        super().__init__(id="table")
        self.frame: Frame | None = None
        self.layout_lines = Layout(np.zeros(0, np.int64), np.zeros(0, np.int64))
        self.folded: Mask = np.zeros(0, np.bool_)
        self.keep: Mask | None = None
        self.expanded: frozenset[int] = frozenset()
        self.measure = Measure.REL
        self.why: Why | None = None
        self.columns = Columns(10, 16, 20, 8)

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def line_count(self) -> int:
        return len(self.layout_lines)

    def line(self, number: int) -> Line:
        if self.frame is None:
            return BLANK
        row = int(self.layout_lines.rows[number])
        if row < 0:
            group = -1 - row
            return group_line(self.frame, group, self.size.width, folded=bool(self.folded[group]))
        component = int(self.layout_lines.components[number])
        return row_line(
            self.frame,
            row,
            component,
            self.columns,
            self.measure,
            first=self._is_first(row),
            expanded=row in self.expanded,
            why=self._why_of(row),
        )

    def _why_of(self, row: int) -> RowWhy | None:
        frame = self.frame
        if self.why is None or frame is None:
            return None
        pairing, at = int(frame.pairing[row]), int(frame.row[row])
        return self.why.of(pairing, at, int(frame.comparison.pairings[pairing].pixel[at]))

    def _is_first(self, row: int) -> bool:
        frame = self.frame
        assert frame is not None  # a row is a row of a frame
        return frame.comparison.first == (int(frame.pairing[row]), int(frame.row[row]))

    def set_columns(self, longest_name: int, longest_value: int) -> None:
        """Share the width among the columns."""
        self.columns = columns_for(self.size.width, longest_name, longest_value)

    # -- the cursor --------------------------------------------------------------------------------------------------

    @property
    def row(self) -> int | None:
        """The frame's row under the cursor, None on a group's own line."""
        if self.frame is None or not len(self.layout_lines):
            return None
        row = int(self.layout_lines.rows[self.cursor])
        return row if row >= 0 else None

    @property
    def component(self) -> int:
        """The component under the cursor, −1 on a whole row."""
        return int(self.layout_lines.components[self.cursor]) if len(self.layout_lines) else -1

    @property
    def group(self) -> int | None:
        """The group or section under the cursor; on a row its group."""
        if self.frame is None or not len(self.layout_lines):
            return None
        row = int(self.layout_lines.rows[self.cursor])
        return -1 - row if row < 0 else int(self.frame.group[row])

    @property
    def position(self) -> int:
        """The cursor's place among the frame's rows, for "next": one before the first row for a group's own line."""
        row, group = self.row, self.group
        if row is not None:
            return row
        return self.frame.rows_of_header(group).start - 1 if self.frame is not None and group is not None else -1

    @property
    def place(self) -> Anchor | None:
        """The lasting name of the cursor's line."""
        if self.frame is None or self.group is None:
            return None
        if self.row is None:
            return self.frame.header_anchor(self.group)
        return self.frame.anchor(self.row, self.component)

    # -- changes -----------------------------------------------------------------------------------------------------

    def relayout(self, row: int | None, group: int | None, component: int = -1, *, keep_place: bool = True) -> None:
        """Make the lines anew, with the cursor on a row if it is shown, else on its group, else near it."""
        if self.frame is None:
            return
        hold = self.cursor - self.top if keep_place else None
        self.layout_lines = build_layout(self.frame, self.folded, self.keep, self.expanded)
        line = None
        if row is not None:
            line = self.layout_lines.line_of(row, component)
            line = self.layout_lines.line_of(row) if line is None else line
        if line is None and group is not None:
            line = self.layout_lines.line_of(-1 - group)
        if line is None and group is not None and group < len(self.frame.groups):  # its section is folded
            line = self.layout_lines.line_of(-1 - len(self.frame.groups) - int(self.frame.section[group]))
        if line is None:
            wanted = row if row is not None else self.frame.rows_of_header(group).start if group is not None else 0
            after = np.flatnonzero(self.layout_lines.rows >= wanted)
            line = int(after[0]) if len(after) else 0
        self.changed(line, hold=hold)
        self.post_message(self.Moved(self))

    def reveal(self, row: int) -> None:
        """Open the row's group and put the cursor on it."""
        assert self.frame is not None  # a row is a row of a frame
        group = int(self.frame.group[row])
        opened = open_header(self.frame, self.folded, group)
        if (opened != self.folded).any():
            self.folded = opened
            self.relayout(row, group, keep_place=False)
            return
        line = self.layout_lines.line_of(row)
        if line is not None:
            self.move_to(line, centre=True)

    def toggle(self) -> None:
        """Fold or open the group, expand or close the vector under the cursor."""
        row, group = self.row, self.group
        if self.frame is None or group is None:
            return
        if row is not None and int(self.frame.width[row]) > 1:
            self.expanded ^= {row}
            self.relayout(row, group)
            return
        self.folded = self.folded.copy()
        self.folded[group] = not self.folded[group]
        self.relayout(None, group)

    def fold_all(self) -> None:
        """Fold every group; open every group if all are folded."""
        row, group = self.row, self.group
        self.folded = np.full_like(self.folded, not self.folded.all())
        self.relayout(row, group)
