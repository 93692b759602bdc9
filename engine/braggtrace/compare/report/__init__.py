"""A comparison as text, JSON, Markdown or JUnit. Everything here only renders; nothing is computed anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from braggtrace.compare.model import Comparison

if TYPE_CHECKING:
    from braggtrace.replay.model import Explanation

__all__ = ["FORMATS", "render", "render_pieces"]

FORMATS = ("text", "json", "markdown", "junit")


def render(
    comparison: Comparison, form: str = "text", *, all_pairs: bool = False, explanation: Explanation | None = None
) -> str:
    """A comparison in one of `FORMATS`, with a newline at its end.

    Args:
        comparison: what to report.
        form: one of `FORMATS`.
        all_pairs: JSON holds every pair, not only the diverging ones.
        explanation: why it diverges, to be told as well.
    """
    return "".join(render_pieces(comparison, form, all_pairs=all_pairs, explanation=explanation))


def render_pieces(
    comparison: Comparison, form: str = "text", *, all_pairs: bool = False, explanation: Explanation | None = None
) -> Iterator[str]:
    """The same piece by piece, for a report that may be too long for memory."""
    match form:
        case "text":
            from braggtrace.compare.report.text import render_text

            yield render_text(comparison, explanation)
        case "json":
            from braggtrace.compare.report.json import json_pieces

            yield from json_pieces(comparison, all_pairs=all_pairs, explanation=explanation)
        case "markdown":
            from braggtrace.compare.report.markdown import render_markdown

            yield render_markdown(comparison, explanation)
        case "junit":
            from braggtrace.compare.report.junit import render_junit

            yield render_junit(comparison, explanation)
        case _:
            raise ValueError(f"no report format {form!r}; expected one of {', '.join(FORMATS)}")
