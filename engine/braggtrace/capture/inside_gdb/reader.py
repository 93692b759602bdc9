"""Reading variables of a program that has stopped."""

import re
from typing import Any

from .source import identifiers

__all__ = ["GaveUp", "Reader"]

_CALL = re.compile(r"(?<![\w.])(?!sizeof\b)[A-Za-z_]\w*\s*\(")
_MOST_CALLERS = 8
_LONGEST_TEXT = 200
_ABSENT = "no variable"


class GaveUp(Exception):
    """Something can't be read or done; the message says why."""

    @property
    def absent(self) -> bool:
        """There is no such variable in the program."""
        return str(self).startswith(_ABSENT)


def _failure(error: Exception) -> GaveUp:
    """What gdb says about an expression, in our words."""
    message = str(error)
    found = re.match(r'No symbol "(\w+)"', message)
    if found:
        return GaveUp(f"{_ABSENT} {found.group(1)}")
    if "optimized out" in message:
        return GaveUp("optimised out")
    if "Cannot access memory" in message:
        return GaveUp("its memory can't be read")
    return GaveUp(" ".join(message.split())[:160])


class Reader:
    """Evaluates expressions where the program has stopped.

    A name is looked up in the function that has stopped, then in its callers: OpenMP makes functions of loops.

    Attributes:
        optimised: the compiler moved things about. Then variables whose place the compiler followed are right or
            absent, but memory may be out of date: values from it are in doubt. Functions are not called.
    """

    def __init__(self, gdb: Any, optimised: bool) -> None:
        self.gdb, self.optimised = gdb, optimised
        self.frames: list[Any] = []
        self.depth: dict[tuple[str, str], int] = {}
        self.absent: dict[tuple[str, str], GaveUp] = {}
        self.doubts: dict[tuple[str, str], bool] = {}

    def stopped(self) -> None:
        """The program has moved on and stopped again."""
        self.frames = [self.gdb.newest_frame()]

    def _frame(self, depth: int) -> Any:
        while len(self.frames) <= depth:
            older = self.frames[-1].older()
            if older is None:
                return None
            self.frames.append(older)
        return self.frames[depth]

    def value(self, place: str, expression: str) -> Any:
        """What an expression is worth.

        Raises:
            GaveUp: it can't be read.
        """
        key = (place, expression)
        if key in self.absent:
            raise self.absent[key]
        known = self.depth.get(key)
        failure = GaveUp(_ABSENT)
        for depth in range(_MOST_CALLERS) if known is None else (known,):
            frame = self._frame(depth)
            if frame is None:
                break
            try:
                found = self._evaluate(frame, expression)
                self.depth[key] = depth
                return found
            except self.gdb.error as error:
                failure = _failure(error)
                if not failure.absent:
                    raise failure from None
        self.absent[key] = failure
        raise failure

    def _evaluate(self, frame: Any, expression: str) -> Any:
        try:
            frame.select()
            found = self.gdb.parse_and_eval(expression)
            found.fetch_lazy()
            return found
        finally:
            self.frames[0].select()

    def component(self, place: str, expression: str, text: bool = False) -> Any:
        """The value of an expression as a number, or as text.

        Raises:
            GaveUp: it can't be read, or is no number.
        """
        if self.optimised and _CALL.search(expression):
            raise GaveUp("not asked: calling a function of an optimised program is unsafe")
        found = self.value(place, expression)
        gdb = self.gdb
        if found.is_optimized_out:
            raise GaveUp("optimised out")
        try:
            kind = found.type.strip_typedefs().code
            if text:
                pointing = kind in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_ARRAY)
                return found.string(errors="replace")[:_LONGEST_TEXT] if pointing else str(found)[:_LONGEST_TEXT]
            if kind == gdb.TYPE_CODE_FLT:
                return float(found)
            if kind in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_FUNC):
                raise GaveUp(f"is no number but {found.type}")
            return int(found)
        except gdb.error as error:
            raise _failure(error) from None

    def first(self, place: str, alternatives: "list[list[str]]", text: bool = False) -> "tuple[list[Any], bool]":
        """The components of the first alternative that can be read, and whether they are in doubt.

        Raises:
            GaveUp: none can; it says why of the first one that the program has.
        """
        failures = []
        for components in alternatives:
            try:
                values = [self.component(place, component, text) for component in components]
                return values, any(self._in_doubt(place, component) for component in components)
            except GaveUp as failure:
                failures.append(failure)
        raise next((failure for failure in failures if not failure.absent), failures[0])

    def _in_doubt(self, place: str, expression: str) -> bool:
        if not self.optimised:
            return False
        key = (place, expression)
        if key not in self.doubts:
            self.doubts[key] = any(self._in_memory(place, name) for name in identifiers(expression))
        return self.doubts[key]

    def _in_memory(self, place: str, name: str) -> bool:
        """Whether a variable stays at one place in memory, or is a pointer to memory."""
        value = self.value(place, name)
        self._frame(self.depth[place, name]).select()
        said = self.gdb.execute(f"info address {name}", to_string=True)
        self.frames[0].select()
        followed = "multi-location" in said or "constant" in said or "in $" in said
        return not followed or value.type.strip_typedefs().code == self.gdb.TYPE_CODE_PTR
