"""What a run is asked for, as plain data that is written beside its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias, cast

from braggtrace.errors import InputError

__all__ = ["Kind", "Pixel", "Region", "RunRequest"]

Kind: TypeAlias = Literal["trace", "simulate", "c-trace"]
Pixel: TypeAlias = tuple[int, int]
"""Slow, fast."""

Region: TypeAlias = tuple[int, int, int, int]
"""Slow first, slow last, fast first, fast last; inclusive."""

_KINDS = ("trace", "simulate", "c-trace")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a run is asked for.

    Attributes:
        kind: a trace, an image, or a trace from a C program.
        experiment: the fields that describe an experiment to the engine: flags, folder, profile, …
        pixels: to trace.
        rois: to trace.
        device: "cpu" or "cuda".
        dtype: "float64" or "float32".
        rot_stars: also write the rotated cell vectors of each phi step.
        compile: of an image: "auto", "on" or "off".
        engine: the name of the engine.
        command: the C program.
    """

    kind: Kind
    experiment: Mapping[str, Any]
    pixels: tuple[Pixel, ...] = ()
    rois: tuple[Region, ...] = ()
    device: str = "cpu"
    dtype: str = "float64"
    rot_stars: bool = False
    compile: str = "auto"
    engine: str = "local"
    command: str | None = None

    def fields(self) -> dict[str, Any]:
        """The fields of the request to an engine."""
        common = {**self.experiment, "device": self.device, "dtype": self.dtype}
        if self.kind == "simulate":
            return {**common, "compile": self.compile}
        return {**common, "pixels": self.pixels, "rois": self.rois, "rot_stars": self.rot_stars}

    def changed(self, **changes: Any) -> RunRequest:
        """The same with some changes; fields of the experiment, such as `phi_mode`, are named like those of the run."""
        own = {each.name for each in fields(self)}
        experiment = {**self.experiment, **{name: value for name, value in changes.items() if name not in own}}
        run = {name: value for name, value in changes.items() if name in own}
        return replace(self, experiment=experiment, **run)

    def settings(self) -> str:
        """How it is computed, in a few words that name a folder or a row of a table."""
        if self.kind == "c-trace":
            return "c"
        chosen = [self.device, self.dtype, self.experiment.get("phi_mode") or "", self.experiment.get("profile") or ""]
        return " ".join(word for word in chosen if word)

    def as_json(self) -> dict[str, Any]:
        """Plain data, from which `from_json` makes the same again."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, data: object, path: str = "") -> RunRequest:
        """What `as_json` gave.

        Raises:
            InputError: it is something else.
        """
        try:
            return cls._read(cast("Mapping[str, Any]", data))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                "no request of a run", path=path or None, got=f"{type(error).__name__}: {error}"
            ) from error

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> RunRequest:
        known = {each.name for each in fields(cls)}
        given = {name: value for name, value in data.items() if name in known}
        experiment = given["experiment"]
        flags = experiment["flags"]
        if (
            given["kind"] not in _KINDS
            or not isinstance(flags, list)
            or not all(isinstance(each, str) for each in flags)
        ):
            raise ValueError("kind or flags")
        for name, kind in (("device", str), ("dtype", str), ("rot_stars", bool), ("compile", str), ("engine", str)):
            if name in given and not isinstance(given[name], kind):
                raise ValueError(name)
        if not isinstance(given.get("command"), str | None):
            raise ValueError("command")
        given["pixels"] = tuple(cast("Pixel", _integers(each, 2)) for each in given.get("pixels", ()))
        given["rois"] = tuple(cast("Region", _integers(each, 4)) for each in given.get("rois", ()))
        return cls(**{**given, "experiment": dict(experiment)})


def _integers(values: Sequence[Any], count: int) -> tuple[int, ...]:
    if len(values) != count or not all(isinstance(value, int) for value in values):
        raise ValueError(f"{count} whole numbers")
    return tuple(values)
