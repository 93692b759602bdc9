"""A comparison as text, JSON, Markdown or JUnit. Everything here only renders; nothing is computed anew."""

from __future__ import annotations

from collections.abc import Iterator

from braggtrace.compare.model import Comparison

__all__ = ["FORMATS", "render", "render_pieces"]

FORMATS = ("text", "json", "markdown", "junit")


def render(comparison: Comparison, form: str = "text", *, all_pairs: bool = False) -> str:
    """A comparison in one of `FORMATS`, with a newline at its end.

    Args:
        comparison: what to report.
        form: one of `FORMATS`.
        all_pairs: JSON holds every pair, not only the diverging ones.
    """
    return "".join(render_pieces(comparison, form, all_pairs=all_pairs))


def render_pieces(comparison: Comparison, form: str = "text", *, all_pairs: bool = False) -> Iterator[str]:
    """The same piece by piece, for a report that may be too long for memory."""
    match form:
        case "text":
            from braggtrace.compare.report.text import render_text

            yield render_text(comparison)
        case "json":
            from braggtrace.compare.report.json import json_pieces

            yield from json_pieces(comparison, all_pairs=all_pairs)
        case "markdown":
            from braggtrace.compare.report.markdown import render_markdown

            yield render_markdown(comparison)
        case "junit":
            from braggtrace.compare.report.junit import render_junit

            yield render_junit(comparison)
        case _:
            raise ValueError(f"no report format {form!r}; expected one of {', '.join(FORMATS)}")
