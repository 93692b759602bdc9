"""`braggtrace map`: where on the detector two images disagree."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from braggtrace.compare.tolerance import Measure, Rule, Tolerances, parse_rules
from braggtrace.errors import ToleranceError
from braggtrace.quantities import Kind
from braggtrace_tui.commands.open import add_screen_arguments, backends_of

if TYPE_CHECKING:
    from braggtrace.compare.tolerance import Tolerance
    from braggtrace.images.model import MapData

__all__ = ["add_arguments", "load", "run"]

EPILOG = """\
examples:
  braggtrace map c/float.bin torch/float.bin --shape 2527 2463
  braggtrace map c/int.img torch/image.npy --rtol 1e-5 --atol '1e-6*max'
  braggtrace map c/float.bin torch/float.bin --shape 2527 2463 --roi 1600 1680 930 1000 --format json
  braggtrace map float.bin --shape 1024 1024
  braggtrace map c/float.bin .braggtrace/runs/20250101T120000Z-image --args flags.txt --bin ./nanoBragg

An image is a raw float32 file (fast axis first, no header), an SMV image, a .npy file or the folder of a run.
Where stdout is not a terminal, and with --text, the numbers are printed as a table. Inside, ? lists the keys; Enter
traces the pixel on both sides and opens the comparison, if --args, the config file or the folder of a run says how.

exit status:
  0  every pixel agrees          2  trouble: wrong usage, unreadable image
  1  some pixels diverge
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the images, how they are compared, and what is reported."""
    parser.epilog = EPILOG
    parser.add_argument("reference", metavar="REF_IMAGE", help="the reference's image")
    parser.add_argument("candidate", metavar="CAND_IMAGE", nargs="?", help="the candidate's image, if there are two")
    image = parser.add_argument_group("images")
    image.add_argument(
        "--shape",
        type=_size,
        nargs=2,
        metavar=("SLOW", "FAST"),
        help="number of pixels; needed where no header says it",
    )
    image.add_argument(
        "--roi", type=int, nargs=4, metavar=("S0", "S1", "F0", "F1"), help="only these pixels, all of them included"
    )
    image.add_argument(
        "--origin",
        type=int,
        nargs=2,
        default=(0, 0),
        metavar=("SLOW", "FAST"),
        help="the detector's pixel that the first one is, where the files hold a part of the detector (default: 0 0)",
    )
    judge = parser.add_argument_group("comparison")
    judge.add_argument("--rtol", metavar="TOL", help="relative difference that still agrees (default: 1e-6)")
    judge.add_argument(
        "--atol",
        metavar="TOL",
        help="absolute difference that still agrees; 1e-3*max: of the largest value",
    )
    judge.add_argument("--equal-nan", action="store_true", help="NaN equals NaN")
    report = parser.add_argument_group("report")
    report.add_argument("--text", action="store_true", help="print the table, also on a terminal")
    report.add_argument("--format", choices=("text", "json"), help="print the numbers like this, and open no screen")
    add_screen_arguments(parser)


def _size(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of pixels, got {number}")
    return number


def run(args: argparse.Namespace) -> int:
    """Show the map, or print the numbers, and return the exit status.

    Raises:
        BraggtraceError: an image or an option can't be used.
    """
    backends = backends_of(args)
    data = load(args)
    if args.format == "json":
        return _print_json(data)
    if args.text or args.format == "text" or not sys.stdout.isatty():
        return _print_text(data)
    from braggtrace_tui.terminal import detect, own_stdin

    if not (detect().interactive and own_stdin()):
        return _print_text(data)
    from braggtrace_tui.mapapp import run_map

    paths = [path for path in (args.reference, args.candidate) if path is not None]
    return run_map(data, paths, backends, mouse=args.mouse)


def load(args: argparse.Namespace) -> MapData:
    """Read and compare the images.

    Raises:
        BraggtraceError: an image or an option can't be used.
    """
    from braggtrace.images.load import read_images
    from braggtrace.images.measure import map_data

    tolerance = _tolerance(args)
    paths = [path for path in (args.reference, args.candidate) if path is not None]
    shape = None if args.shape is None else (args.shape[0], args.shape[1])
    images = read_images(paths, shape, origin=(args.origin[0], args.origin[1]))
    if args.roi is not None:
        first_slow, last_slow, first_fast, last_fast = args.roi
        images = [image.cropped((first_slow, last_slow, first_fast, last_fast)) for image in images]
    return map_data(images[0], images[1] if len(images) > 1 else None, tolerance, equal_nan=args.equal_nan)


def _tolerance(args: argparse.Namespace) -> Tolerance:
    """The tolerance that the options say."""
    rules: list[Rule] = []
    for measure in (Measure.RTOL, Measure.ATOL):
        text = getattr(args, measure.value)
        if text is not None:
            rules += parse_rules(measure, [text], f"--{measure}")
    for rule in rules:
        if rule.pattern:
            raise ToleranceError(
                "an image has one quantity, so there is nothing to match", path=rule.source, expected="a number",
                got=repr(str(rule)),
            )  # fmt: skip
    return Tolerances(tuple(rules)).of(("pixels",), Kind.REAL)


def _print_text(data: MapData) -> int:
    from braggtrace.images.report import text_lines

    sys.stdout.writelines(f"{line}\n" for line in text_lines(data))
    return _status(data)


def _print_json(data: MapData) -> int:
    import orjson

    from braggtrace.images.report import as_json

    document: Any = as_json(data)
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
    return _status(data)


def _status(data: MapData) -> int:
    return 0 if data.agreement is None else data.agreement.status.exit_status
