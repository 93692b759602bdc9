"""Paths are completed as they are typed: → takes what is proposed."""

from __future__ import annotations

from pathlib import Path

from textual.suggester import Suggester

__all__ = ["PathSuggester", "completion"]


def completion(text: str) -> str | None:
    """The first path that goes on from what was typed, None if there is none."""
    path = Path(text).expanduser()
    folder, start = (path, "") if text.endswith("/") else (path.parent, path.name)
    try:
        names = sorted(
            f"{each.name}/" if each.is_dir() else each.name for each in folder.iterdir() if each.name.startswith(start)
        )
    except OSError:
        return None
    names = [name for name in names if start.startswith(".") or not name.startswith(".")]
    if not names:
        return None
    return text[: len(text) - len(start)] + names[0]


class PathSuggester(Suggester):
    """Completes a path with the first file that fits; → takes it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return completion(value) if value else None
