"""docs/causes.md: what it says of the codes is current, what it measured reaches what was aimed at."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from braggtrace.causes.codes import ADVICE, MEANING, Code
from braggtrace.corpus.faults import CODES
from braggtrace.corpus.measure import measure
from braggtrace.corpus.pairs import fault_pair, rounding_pair

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "causes.md"


@pytest.fixture(scope="module")
def page() -> Iterator[ModuleType]:
    """The script that writes the page."""
    path = ROOT / "scripts" / "causes.py"
    if not path.is_file():
        pytest.skip("not a checkout")
    spec = importlib.util.spec_from_file_location("causes_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["causes_script"] = importlib.util.module_from_spec(spec)  # data classes look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["causes_script"]


def rows(first: str) -> list[list[str]]:
    """The rows of the page's tables whose first cell is this."""
    if not PAGE.is_file():
        pytest.skip("not a checkout")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text("utf-8").splitlines()]
    return [row for row in cells if row[0] == first]


def share(cell: str) -> float:
    """A share in percent."""
    return float(cell.removesuffix(" %"))


@pytest.mark.parametrize("code", Code)
def test_every_code_is_explained_as_the_program_does(code: Code) -> None:
    """The page is made from the same words."""
    assert [f"`{code}`", MEANING[code], ADVICE[code]] in rows(f"`{code}`")


@pytest.mark.parametrize("code", CODES)
def test_every_code_was_measured(code: Code) -> None:
    """Dozens of pairs for each."""
    (row,) = [row for row in rows(f"`{code}`") if len(row) == 7]
    assert int(row[1]) >= 30


def test_what_was_aimed_at_is_reached() -> None:
    """The numbers of the page, as they were measured on seeds that nothing was developed on."""
    (one,), (three,) = rows("one"), rows("three")
    assert share(one[2]) >= 99.0
    assert share(one[4]) >= 95.0
    assert share(three[6]) >= 90.0
    (none,) = rows("none, only roundings")
    assert none[7] == "0"


def test_seeds_of_the_page_are_kept_apart(page: ModuleType) -> None:
    """Published and development seeds don't meet, for any size of a run that is offered."""
    published = {task.seed for task in page.tasks(page.PUBLISHED, 1000, 1000, 1000)}
    developed = {task.seed for task in page.tasks(page.DEVELOPMENT, 1000, 1000, 1000)}
    assert not published & developed
    assert len(published) == len(page.CODES) * 1000 + 3000
    listed = {int(seed) for seed in re.findall(r"^- (\d+) \(", PAGE.read_text("utf-8"), re.MULTILINE)}
    assert min(listed) >= page.PUBLISHED


def test_the_page_can_be_made(page: ModuleType) -> None:
    """From a run of four pairs."""
    text = page.page(
        [measure(fault_pair(3)), measure(fault_pair(4, 2)), measure(fault_pair(5, 3)), measure(rounding_pair(6))]
    )
    assert text.startswith("# Causes\n")
    assert "| one | 1 |" in text
    assert "| three | 1 |" in text
