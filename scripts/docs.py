"""Write the generated pages of docs/: `make docs`."""

from __future__ import annotations

from pathlib import Path

from braggtrace_tui.actions import ACTIONS, Place, Section, key_label

DOCS = Path(__file__).parent.parent / "docs"

KEYS_HEAD = """\
# Keys

Made from `tui/braggtrace_tui/actions.py` by `make docs`; do not edit. The same table is behind `?` in the program,
where an action that is not possible at the moment says why.
"""


def keys_page() -> str:
    """The table of keys, by section."""
    lines = [KEYS_HEAD]
    for section in Section:
        lines += [f"## {section.value}", "", "| key | does |", "|---|---|"]
        for each in ACTIONS:
            if each.section is section:
                keys = " or ".join(f"`{key_label(key)}`" if key_label(key) != "`" else "`` ` ``" for key in each.keys)
                where = " (everywhere)" if each.place is Place.EVERYWHERE else ""
                lines.append(f"| {keys} | {each.help.replace('*', chr(92) + '*')}{where} |")
        lines.append("")
    return "\n".join(lines)


PAGES = {"keys.md": keys_page}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
