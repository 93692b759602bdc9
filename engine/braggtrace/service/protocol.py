"""The lines that the engine and its clients exchange: limits, parsing, error codes. `docs/engine-protocol.md`."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from braggtrace.errors import EngineError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "MAX_LINE",
    "PIECE",
    "RETIRED",
    "VERSION",
    "Code",
    "Lines",
    "Refused",
    "Request",
    "decode_base64",
    "encode",
    "image_of",
    "parse_request",
    "trouble",
]

VERSION = 1
"""What `v` says in every request."""

MAX_LINE = 8 << 20
"""Bytes of the longest line, without its newline, in either direction."""

PIECE = 192 << 10
"""Bytes of what is sent in pieces: files, images, traces."""

RETIRED = 64
"""Exit status of a worker that wants to be replaced, without anything being wrong."""

_LONGEST_ID = 200
_SHOWN = 80


class Code(StrEnum):
    """What kind of trouble an error reply tells of."""

    USAGE = "usage"  # flags, fields or options make no sense
    INPUT = "input"  # a file is missing or can't be read
    DEVICE = "device"  # there is no such device or precision, or no PyTorch
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # no such verb
    PROTOCOL = "protocol"  # no request at all, or of another version
    TOO_BIG = "too-big"  # a line, an experiment or a result
    ABSENT = "absent"  # the contents of a file have to be sent (again)
    INTERNAL = "internal"  # a bug
    DIED = "died"  # the worker ended in the middle of it
    LOST = "lost"  # said by the client: the engine is gone


class Refused(Exception):
    """A line is no request that can be acted on."""

    def __init__(self, code: Code, sentence: str, id: str | None = None) -> None:  # noqa: A002
        super().__init__(sentence)
        self.code, self.sentence, self.id = code, sentence, id


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for.

    Attributes:
        id: names the request in every reply.
        do: the verb.
        fields: all that the verb needs.
        line: the request as it came.
    """

    id: str
    do: str
    fields: Mapping[str, Any]
    line: bytes


def parse_request(line: bytes) -> Request:
    """Read one line.

    Raises:
        Refused: it is no request of this version.
    """
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        shown = line[:_SHOWN].decode("utf-8", "replace")
        raise Refused(Code.PROTOCOL, f"no JSON: {error}; got {shown!r}") from None
    if not isinstance(data, dict):
        raise Refused(Code.PROTOCOL, f"a request is a JSON object, got {_kind(data)}")
    id_ = data.pop("id", None)
    if not isinstance(id_, str) or not 0 < len(id_) <= _LONGEST_ID:
        raise Refused(Code.PROTOCOL, f"a request needs an id: 1 to {_LONGEST_ID} characters of text, got {_kind(id_)}")
    version = data.pop("v", None)
    if version != VERSION or isinstance(version, bool):
        got = "none" if version is None else orjson.dumps(version).decode()[:_SHOWN]
        raise Refused(Code.PROTOCOL, f"this engine speaks protocol {VERSION}; the request says v: {got}", id_)
    verb = data.pop("do", None)
    if not isinstance(verb, str):
        raise Refused(Code.PROTOCOL, f"a request needs a verb: do, got {_kind(verb)}", id_)
    return Request(id_, verb, data, line)


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as a line. Not-a-number and infinity become null."""
    return orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)


def trouble(code: str, sentence: str, detail: str = "") -> dict[str, str]:
    """The fields of an error reply."""
    return {"code": str(code), "sentence": sentence, "detail": detail}


class Lines:
    """Cuts a stream of bytes into lines, and skips those that are too long."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that end in `data`, without newline; None for one that is too long, as soon as it is."""
        while True:
            head, newline, data = data.partition(b"\n")
            if not self._skipping:
                self._parts.append(head)
                self._size += len(head)
            if self._size > self._limit:
                self._parts, self._size, self._skipping = [], 0, True
                yield None
            if not newline:
                return
            if not self._skipping:
                yield b"".join(self._parts)
            self._parts, self._size, self._skipping = [], 0, False


def image_of(result: Mapping[str, Any]) -> NDArray[np.float32]:
    """The image in the result of `simulate`.

    Args:
        result: its fields, as `Engine` gives them.

    Returns:
        (slow, fast) float32 [photons].

    Raises:
        EngineError: the result holds no image of its shape.
    """
    import numpy as np

    slow, fast = result["shape"]
    packed = result.get("image", b"")
    unpacker = zlib.decompressobj()
    size = 4 * int(slow) * int(fast)
    pieces, got = [], 0
    try:
        for start in range(0, len(packed), PIECE):  # in pieces, so that other threads get a turn
            piece = unpacker.decompress(packed[start : start + PIECE], size - got + 1)
            got += len(piece)
            pieces.append(piece)
    except zlib.error as error:
        raise EngineError(Code.PROTOCOL, f"the image in the reply is damaged: {error}") from error
    if got != size:
        raise EngineError(Code.PROTOCOL, f"the image in the reply has {got} bytes, expected {size}")
    return np.frombuffer(b"".join(pieces), dtype="<f4").reshape(slow, fast).astype(np.float32, copy=False)


def decode_base64(text: object) -> bytes:
    """The bytes that a message carries.

    Raises:
        ValueError: it is no base64.
    """
    if not isinstance(text, str):
        raise ValueError("no text")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _kind(value: object) -> str:
    """The kind of a JSON value, in words."""
    words = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return words.get(type(value), "nothing")
