"""Lines in both directions: what is a request, where a line ends, and what an image is made of."""

from __future__ import annotations

import json
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from braggtrace.errors import EngineError
from braggtrace.service.protocol import Code, Lines, Refused, decode_base64, encode, image_of, parse_request
from braggtrace.service.verbs import VERBS, check


def test_a_request_is_read() -> None:
    """Id, verb and fields."""
    request = parse_request(b'{"v":1,"id":"a","do":"have","hashes":[]}')
    assert (request.id, request.do, dict(request.fields)) == ("a", "have", {"hashes": []})


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (b"", Code.PROTOCOL, "no JSON"),
        (b"sandwich", Code.PROTOCOL, "no JSON"),
        (b"\xff\xfe", Code.PROTOCOL, "no JSON"),
        (b"[" * 100_000, Code.PROTOCOL, "no JSON"),
        (b"[1]", Code.PROTOCOL, "a list"),
        (b"null", Code.PROTOCOL, "nothing"),
        (b'{"v":1,"do":"hello"}', Code.PROTOCOL, "needs an id"),
        (b'{"v":1,"id":7,"do":"hello"}', Code.PROTOCOL, "a number"),
        (b'{"v":1,"id":"","do":"hello"}', Code.PROTOCOL, "needs an id"),
        (b'{"id":"a","do":"hello"}', Code.PROTOCOL, "v: none"),
        (b'{"v":2,"id":"a","do":"hello"}', Code.PROTOCOL, "speaks protocol 1; the request says v: 2"),
        (b'{"v":true,"id":"a","do":"hello"}', Code.PROTOCOL, "v: true"),
        (b'{"v":"1","id":"a","do":"hello"}', Code.PROTOCOL, 'v: "1"'),
        (b'{"v":1,"id":"a"}', Code.PROTOCOL, "needs a verb"),
        (b'{"v":1,"id":"a","do":"dance"}', Code.UNKNOWN, "no such verb: 'dance'; there are hello"),
        (b'{"v":1,"id":"a","do":"hello","x":1}', Code.USAGE, "hello has no field 'x'; there are none"),
        (b'{"v":1,"id":"a","do":"trace"}', Code.USAGE, "trace needs flags"),
        (b'{"v":1,"id":"a","do":"trace","flags":"-N 5"}', Code.USAGE, "expected flags to be a list of words"),
        (b'{"v":1,"id":"a","do":"trace","flags":[5]}', Code.USAGE, "a list of words"),
        (b'{"v":1,"id":"a","do":"trace","flags":[],"pixels":[[1]]}', Code.USAGE, "a list of [slow, fast]"),
        (b'{"v":1,"id":"a","do":"trace","flags":[],"pixels":[[1,true]]}', Code.USAGE, "a list of [slow, fast]"),
        (b'{"v":1,"id":"a","do":"trace","flags":[],"pixels":[[1,99999999999999999999999]]}', Code.USAGE, "pixels"),
        (b'{"v":1,"id":"a","do":"explain","flags":[],"quirks":{"a":1}}', Code.USAGE, "true and false by name"),
        (b'{"v":1,"id":"a","do":"explain","flags":[],"files":{"a":"../x"}}', Code.USAGE, "SHA-256"),
        (b'{"v":1,"id":"a","do":"explain","flags":[],"phi_mode":"x"}', Code.USAGE, "c-parity, spec or null"),
    ],
)
def test_what_is_no_request_is_refused(line: bytes, code: Code, words: str) -> None:
    """The refusal says what was expected, and never fails itself."""
    with pytest.raises(Refused) as caught:
        check(parse_request(line))
    assert caught.value.code == code
    assert words in caught.value.sentence
    assert len(caught.value.sentence) < 300


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_is_read_or_refused(data: object) -> None:
    """Nothing but a refusal comes out."""
    for value in (data, {"v": 1, "id": "a", "do": data}, {"v": 1, "id": "a", "do": "trace", "flags": data}):
        with suppress(Refused):
            check(parse_request(json.dumps(value).encode()))


def test_defaults_are_filled_in() -> None:
    """Every field of the verb has a value."""
    verb, fields = check(parse_request(b'{"v":1,"id":"a","do":"trace","flags":["-N","5"]}'))
    assert verb is VERBS["trace"]
    assert set(fields) == set(verb.fields)
    assert (fields["profile"], fields["device"], fields["pixels"]) == ("legacy", "cpu", [])


@given(st.lists(st.binary(max_size=30)), st.integers(1, 40), st.integers(1, 25))
def test_lines_are_the_same_however_they_arrive(parts: list[bytes], step: int, limit: int) -> None:
    """Cut anywhere, the lines are those of the whole; the ones that are too long are None."""
    text = b"\n".join(parts)
    *whole, rest = text.split(b"\n")
    expected = [line if len(line) <= limit else None for line in whole] + [None] * (len(rest) > limit)
    lines = Lines(limit)
    got = [line for start in range(0, len(text), step) for line in lines.feed(text[start : start + step])]
    assert got == expected


def test_too_long_a_line_takes_no_memory() -> None:
    """What can't be kept is dropped as it comes."""
    lines = Lines(1000)
    got = [line for _ in range(10_000) for line in lines.feed(b"x" * 1000)]
    assert got == [None]
    assert sum(map(len, lines._parts)) == 0
    assert list(lines.feed(b"\nshort\n")) == [b"short"]


def test_numbers_that_json_lacks_are_null() -> None:
    """A statistic that is not a number doesn't break the line."""
    assert encode({"x": float("nan"), "y": [float("inf")]}) == b'{"x":null,"y":[null]}\n'


def test_image_comes_back() -> None:
    """Packed pixels are the image, (slow, fast)."""
    image = np.arange(6, dtype="<f4").reshape(2, 3)
    np.testing.assert_array_equal(image_of({"shape": [2, 3], "image": zlib.compress(image.tobytes())}), image)


@pytest.mark.parametrize(
    ("shape", "packed"),
    [
        ([2, 3], b""),
        ([2, 3], b"no zlib"),
        ([2, 3], zlib.compress(b"\0" * 20)),
        ([2, 3], zlib.compress(b"\0" * 28)),
        ([2, 3], zlib.compress(b"\0" * 100_000_000)),
        ([2, 3], zlib.compress(b"\0" * 24)[:-6]),
    ],
)
def test_another_image_is_refused(shape: list[int], packed: bytes) -> None:
    """Too short, too long, a bomb, damaged."""
    with pytest.raises(EngineError):
        image_of({"shape": shape, "image": packed})


@pytest.mark.parametrize("text", [None, 5, "%%%", "abc"])
def test_no_base64(text: object) -> None:
    """Whatever it is, it is one kind of error."""
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the decoder's
        decode_base64(text)
