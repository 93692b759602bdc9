"""What the run form says: the experiment, its warnings, what an edit changed, what can't be chosen. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from braggtrace_tui.pieces import BLANK, Line, Role, clip, safe, wrap
from braggtrace_tui.runplan import Beside
from braggtrace_tui.widgets.choice import Option

__all__ = [
    "INSTALL_TORCH",
    "beside_options",
    "checked_words",
    "device_options",
    "dtype_options",
    "experiment_lines",
    "experiment_values",
    "no_flags_lines",
    "phi_options",
    "profile_options",
]

INSTALL_TORCH = "pip install 'braggtrace[torch]'"
NO_TORCH = f"the engine has no PyTorch: {INSTALL_TORCH}"

_PROFILES = ("legacy", "phi-fixed", "weighted-oversample", "guarded", "instrumented", "spec")


def device_options(hello: Mapping[str, Any], chosen: str) -> list[Option]:
    """Devices of the engine; those that are missing say why. Before the engine has spoken nothing is ruled out."""
    devices = hello.get("devices")
    if not isinstance(devices, list):
        return [Option("cpu", "cpu"), Option("cuda", "cuda", "" if chosen == "cuda" else "not known yet")]
    options = []
    for each in devices:
        why = "" if each.get("available") else str(each.get("why") or "not available")
        options.append(Option(str(each.get("name")), str(each.get("name")), why, _device_words(each)))
    return options


def _device_words(device: Mapping[str, Any]) -> str:
    """What is known about a device: its name and memory, or its threads."""
    words = [str(device["gpu"])] if device.get("gpu") else []
    if device.get("threads"):
        words.append(f"{device['threads']} threads")
    memory = device.get("memory_bytes")
    if isinstance(memory, (int, float)) and memory > 0:
        words.append(f"{memory / 2**30:.0f} GiB")
    return ", ".join(words)


def dtype_options(hello: Mapping[str, Any]) -> list[Option]:
    """Precisions."""
    names = hello.get("dtypes")
    words = {"float64": "exact", "float32": "lattice and structure factors in single precision"}
    listed = names if isinstance(names, list) and names else ["float64", "float32"]
    return [Option(str(name), str(name), "", words.get(str(name), "")) for name in listed]


def profile_options(hello: Mapping[str, Any]) -> list[Option]:
    """Profiles: sets of quirks."""
    profiles = hello.get("profiles")
    if not isinstance(profiles, list) or not profiles:
        return [Option(name, name) for name in _PROFILES]
    return [Option(str(each.get("name")), str(each.get("name")), "", str(each.get("summary", ""))) for each in profiles]


def phi_options() -> list[Option]:
    """The switch of the best known quirk."""
    return [
        Option("", "as profile"),
        Option("c-parity", "c-parity", "", "phi 0 keeps the vectors of the step before"),
        Option("spec", "spec", "", "phi 0 is the unrotated cell"),
    ]


def beside_options() -> list[Option]:
    """Beside which trace the fresh one is shown."""
    return [Option(each.name, each.value, "", each.meaning) for each in Beside]


def experiment_values(explained: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """(part, name) -> value and unit, of an answer to `explain`."""
    return {(row["part"], row["name"]): _value(row) for row in explained.get("values", ())}


def _value(row: Mapping[str, Any]) -> str:
    unit = str(row.get("unit") or "")
    value = str(row.get("value", ""))
    return value if value in ("", "-") else f"{value} {unit}".strip()


def experiment_lines(
    explained: Mapping[str, Any], before: Mapping[tuple[str, str], str] | None, width: int
) -> list[Line]:
    """Warnings, then every value with what it came from; what differs from `before` says what it was.

    Args:
        explained: the engine's answer to `explain`.
        before: values of the experiment that the form was opened with, None to compare with nothing.
        width: cells.
    """
    lines: list[Line] = []
    for warning in explained.get("warnings", ()):
        for number, part in enumerate(wrap(safe(str(warning)), width - 4)):
            lines.append(((" ! " if number == 0 else "   ", Role.MISSING), (part, Role.MISSING)))
    rows = explained.get("values", ())
    longest = max((len(str(row["name"])) for row in rows), default=0)
    name_width = min(longest, max(14, width * 3 // 10))
    value_width = max(12, min(34, width - name_width - 23))
    part = ""
    for row in rows:
        if str(row["part"]) != part:
            part = str(row["part"])
            lines.append(((f" {safe(part)}", Role.TITLE),))
        lines.append(_value_line(row, before, name_width, value_width))
    now = experiment_values(explained)
    gone = {key: value for key, value in (before or {}).items() if key not in now}
    lines += [
        ((f"   {safe(name)}", Role.DIM), (f"  ◂ was {safe(value)}", Role.KEY)) for (_, name), value in gone.items()
    ]
    return lines or [BLANK]


def _value_line(
    row: Mapping[str, Any], before: Mapping[tuple[str, str], str] | None, name_width: int, value_width: int
) -> Line:
    value, origin = _value(row), str(row.get("origin") or "")
    given = bool(origin) and origin != "default"
    pieces = [
        ("   " + clip(safe(str(row["name"])), name_width).ljust(name_width) + "  ", Role.TEXT),
        (clip(safe(value), value_width).ljust(value_width) + "  ", Role.STRONG if given else Role.DIM),
    ]
    was = value if before is None else before.get((row["part"], row["name"]), "")
    if was != value:
        pieces.append((f"◂ was {safe(was) or 'absent'}  ", Role.KEY))
    pieces.append((safe(origin), Role.DIM))
    return tuple(pieces)


def checked_words(explained: Mapping[str, Any], pixels: int | None) -> str:
    """What the check found, in a few words; `pixels` are traced, None stands for an image."""
    shape, iterations = explained.get("shape"), explained.get("iterations")
    words = ["an image" if pixels is None else f"{pixels:,} pixel{'s' if pixels != 1 else ''}"]
    if isinstance(shape, Sequence) and len(shape) == 2:
        words[0] += f" of {shape[0]} x {shape[1]}"
    if isinstance(iterations, int):
        words.append(f"{iterations:,} iteration{'s' if iterations != 1 else ''} each")
    return ", ".join(words)


def no_flags_lines(width: int) -> list[Line]:
    """What to do where no flags are known."""
    text = (
        "No flags are known: these traces do not record them. Type nanoBragg's flags above as you would in a shell, or "
        "@FILE for those in a file; or start with --args FILE. Traces made by braggtrace record their flags, and the "
        "form then starts from them."
    )
    return [BLANK, *(((f" {line}", Role.TEXT),) for line in wrap(text, width - 2))]
