"""A comparison as text, JSON, Markdown or JUnit. Everything here only renders; nothing is computed anew."""

from __future__ import annotations

from braggtrace.compare.model import Comparison

__all__ = ["FORMATS", "render"]

FORMATS = ("text", "json", "markdown", "junit")


def render(comparison: Comparison, form: str = "text", *, all_pairs: bool = False) -> str:
    """A comparison in one of `FORMATS`, with a newline at its end.

    Args:
        comparison: what to report.
        form: one of `FORMATS`.
        all_pairs: JSON holds every pair, not only the diverging ones.
    """
    match form:
        case "text":
            from braggtrace.compare.report.text import render_text

            return render_text(comparison)
        case "json":
            from braggtrace.compare.report.json import render_json

            return render_json(comparison, all_pairs=all_pairs)
        case "markdown":
            from braggtrace.compare.report.markdown import render_markdown

            return render_markdown(comparison)
        case "junit":
            from braggtrace.compare.report.junit import render_junit

            return render_junit(comparison)
    raise ValueError(f"no report format {form!r}; expected one of {', '.join(FORMATS)}")
