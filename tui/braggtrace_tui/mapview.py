"""Which part of an image is on the screen, and where the cursor is: pure values and arithmetic.

A screen is a grid of *dots*: half a character cell each in colour, two whole cells where there is none. The zoom says
how many pixels a dot stands for (4: blocks of 4 x 4), or how many dots a pixel has (-4: 4 x 4 dots).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from braggtrace.images.pool import Window

__all__ = ["CLOSEST", "View", "closer", "farther", "whole_image", "zoom_steps"]

CLOSEST = -16
"""The largest number of dots along a pixel, negative."""


@dataclass(frozen=True, slots=True)
class View:
    """A part of an image on a grid of dots. Pixels are indices into the image.

    Attributes:
        shape: the image's number of pixels, (slow, fast).
        dots: the size of the grid, (down, across).
        zoom: pixels along a dot, or minus the number of dots along a pixel.
        top, left: the first pixel that is shown; a multiple of `block`.
        cursor: the pixel under the cursor, (slow, fast).
    """

    shape: tuple[int, int]
    dots: tuple[int, int]
    zoom: int
    top: int = 0
    left: int = 0
    cursor: tuple[int, int] = (0, 0)

    @property
    def block(self) -> int:
        """Pixels along the side of what is drawn as one."""
        return max(1, self.zoom)

    @property
    def spread(self) -> int:
        """Dots along the side of what is drawn as one."""
        return max(1, -self.zoom)

    @property
    def page(self) -> tuple[int, int]:
        """Blocks that fit on the grid, (down, across)."""
        return max(1, self.dots[0] // self.spread), max(1, self.dots[1] // self.spread)

    @property
    def window(self) -> Window:
        """The pixels that are shown."""
        (slows, fasts), (down, across) = self.shape, self.page
        return Window(
            self.top, self.left, min(slows - self.top, down * self.block), min(fasts - self.left, across * self.block)
        )

    @property
    def cursor_block(self) -> tuple[int, int]:
        """The block under the cursor, counted from the first one shown."""
        return (self.cursor[0] - self.top) // self.block, (self.cursor[1] - self.left) // self.block

    @property
    def whole(self) -> bool:
        """Whether all of the image is shown."""
        window = self.window
        return (window.height, window.width) == self.shape

    def block_at(self, pixel: tuple[int, int]) -> Window:
        """The pixels of the block that a pixel is in."""
        top, left = (each // self.block * self.block for each in pixel)
        return Window(top, left, min(self.block, self.shape[0] - top), min(self.block, self.shape[1] - left))

    def beside(self, down: int, across: int) -> Window | None:
        """The block so many blocks away from the cursor, or as far as the image goes; None if that is where it is."""
        here = tuple(each // self.block for each in self.cursor)
        last = tuple((size - 1) // self.block for size in self.shape)
        there = tuple(max(0, min(at + step, end)) for at, step, end in zip(here, (down, across), last, strict=True))
        return None if there == here else self.block_at((there[0] * self.block, there[1] * self.block))

    def pixel_of(self, down: int, across: int) -> tuple[int, int] | None:
        """The first pixel of the block at a dot; None outside the image."""
        slow = self.top + down // self.spread * self.block
        fast = self.left + across // self.spread * self.block
        inside = 0 <= slow < self.shape[0] and 0 <= fast < self.shape[1]
        return (slow, fast) if inside else None

    def at(self, cursor: tuple[int, int]) -> View:
        """The cursor elsewhere. If it leaves the page, the page moves by half, so that most steps move nothing else."""
        view = replace(self, cursor=cursor)
        top, left = (
            _scrolled(first, at, page, self.block)
            for first, at, page in zip((self.top, self.left), cursor, self.page, strict=True)
        )
        return replace(view, top=top, left=left)._inside()

    def panned(self, down: int, across: int) -> View:
        """The page and the cursor moved by so many blocks, as far as the image goes."""
        cursor = tuple(
            max(0, min(at + step * self.block, size - 1))
            for at, step, size in zip(self.cursor, (down, across), self.shape, strict=True)
        )
        moved = replace(self, top=self.top + down * self.block, left=self.left + across * self.block)
        return moved._inside().at((cursor[0], cursor[1]))

    def zoomed(self, zoom: int) -> View:
        """Another zoom; the cursor stays where it is on the screen as far as possible."""
        view = replace(self, zoom=zoom)
        top, left = (
            (at // view.block - min(block * self.spread // view.spread, page - 1)) * view.block
            for at, block, page in zip(self.cursor, self.cursor_block, view.page, strict=True)
        )
        return replace(view, top=top, left=left)._inside()

    def resized(self, dots: tuple[int, int]) -> View:
        """Another grid. What showed the whole image does so again."""
        if self.whole and self.zoom == _fitting(self.shape, self.dots):
            return replace(whole_image(self.shape, dots), cursor=self.cursor)
        largest = _fitting(self.shape, dots)
        zoom = self.zoom if _pixels(self.zoom) <= _pixels(largest) else largest
        return replace(self, dots=dots, zoom=zoom)._inside().at(self.cursor)

    def _inside(self) -> View:
        """No more empty space than needed, and the first pixel a multiple of the block."""
        firsts = []
        for first, size, page in zip((self.top, self.left), self.shape, self.page, strict=True):
            blocks = -(-size // self.block)
            firsts.append(max(0, min(first // self.block, blocks - page)) * self.block)
        return replace(self, top=firsts[0], left=firsts[1])


def _scrolled(first: int, at: int, page: int, block: int) -> int:
    """The first pixel of a page of so many blocks that holds the pixel `at`."""
    if first <= at < first + page * block:
        return first
    return (at // block - page // 2) * block


def _pixels(zoom: int) -> float:
    """Pixels along a dot."""
    return float(zoom) if zoom > 0 else -1 / zoom


def _fitting(shape: tuple[int, int], dots: tuple[int, int]) -> int:
    """The closest zoom that shows the whole image."""
    needed = max(-(-size // max(1, room)) for size, room in zip(shape, dots, strict=True))
    if needed > 1:
        return needed
    spread = min(room // size for size, room in zip(shape, dots, strict=True))
    return max(CLOSEST, -spread) if spread > 1 else 1


def whole_image(shape: tuple[int, int], dots: tuple[int, int]) -> View:
    """All of an image, as large as fits."""
    return View(shape, dots, _fitting(shape, dots))


def zoom_steps(view: View) -> list[int]:
    """The zooms one can step through, from the closest to the whole image; powers of two and the last one."""
    largest = _fitting(view.shape, view.dots)
    steps = [CLOSEST, -8, -4, -2, 1] + [2**power for power in range(1, 31)]
    return [step for step in steps if _pixels(step) < _pixels(largest)] + [largest]


def closer(view: View) -> int | None:
    """The next zoom towards the pixels; None if there is none."""
    return next((step for step in reversed(zoom_steps(view)) if _pixels(step) < _pixels(view.zoom)), None)


def farther(view: View) -> int | None:
    """The next zoom towards the whole image; None if there is none."""
    return next((step for step in zoom_steps(view) if _pixels(step) > _pixels(view.zoom)), None)
