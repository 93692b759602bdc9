"""SMV images: a text header of `KEY=value;` lines in braces, then the pixels.

The C program looks a key up at the last place where it occurs as a substring, so `DISTANCE` also finds `CLOSE_DISTANCE`
(quirk `last-substring-header-key`); `last_substring=False` takes whole keys. It also writes headers of more than 512
bytes that say `HEADER_BYTES=512`; they are written like that here too, and read rightly.

Source: sections 5.6 and 11 and Q13 of the behaviour reference.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from braggtrace.errors import InputError
from braggtrace.formats.files import PathLike, read_bytes, write_atomic
from braggtrace.formats.scan import atof, scan_float

__all__ = [
    "MAGIC",
    "HeaderCamera",
    "SmvHeader",
    "SmvImage",
    "SmvValues",
    "format_header",
    "parse_header",
    "read_header",
    "read_smv",
    "write_smv",
]

MAGIC = b"{\nHEADER_BYT"
HEADER_BYTES = 512

_WHAT = "an SMV image"
_ITEM = re.compile(r"^\s*([^=;\n{}]+?)\s*=\s*([^;\n]*)", re.MULTILINE)
_TYPES = {
    "unsigned_short": "u2",
    "unsigned short int": "u2",
    "unsigned_char": "u1",
    "signed_short": "i2",
    "short": "i2",
    "unsigned_long": "u4",
    "unsigned_int": "u4",
    "signed_long": "i4",
    "long_integer": "i4",
    "int": "i4",
    "float": "f4",
}


@dataclass(frozen=True, slots=True)
class HeaderCamera:
    """The camera that a header describes; None where the header says nothing.

    Attributes:
        pixels: number of pixels, (slow, fast).
        pixel_size_mm: [mm].
        distance_mm: [mm].
        close_distance_mm: [mm]; it wins over the distance.
        wavelength_A: [Å].
        beam_center_x_mm: Xbeam [mm].
        beam_center_y_mm: Ybeam [mm] in an image. In a *mask* the program takes the height of the detector minus this.
        orgx_px: [pixels].
        orgy_px: [pixels].
        phi_deg: start of the rotation [°].
        osc_range_deg: range of the rotation [°].
        twotheta_deg: [°]; the C program reads and forgets it.
    """

    pixels: tuple[int, int] | None = None
    pixel_size_mm: float | None = None
    distance_mm: float | None = None
    close_distance_mm: float | None = None
    wavelength_A: float | None = None
    beam_center_x_mm: float | None = None
    beam_center_y_mm: float | None = None
    orgx_px: float | None = None
    orgy_px: float | None = None
    phi_deg: float | None = None
    osc_range_deg: float | None = None
    twotheta_deg: float | None = None


@dataclass(frozen=True, slots=True)
class SmvHeader:
    """The header of an SMV image.

    Attributes:
        text: all of it, from the opening brace on.
        data_offset: where the pixels start [bytes]: HEADER_BYTES, or behind a header that is longer.
        path: the file, for messages.
    """

    text: str
    data_offset: int
    path: str | None = None

    def items(self) -> dict[str, str]:
        """Whole keys and their values, as text; of a repeated key the last one."""
        return {key: value.strip() for key, value in _ITEM.findall(self.text)}

    def number(self, key: str, *, last_substring: bool = True) -> float | None:
        """The number that belongs to a key, or None if there is no such key.

        Args:
            key: as in "DISTANCE".
            last_substring: find the key as the C program does, in the last place where the text holds it; what is no
                number is then 0.

        Raises:
            InputError: without `last_substring`, the value is no finite number.
        """
        if last_substring:
            _, found, rest = self.text.rpartition(key)
            _, equals, value = rest.partition("=")
            return atof(value.encode("latin-1")) if found and equals else None
        value = self.items().get(key, "")
        if not value:
            return None
        number = scan_float(value.encode("latin-1"), 0)
        if number is None or not math.isfinite(number[0]):
            raise InputError(f"the header has a bad {key}", path=self.path, expected="a finite number", got=repr(value))
        return number[0]

    def camera(self, *, last_substring: bool = True) -> HeaderCamera:
        """The camera that the header describes; see `number` for `last_substring` and what is raised."""

        def number(key: str) -> float | None:
            value = self.number(key, last_substring=last_substring)
            if value is not None and not math.isfinite(value):
                raise InputError(
                    f"the header has a bad {key}", path=self.path, expected="a finite number", got=str(value)
                )
            return value

        sizes = [number("SIZE1"), number("SIZE2")]
        if not sizes[0]:
            sizes = self._dimensions() or sizes
        fast, slow = (None if size is None else int(size) for size in sizes)
        return HeaderCamera(
            pixels=None if slow is None or fast is None else (slow, fast),
            pixel_size_mm=number("PIXEL_SIZE"),
            distance_mm=number("DISTANCE"),
            close_distance_mm=number("CLOSE_DISTANCE"),
            wavelength_A=number("WAVELENGTH"),
            beam_center_x_mm=number("BEAM_CENTER_X"),
            beam_center_y_mm=number("BEAM_CENTER_Y"),
            orgx_px=number("ORGX"),
            orgy_px=number("ORGY"),
            phi_deg=number("PHI"),
            osc_range_deg=number("OSC_RANGE"),
            twotheta_deg=number("TWOTHETA"),
        )

    def _dimensions(self) -> list[float | None] | None:
        words = [w for key, value in self.items().items() if key.endswith("DETECTOR_DIMENSIONS") for w in value.split()]
        return [atof(words[0].encode()), atof(words[1].encode())] if len(words) >= 2 else None


@dataclass(frozen=True, slots=True, eq=False)
class SmvImage:
    """An SMV image.

    Attributes:
        header: its header.
        pixels: shape (slow, fast), in the type and byte order that the header states.
    """

    header: SmvHeader
    pixels: NDArray[np.generic]


def parse_header(data: bytes, path: PathLike | None = None) -> SmvHeader:
    """The header of an SMV file.

    Raises:
        InputError: the data is no SMV file, or shorter than its header.
    """
    if not data.startswith(MAGIC):
        raise InputError(
            "not an SMV image", path=path, expected="a brace, a newline and HEADER_BYTES", got=repr(data[: len(MAGIC)])
        )
    declared = int(atof(data[: HEADER_BYTES * 2].partition(b"=")[2]))
    if not HEADER_BYTES <= declared <= len(data):
        raise InputError(
            "the SMV header is truncated or states a wrong length",
            path=path,
            expected=f"HEADER_BYTES from {HEADER_BYTES} to the size of the file, {len(data)}",
            got=str(declared),
        )
    end = declared
    if b"}" not in data[:declared]:
        # A header that outgrew its stated length, as the C program writes it: the pixels follow the form feed.
        brace = data.find(b"}\f", declared, declared + 4096)
        end = declared if brace < 0 else brace + 2
    return SmvHeader(data[:end].decode("latin-1"), end, None if path is None else str(path))


def read_header(path: PathLike) -> SmvHeader:
    """Read the header of an SMV file.

    Raises:
        InputError: the file is missing or no SMV file.
    """
    return parse_header(read_bytes(path, _WHAT), path)


def read_smv(path: PathLike) -> SmvImage:
    """Read an SMV image with the type and byte order that its header states.

    Raises:
        InputError: the file is missing, no SMV file, has no size, a pixel type we don't know, or too few pixels.
    """
    data = read_bytes(path, _WHAT)
    header = parse_header(data, path)
    shape = header.camera().pixels
    if shape is None or min(shape) <= 0:
        raise InputError("the SMV header has no size", path=path, expected="SIZE1 and SIZE2", got=f"{shape}")
    items = header.items()
    kind = items.get("TYPE", "unsigned_short").lower()
    if kind not in _TYPES:
        raise InputError("unknown SMV pixel type", path=path, expected=", ".join(_TYPES), got=repr(kind))
    order = ">" if items.get("BYTE_ORDER", "little_endian").lower().startswith("big") else "<"
    dtype = np.dtype(order + _TYPES[kind])
    needed = shape[0] * shape[1] * dtype.itemsize
    if len(data) - header.data_offset < needed:
        raise InputError(
            "the SMV image is truncated",
            path=path,
            expected=f"{needed} bytes for {shape[0]} x {shape[1]} (slow x fast) pixels behind the header",
            got=str(len(data) - header.data_offset),
        )
    pixels = np.frombuffer(data, dtype=dtype, count=shape[0] * shape[1], offset=header.data_offset)
    return SmvImage(header, pixels.reshape(shape).astype(dtype.newbyteorder("=")))


@dataclass(frozen=True, slots=True)
class SmvValues:
    """What the program writes into the header of an image, in its own units.

    Attributes:
        shape: number of pixels, (slow, fast).
        pixel_size_m: [m].
        distance_m: [m], as it is after detector and distances were made consistent.
        close_distance_m: [m].
        wavelength_m: the central wavelength [m].
        Xbeam_m: beam centre in the axes of the convention [m].
        Ybeam_m: the same.
        Fbeam_m: direct beam along the fast axis, after all rotations [m].
        Sbeam_m: the same along the slow axis.
        detsize_slow_m: height of the detector [m].
        pix0_m: outer corner of the first pixel, x y z [m].
        ORGX_px: nearest point along the fast axis [pixels].
        ORGY_px: the same along the slow axis.
        phi_deg: start of the rotation [°].
        osc_deg: range of the rotation [°].
        twotheta_deg: [°].
    """

    shape: tuple[int, int]
    pixel_size_m: float
    distance_m: float
    close_distance_m: float
    wavelength_m: float
    Xbeam_m: float
    Ybeam_m: float
    Fbeam_m: float
    Sbeam_m: float
    detsize_slow_m: float
    pix0_m: tuple[float, float, float]
    ORGX_px: float
    ORGY_px: float
    phi_deg: float
    osc_deg: float
    twotheta_deg: float


def format_header(values: SmvValues) -> bytes:
    """The header of an integer or noise image: 512 bytes, or more if the text is longer; it says 512 all the same."""
    half_pixel = values.pixel_size_m / 2.0
    x, y, z = values.pix0_m
    lengths_mm = {
        "BEAM_CENTER_X": values.Xbeam_m,
        "BEAM_CENTER_Y": values.Ybeam_m,
        "ADXV_CENTER_X": values.Fbeam_m,
        "ADXV_CENTER_Y": values.detsize_slow_m - values.Sbeam_m,
        "MOSFLM_CENTER_X": values.Sbeam_m - half_pixel,
        "MOSFLM_CENTER_Y": values.Fbeam_m - half_pixel,
        "DENZO_X_BEAM": values.Sbeam_m,
        "DENZO_Y_BEAM": values.Fbeam_m,
    }
    lines = [
        "{",
        f"HEADER_BYTES={HEADER_BYTES};",
        "DIM=2;",
        "BYTE_ORDER=little_endian;",
        "TYPE=unsigned_short;",
        f"SIZE1={values.shape[1]};",
        f"SIZE2={values.shape[0]};",
        f"PIXEL_SIZE={values.pixel_size_m * 1000.0:g};",
        f"DISTANCE={values.distance_m * 1000.0:g};",
        f"WAVELENGTH={values.wavelength_m * 1e10:g};",
        *(f"{key}={length_m * 1000.0:g};" for key, length_m in lengths_mm.items()),
        f"DIALS_ORIGIN={z * 1000.0:g},{y * 1000.0:g},{-x * 1000.0:g}",  # no semicolon, as the program writes it
        f"XDS_ORGX={values.ORGX_px:g};",
        f"XDS_ORGY={values.ORGY_px:g};",
        f"CLOSE_DISTANCE={values.close_distance_m * 1000.0:g};",
        f"PHI={values.phi_deg:g};",
        f"OSC_START={values.phi_deg:g};",
        f"OSC_RANGE={values.osc_deg:g};",
        f"TWOTHETA={values.twotheta_deg:g};",
        "DETECTOR_SN=000;",
        "BEAMLINE=fake;",
        "}\f",
    ]
    return "\n".join(lines).encode("ascii").ljust(HEADER_BYTES)


def write_smv(path: PathLike, values: SmvValues, pixels: NDArray[np.uint16]) -> None:
    """Write an integer or noise image; byte for byte what the C program writes.

    Args:
        path: the file.
        values: what the header says.
        pixels: uint16, shape (slow, fast).

    Raises:
        InputError: the pixels have another shape or type than the header says.
        OutputError: the file can't be written.
    """
    if pixels.shape != values.shape or pixels.dtype != np.uint16:
        raise InputError(
            "the pixels don't fit the SMV header",
            path=path,
            expected=f"uint16 of shape {values.shape}",
            got=f"{pixels.dtype} of shape {pixels.shape}",
        )
    write_atomic(path, [format_header(values), pixels.astype("<u2")])
