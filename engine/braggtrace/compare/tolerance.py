"""Tolerances: per-quantity rules for when two values agree.

A rule is written `value` (for everything) or `pattern:value` (for the names that match), on the command line

    --rtol 1e-6 'rot_*:1e-9'   --atol 'F_latt:1e-3*max'   --ulp 'hkl_*:4'

or in a TOML file of the same rules:

    rtol = [1e-6, "rot_*:1e-9"]
    atol = "F_latt:1e-3*max"
    ulp  = ["hkl_*:4"]

For each of rtol, atol and ulp, the first rule whose pattern matches wins, then the rule without a pattern, then the
default of the quantity's kind. A pattern matches the name on either side or the catalogue's name, as a shell would,
and upper and lower case differ.

- An ulp rule takes the place of a less specific rtol: otherwise the wider of the two would always decide.
- Integers compare exactly, unless a pattern without wildcards names the quantity. Text is equal or it is not.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from braggtrace.errors import ToleranceError
from braggtrace.quantities import Kind

__all__ = [
    "DEFAULTS",
    "NO_RULES",
    "Measure",
    "Rule",
    "Tolerance",
    "Tolerances",
    "looks_like_rule",
    "parse_rules",
    "parse_tables",
    "read_tolerances",
]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Two values agree if ``abs(r - c) <= max(atol, rtol * max(abs(r), abs(c)))`` or within `ulp` float64 steps.

    Attributes:
        rtol: relative to the largest component of either side.
        atol: in the unit of the quantity; in a judged pairing also what `atol_of_max` comes to.
        atol_of_max: atol as a fraction of the largest value that the quantity takes anywhere on either side.
        ulp: float64 steps, 0 for none.
        rule: the pattern that chose it, "default" for the default.
    """

    rtol: float = 1e-6
    atol: float = 0.0
    atol_of_max: float = 0.0
    ulp: int = 0
    rule: str = "default"

    def __str__(self) -> str:
        parts = [] if self.ulp and not self.rtol else [f"rtol {self.rtol:g}"]
        atol = " = ".join([f"{self.atol:g}"] * (self.atol > 0) + [f"{self.atol_of_max:g}*max"] * (self.atol_of_max > 0))
        parts += [f"atol {atol}"] if atol else []
        parts += [f"ulp {self.ulp}"] if self.ulp else []
        return f"{', '.join(parts)} ({self.rule})" if any(self.key) else f"exact ({self.rule})"

    @property
    def key(self) -> tuple[float, float, float, int]:
        """What decides, without the name of the rule."""
        return (self.rtol, self.atol, self.atol_of_max, self.ulp)

    @property
    def only_rtol(self) -> bool:
        """Whether the relative difference alone decides."""
        return not (self.atol or self.atol_of_max or self.ulp)


DEFAULTS: Mapping[Kind, Tolerance] = MappingProxyType(
    {
        Kind.REAL: Tolerance(rtol=1e-6),
        Kind.INTEGER: Tolerance(rtol=0.0),
        Kind.TEXT: Tolerance(rtol=0.0),
    }
)
"""The tolerance of a quantity that no rule is about."""


