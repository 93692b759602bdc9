"""What the README shows is what the program prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.conftest import ROOT, Cli

README = ROOT / "README.md"


def sessions() -> list[tuple[list[str], list[str]]]:
    """Every `braggtrace` command in a console block, and the lines shown below it."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            if command.startswith("braggtrace "):
                found.append((shlex.split(command)[1:], shown))
    return found


def test_commands_print_what_the_readme_shows(cli: Cli) -> None:
    """Line by line, up to where the README leaves off with an ellipsis."""
    assert sessions()
    for arguments, shown in sessions():
        result = cli(*arguments, cwd=ROOT)
        assert not result.stderr
        until = shown.index("…") if "…" in shown else len(shown)
        assert result.stdout.splitlines()[:until] == shown[:until]
        assert until == len(shown) or result.returncode == 1


def test_links_lead_somewhere() -> None:
    """Every relative link of every page names a file."""
    for page in [README, *(ROOT / "docs").glob("*.md"), ROOT / "sample_traces/README.md", ROOT / "CONTRIBUTING.md"]:
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert Path(page.parent, link).exists(), f"{page.name}: {link}"
