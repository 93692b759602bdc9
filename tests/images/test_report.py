"""What is printed about two images."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import orjson
import pytest

from braggtrace.images.load import read_image
from braggtrace.images.measure import map_data
from braggtrace.images.model import Image, MapData
from braggtrace.images.report import SCHEMA, as_json, sentence, text_lines, values_at


@pytest.fixture
def twins(golden: Path) -> MapData:
    """The beamline's ROI, as the C program made it with and without its stale vector."""
    cases = ("beamline-roi-legacy", "beamline-roi-fixed")
    ours, theirs = (read_image(golden / case / "float.bin", (60, 60), origin=(1609, 936)) for case in cases)
    return map_data(ours, theirs)


def test_the_table_has_the_numbers_that_were_measured(twins: MapData) -> None:
    """Those of the golden cases, and the pixel that everybody knows."""
    text = "\n".join(text_lines(twins))
    assert text.startswith("DIVERGES  3,599 of 3,600 pixels diverge at rtol 1e-06 (default)\n")
    for part in ("293.605929", "253.394414", "245.095062 at 1639 966", "210.373337 at 1639 966", "0.863042563"):
        assert part in text
    assert "the worst of 3,599 pixels" in text
    worst = text.split("the worst of")[1].splitlines()[2]
    assert worst.split()[:2] == ["1639", "966"]
    assert "slow 1609 to 1668, fast 936 to 995" in text
    assert max(map(len, text_lines(twins))) < 120


def test_the_document_says_the_same(twins: MapData) -> None:
    """And is JSON, with at most a thousand pixels."""
    document = json.loads(orjson.dumps(as_json(twins)))
    assert document["schema"] == SCHEMA
    assert document["status"] == "DIVERGES"
    assert document["roi"] == [1609, 1668, 936, 995]
    assert document["reference"]["max_at"] == [1639, 966]
    agreement = document["agreement"]
    assert agreement["sum_ratio"] == pytest.approx(253.394413741788 / 293.605929325262)
    assert agreement["worst"][0]["pixel"] == [1639, 966]
    assert len(agreement["worst"]) + agreement["worst_omitted"] == agreement["diverge"] == 3599


def test_json_has_no_nan() -> None:
    """Such numbers are their names, wherever they can be."""
    ours = Image(np.array([[np.nan, np.inf, 0.0, 1.0]]))
    theirs = Image(np.array([[1.0, 1.0, 1.0, 1.0]]))
    document = as_json(map_data(ours, theirs))
    text = orjson.dumps(document).decode()
    assert document == json.loads(text), "orjson would have written null for NaN"
    first = {tuple(each["pixel"]): each for each in document["agreement"]["worst"]}
    assert first[0, 0]["reference"] == "nan"
    assert first[0, 1]["reference"] == "inf"
    assert first[0, 2]["ratio"] == "inf"
    assert document["agreement"]["smallest_passing_rtol"] is None


def test_one_image_is_described_alone() -> None:
    """There is nothing to agree with."""
    data = map_data(Image(np.array([[1.0, 5.0]]), "a.npy"))
    text = "\n".join(text_lines(data))
    assert text.startswith("one image of 2 pixels")
    assert "max" in text
    assert "candidate" not in text
    assert as_json(data)["status"] is None
    assert as_json(data)["agreement"] is None


def test_sentences_count_rightly() -> None:
    """One pixel is no pixels."""
    one, two = Image(np.array([[1.0]])), Image(np.array([[2.0]]))
    assert sentence(map_data(one, one)) == "1 pixel agrees at rtol 1e-06 (default)"
    assert sentence(map_data(one, two)) == "1 of 1 pixel diverges at rtol 1e-06 (default)"
    nothing = Image(np.array([[np.nan]]), known=np.array([[False]]))
    assert sentence(map_data(nothing, two)) == "no pixel is known on both sides"


def test_a_hostile_name_is_harmless() -> None:
    """A file may be called anything."""
    data = map_data(Image(np.array([[1.0]]), "a\x1b[31m.bin"))
    assert all(line.isprintable() for line in text_lines(data))
    assert "\x1b" not in orjson.dumps(as_json(data)).decode()


@pytest.mark.parametrize(
    ("ours", "theirs", "apart", "ratio"),
    [(2.0, 3.0, 1.0, 1.5), (0.0, 0.0, 0.0, 1.0), (0.0, 3.0, 3.0, math.inf), (0.0, -3.0, -3.0, -math.inf),
     (math.inf, math.inf, 0.0, 1.0), (4.0, 0.0, -4.0, 0.0)],
)  # fmt: skip
def test_values_at_a_pixel(ours: float, theirs: float, apart: float, ratio: float) -> None:
    """Difference and ratio, also where a division fails."""
    data = map_data(Image(np.array([[ours]])), Image(np.array([[theirs]])))
    assert values_at(data, (0, 0)) == (ours, theirs, apart, ratio)