class Measure(StrEnum):
    """What a rule limits."""

    RTOL = "rtol"
    ATOL = "atol"
    ULP = "ulp"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        measure: what it limits.
        pattern: the names it is about, "" for all.
        value: the limit.
        of_max: the limit is a fraction of the quantity's largest value (atol only).
        source: where it was written, for messages: "--rtol", "tolerances.toml".
    """

    measure: Measure
    pattern: str
    value: float
    of_max: bool = False
    source: str = ""

    def __str__(self) -> str:
        value = f"{self.value:g}{'*max' if self.of_max else ''}"
        return f"{self.pattern}:{value}" if self.pattern else value

    def matches(self, names: Collection[str]) -> bool:
        """Whether the pattern matches one of the names of a quantity."""
        return not self.pattern or any(fnmatchcase(name, self.pattern) for name in names)

    @property
    def is_wild(self) -> bool:
        """Whether the rule can match more than one name."""
        return not self.pattern or any(character in self.pattern for character in "*?[")


@dataclass(frozen=True, slots=True)
class Tolerances:
    """All rules of a comparison, the most important first.

    Attributes:
        rules: in order of precedence.
        loosened: every rtol and atol is multiplied by this.
    """

    rules: tuple[Rule, ...] = ()
    loosened: float = 1.0

    def __add__(self, other: Tolerances) -> Tolerances:
        """These rules, then the other ones."""
        return Tolerances(self.rules + other.rules, self.loosened)

    def scaled(self, factor: float) -> Tolerances:
        """The same rules, looser (factor > 1) or tighter (factor < 1)."""
        return replace(self, loosened=self.loosened * factor)

    @property
    def default_rtol(self) -> float:
        """The rtol of real quantities that no pattern matches."""
        bare = (rule.value for rule in self.rules if rule.measure is Measure.RTOL and not rule.pattern)
        return next(bare, DEFAULTS[Kind.REAL].rtol) * self.loosened

    def of(self, names: Collection[str], kind: Kind) -> Tolerance:
        """The tolerance of a quantity.

        Args:
            names: its name on either side and in the catalogue.
            kind: how its values compare.
        """
        default = DEFAULTS[kind]
        if kind is Kind.TEXT:
            return default
        rules = [rule for rule in self.rules if kind is Kind.REAL or not rule.is_wild]
        rtol, atol, ulp = (_first(rules, measure, names) for measure in Measure)
        tolerance = default if rtol is None else replace(default, rtol=rtol.value)
        if ulp is not None and ulp.value:
            if rtol is None or (ulp.pattern and not rtol.pattern):
                tolerance, rtol = replace(tolerance, rtol=0.0), None
            tolerance = replace(tolerance, ulp=int(ulp.value))
        if atol is not None:
            field = "atol_of_max" if atol.of_max else "atol"
            tolerance = replace(tolerance, **{field: atol.value * self.loosened})  # type: ignore[arg-type]
        used = dict.fromkeys(rule.pattern or rule.source or "*" for rule in (rtol, atol, ulp) if rule is not None)
        return replace(tolerance, rtol=tolerance.rtol * self.loosened, rule=", ".join(used) or "default")

    def check(self, names: Collection[str]) -> None:
        """Complain about a rule that matches none of the names.

        Raises:
            ToleranceError: it names the rule, and names that are close.
        """
        for rule in self.rules:
            if not rule.matches(names):
                close = difflib.get_close_matches(rule.pattern, sorted(names), n=3, cutoff=0.5)
                raise ToleranceError(
                    f"the {rule.measure} rule {str(rule)!r} matches no quantity",
                    path=rule.source or None,
                    expected=" or ".join(map(repr, close)),
                )


NO_RULES = Tolerances()
"""The defaults decide everything."""


def _first(rules: Sequence[Rule], measure: Measure, names: Collection[str]) -> Rule | None:
    """The rule that wins: the first with a matching pattern, else the first without a pattern."""
    rules = [rule for rule in rules if rule.measure is measure and rule.matches(names)]
    return next((rule for rule in rules if rule.pattern), rules[0] if rules else None)


_RULE = re.compile(
    r"(?:(?P<pattern>.+):)?(?P<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?P<of_max>\*max)?", re.DOTALL
)


def looks_like_rule(text: str) -> bool:
    """Whether `text` is `number` or `pattern:number`, so that a command line can tell it from a file name."""
    return _RULE.fullmatch(text) is not None


def parse_rules(measure: Measure, texts: Sequence[str], source: str) -> tuple[Rule, ...]:
    """Read rules of one measure.

    Args:
        measure: what they limit.
        texts: each `value` or `pattern:value`.
        source: where they were written, for messages.

    Raises:
        ToleranceError: a rule can't be read.
    """
    rules = tuple(_parse_rule(measure, text, source) for text in texts)
    if sum(not rule.pattern for rule in rules) > 1:
        bare = ", ".join(str(rule) for rule in rules if not rule.pattern)
        raise ToleranceError(f"more than one {measure} for all quantities", path=source, expected="one", got=bare)
    return rules


def _parse_rule(measure: Measure, text: str, source: str) -> Rule:
    match = _RULE.fullmatch(text)
    shape = "a number of steps or 'pattern:steps'" if measure is Measure.ULP else "'1e-6' or 'pattern:1e-6'"
    if match is None:
        raise ToleranceError(f"can't read the {measure} rule", path=source, expected=shape, got=repr(text))
    value, of_max = float(match["value"]), match["of_max"] is not None
    if not (value >= 0 and math.isfinite(value)):
        raise ToleranceError(f"the {measure} must be finite and not negative", path=source, got=repr(text))
    if of_max and measure is not Measure.ATOL:
        raise ToleranceError(f"'*max' has no meaning for {measure}", path=source, got=repr(text))
    if measure is Measure.ULP and (value != int(value) or value >= 2**63):
        raise ToleranceError("ulp counts whole float64 steps", path=source, expected=shape, got=repr(text))
    return Rule(measure, match["pattern"] or "", value, of_max, source)


def read_tolerances(path: Path) -> Tolerances:
    """Read a TOML file of rules.

    Raises:
        ToleranceError: it can't be read, or holds anything but rules.
    """
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ToleranceError(f"can't read the tolerances: {what}", path=path) from error
    return parse_tables(tables, str(path))


def parse_tables(tables: Mapping[str, object], source: str) -> Tolerances:
    """Rules from the keys `rtol`, `atol` and `ulp` of a TOML document.

    Raises:
        ToleranceError: there is another key, or a value is neither a rule nor a list of rules.
    """
    rules: list[Rule] = []
    for key, entry in tables.items():
        if key not in list(Measure):
            raise ToleranceError(f"unknown key {key!r}", path=source, expected="rtol, atol or ulp")
        texts = entry if isinstance(entry, list) else [entry]
        for text in texts:
            if isinstance(text, bool) or not isinstance(text, str | int | float):
                raise ToleranceError(
                    f"{key} holds something that is no rule",
                    path=source,
                    expected='numbers and "pattern:number"',
                    got=repr(text),
                )
        rules += parse_rules(Measure(key), [str(text) for text in texts], source)
    return Tolerances(tuple(rules))
