"""Reading an argument list the way the C program does: by substring, left to right, values looked at too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from braggtrace.errors import UsageError
from braggtrace.formats.scan import atof as atof_bytes
from braggtrace.formats.scan import scan_int
from braggtrace.simulate.flags import FLAGS, Flag

__all__ = ["Origin", "Scan", "atof", "atoi", "scan_flags"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from."""

    flag: str
    position: int

    def __str__(self) -> str:
        return self.flag


@dataclass(slots=True)
class Scan:
    """What an argument list says.

    Attributes:
        values: field name -> value, only of those that were set.
        origins: field name -> the flag that set it.
        warnings: what a person should know.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def put(self, name: str, value: Any, origin: Origin) -> None:
        """Set a field."""
        self.values[name] = value
        self.origins[name] = origin


@dataclass(frozen=True, slots=True)
class _Hit:
    """A flag that fired: the row, the words after it, and where it stands."""

    flag: Flag
    given: list[str]
    origin: Origin


_PRESCAN = frozenset({"img", "mask"})
_WORDS = {"pivot", "convention", "shape"}


def scan_flags(arguments: Sequence[str], quirks: frozenset[str]) -> Scan:
    """Read an argument list.

    Args:
        arguments: the words after the program's name.
        quirks: those that are on.

    Raises:
        UsageError: the C program would crash on this list.
    """
    scan = _Scanner(list(arguments), quirks)
    for position, argument in enumerate(scan.arguments):
        if argument.startswith("-"):
            scan.argument(position, argument)
    scan.summarise()
    return scan.result


class _Scanner:
    def __init__(self, arguments: list[str], quirks: frozenset[str]) -> None:
        self.arguments = arguments
        self.quirks = quirks
        self.result = Scan()
        self.taken: dict[int, str] = {}
        self.inert: list[str] = []
        self.specials: dict[str, Callable[[_Hit], bool]] = {
            "cell": self._cell,
            "misset": self._misset,
            "pivot": self._pivot,
            "pix0": self._pix0,
            "abs": self._abs,
            "twotheta": self._twotheta,
            "curved": self._curved,
            "energy": self._energy,
            "seed": self._seed,
        }

    def warn(self, message: str) -> None:
        self.result.warnings.append(message)

    def argument(self, position: int, argument: str) -> None:
        fired = []
        for flag in FLAGS:
            spelling = flag.matches(argument)
            if spelling is None or not self.fire(flag, spelling, position):
                continue
            fired.append(spelling)
            if flag.stops:
                break
        owner = self.taken.get(position)
        if fired and owner is not None:
            self.warn(f"{argument} is a value of {owner}, and acts as the flag {fired[0]} too")
        if not fired and owner is None:
            self.unknown(argument)
        exact = [spelling for spelling in fired if spelling == argument]
        if fired and not exact and not _is_prefix_spelling(argument, fired):
            self.warn(f"{argument} acts as {', '.join(fired)}, which it contains")

    def unknown(self, argument: str) -> None:
        known = any(flag.matches(argument) for flag in FLAGS)
        if known:
            self.warn(f"{argument} is ignored: values are missing after it")
        elif not _is_number(argument):
            self.warn(f"{argument} is no known flag and is ignored")

    def fire(self, flag: Flag, spelling: str, position: int) -> bool:
        """Act on a flag; False if it is ignored."""
        given = self.arguments[position + 1 : position + 1 + flag.count]
        origin = Origin(self.arguments[position], position)
        if len(given) < flag.count:
            if flag.takes == "curved" and "trailing-argument-guards" not in self.quirks:
                self.result.put("curved", True, origin)
                return True
            if flag.unguarded and "trailing-argument-guards" in self.quirks:
                raise UsageError(f"{spelling} lacks its value, on which the C program crashes")
            return False
        if flag.takes not in ("curved", "misset", "cell"):
            self.take(position, flag.count)
        if flag.inert:
            self.inert.append(self.arguments[position])
            return True
        special = self.specials.get(flag.takes)
        if special is not None:
            if not special(_Hit(flag, given, origin)):
                return False
        elif flag.takes:
            self.plain(flag, given, origin)
        for name, word in flag.effects:
            self.effect(name, word, origin)
        return True

    def take(self, position: int, count: int) -> None:
        for place in range(position + 1, position + 1 + count):
            self.taken.setdefault(place, self.arguments[position])

    def effect(self, name: str, word: str, origin: Origin) -> None:
        if name == "convention" and word == "CUSTOM" and "convention-vs-vectors" not in self.quirks:
            return
        if name == "convention" and self.result.values.get("convention", word) != word:
            self.warn(f"{origin} changes the convention from {self.result.values['convention']} to {word}")
        self.result.put(name, word if name in _WORDS else word == "1", origin)

    def plain(self, flag: Flag, given: list[str], origin: Origin) -> None:
        converters: dict[str, Callable[[str], Any]] = {"f": atof, "i": atoi, "s": str}
        convert = converters[flag.takes]
        values = [convert(word) for word in given]
        if flag.takes != "s":
            for word, value in zip(given, values, strict=True):
                if not _is_number(word):
                    self.warn(f"{origin} {word}: read as {value:g}")
        if len(values) == 1:
            for name in flag.sets:
                if name in self.result.values and name not in _PRESCAN and self.result.values[name] != values[0]:
                    self.warn(
                        f"{origin} {given[0]} replaces {self.result.values[name]} from {self.result.origins[name]}"
                    )
                self.result.put(name, values[0], origin)
        else:
            self.result.put(flag.sets[0], tuple(values), origin)
        if flag.sets == ("twotheta_axis",) and "twotheta-axis-double-duty" in self.quirks:
            self.warn(f"{origin} also sets two-theta to {values[0]:g} degrees, and uses the axis unnormalised")

    def _cell(self, hit: _Hit) -> bool:
        words = []
        for word in self.arguments[hit.origin.position + 1 : hit.origin.position + 7]:
            if word.startswith("-"):
                break
            words.append(word)
        self.take(hit.origin.position, len(words))
        numbers = [atof(word) for word in words]
        # What is left out keeps what an earlier -cell gave.
        earlier = self.result.values.get("cell", (0.0,) * 6)
        self.result.put("cell", (*numbers, *earlier[len(numbers) :]), hit.origin)
        return True

    def _misset(self, hit: _Hit) -> bool:
        argument = hit.origin.flag
        swallows = "misset-seed-swallow" in self.quirks and hit.origin.position + 3 < len(self.arguments)
        if "-misset_seed" in argument and not swallows:
            return False
        if "rand" in hit.given[0]:
            self.take(hit.origin.position, 1)
            self.result.put("misset_random", True, hit.origin)
            return True
        words = self.arguments[hit.origin.position + 1 : hit.origin.position + 4]
        if len(words) < 3:
            return False
        if "-misset_seed" in argument:
            self.warn(f"{argument} also sets the missetting angles to {' '.join(words)}")
        else:
            self.take(hit.origin.position, 3)
        self.result.put("misset_deg", tuple(atof(word) for word in words), hit.origin)
        self.result.put("misset_random", False, hit.origin)
        return True

    def _pivot(self, hit: _Hit) -> bool:
        for word in ("sample", "beam"):
            if word in hit.given[0]:
                self.result.put("pivot", word.upper(), hit.origin)
        return True

    def _pix0(self, hit: _Hit) -> bool:
        divisor = 1000.0 if "_mm" in hit.origin.flag else 1.0
        self.result.put("pix0_vector_m", tuple(atof(word) / divisor for word in hit.given), hit.origin)
        if "pix0-inert" in self.quirks:
            self.warn(f"the numbers after {hit.origin} are never used; it only selects the custom convention")
        return True

    def _abs(self, hit: _Hit) -> bool:
        depth_um = atof(hit.given[0])
        if "inf" in hit.given[0] or depth_um == 0.0:
            self.result.put("mu_per_m", 0.0, hit.origin)
            self.result.put("thick_um", 0.0, hit.origin)
        else:
            self.result.put("mu_per_m", 1.0 / (depth_um * 1e-6), hit.origin)
        return True

    def _twotheta(self, hit: _Hit) -> bool:
        if "-twotheta_axis" in hit.origin.flag and "twotheta-axis-double-duty" not in self.quirks:
            return False
        self.result.put("twotheta_deg", atof(hit.given[0]), hit.origin)
        return True

    def _curved(self, hit: _Hit) -> bool:
        self.result.put("curved", True, hit.origin)
        return True

    def _energy(self, hit: _Hit) -> bool:
        energy_eV = atof(hit.given[0])
        if energy_eV == 0.0:
            raise UsageError("the photon energy is 0", got=f"{hit.origin} {hit.given[0]}")
        self.result.put("lambda_A", 12398.42 / energy_eV, hit.origin)
        return True

    def _seed(self, hit: _Hit) -> bool:
        self.result.put(hit.flag.sets[0], -atoi(hit.given[0]), hit.origin)
        return True

    def summarise(self) -> None:
        """Say what follows from the flags together."""
        values, origins = self.result.values, self.result.origins
        if self.inert:
            self.warn(f"without effect: {' '.join(dict.fromkeys(self.inert))}")
        if values.get("flux", 0.0) != 0.0 and values.get("exposure_s", 1.0) > 0.0:
            replaced = " and replaces -fluence" if "fluence" in origins else ""
            self.warn(f"the fluence is computed from -flux, -exposure and -beamsize{replaced}")
        convention = values.get("convention", "MOSFLM")
        if convention != "CUSTOM" and "convention-vs-vectors" in self.quirks:
            vectors = (
                "fdet_vector",
                "sdet_vector",
                "odet_vector",
                "beam_vector",
                "polar_vector",
                "spindle_axis",
                "twotheta_axis",
            )
            lost = [str(origins[name]) for name in vectors if name in origins]
            if lost:
                self.warn(f"the convention {convention} discards {' '.join(lost)}")
        pivot = origins.get("pivot")
        forced = convention != "CUSTOM" and "pivot-forced" in self.quirks
        if forced and pivot is not None and pivot.flag.startswith("-pivot"):
            self.warn(f"-pivot is ignored in the convention {convention}")
        if "close_distance_mm" in origins and "distance_mm" in origins:
            self.warn("-close_distance overrides -distance")


def atof(word: str) -> float:
    """The longest leading number, 0 if there is none."""
    return atof_bytes(word.encode("latin-1", "replace"))


def atoi(word: str) -> int:
    """The leading integer, 0 if there is none."""
    found = scan_int(word.encode("latin-1", "replace"), 0)
    return 0 if found is None else found[0]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


_COMPLETIONS = {
    "-heigh": ("-height",),
    "-mosaici": ("-mosaicity",),
    "-mosaic_spr": ("-mosaic_spread",),
    "-mosaic_dom": ("-mosaic_domains",),
    "-molec": ("-molecular_weight",),
    "-sample_den": ("-sample_density",),
    "-sample_heigh": ("-sample_height",),
    "-xtal_heigh": ("-xtal_height",),
    "-wave": ("-wavelength",),
    "-mat": ("-matrix",),
    "-interpolate": ("-interpolate",),
}


def _is_prefix_spelling(argument: str, fired: list[str]) -> bool:
    """The argument is a spelling that people use, of which the table holds the beginning."""
    expected = {completion for spelling in fired for completion in _COMPLETIONS.get(spelling, ())}
    return argument in expected or argument == "-pix0_vector_mm"
