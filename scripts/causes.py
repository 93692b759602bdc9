"""Seed faults into the engine, explain the pairs, and write docs/causes.md: `make causes`.

`causes.py --development` runs other seeds and only prints, `--calibrate` fits the confidence to them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import torch

from braggtrace.causes.codes import ADVICE, MEANING, Code
from braggtrace.causes.rank import WIDEST
from braggtrace.corpus.faults import CODES
from braggtrace.corpus.measure import Outcome, measure
from braggtrace.corpus.pairs import Noise, fault_pair, rounding_pair
from braggtrace.corpus.tally import Bin, Tally, calibrated, reliability, tally

PAGE = Path(__file__).parent.parent / "docs" / "causes.md"
PUBLISHED, DEVELOPMENT = 1_000_000, 500_000
"""First seeds. What the program does is improved on the latter and never on the former."""
STRICT = 1e-9  # of pairs that differ by roundings only, half are compared as strictly as this


@dataclass(frozen=True)
class Task:
    """One pair to make and to explain; 0 faults: nothing but roundings."""

    seed: int
    faults: int
    code: Code | None = None


def tasks(start: int, singles: int, several: int, roundings: int) -> Iterator[Task]:
    """The pairs of a run, each with a seed of its own."""
    for place, code in enumerate(CODES):
        yield from (Task(start + 1000 * place + number, 1, code) for number in range(singles))
    yield from (Task(start + 100_000 + number, 2) for number in range(several))
    yield from (Task(start + 200_000 + number, 3) for number in range(several))
    yield from (Task(start + 300_000 + number, 0) for number in range(roundings))


def outcome(task: Task) -> Outcome:
    """Make a pair and explain it."""
    torch.set_num_threads(1)
    if task.faults:
        done = measure(fault_pair(task.seed, task.faults, task.code))
    else:
        done = measure(rounding_pair(task.seed), STRICT if task.seed % 2 else None)
    # Texts are large, and functions don't pass between processes.
    faults = tuple(replace(fault, patches=dict) for fault in done.pair.faults)
    return replace(done, pair=replace(done.pair, faults=faults, reference="", candidate=""))


def page(outcomes: Sequence[Outcome]) -> str:
    """The page."""
    lines = [HEAD, "| code | what it is | what to look at |", "|---|---|---|"]
    lines += [f"| `{code}` | {MEANING[code]} | {ADVICE[code]} |" for code in Code]
    lines += [MEASURED.format(published=PUBLISHED, development=DEVELOPMENT), *overview(outcomes)]
    lines += [ONE_BY_ONE, *by_code(outcomes), NOISES, *by_noise(outcomes), SURE, *certainty(outcomes), MISSES]
    return "\n".join([*lines, *misses(outcomes), ""])


def of_count(outcomes: Iterable[Outcome], count: int) -> list[Outcome]:
    """The pairs with so many faults."""
    return [each for each in outcomes if len(each.pair.faults) == count]


def overview(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """One row for each number of faults."""
    yield "| faults | pairs | steps named | sides named | cause first | among three | all found | false alarms |"
    yield "|---|---|---|---|---|---|---|---|"
    for count, word in ((1, "one"), (2, "two"), (3, "three")):
        found = tally(of_count(outcomes, count))
        yield f"| {word} | {found.pairs} | {shares(found)} | {percent(found.complete)} | {found.false_alarms} |"
    rounding = of_count(outcomes, 0)
    diverge = sum(each.diverged for each in rounding)
    alarms = sum(bool(each.false) for each in rounding)
    yield f"| none, only roundings | {len(rounding)}, of which {diverge} diverge | | | | | | {alarms} |"
    seconds = sorted(each.seconds for each in outcomes)
    slow = seconds[int(0.95 * (len(seconds) - 1))]
    yield f"\nSeconds for one explanation, warm: median {statistics.median(seconds):.2f}, 95 % below {slow:.2f}."


def shares(found: Tally) -> str:
    """Four cells."""
    return " | ".join(percent(share) for share in (found.roots, found.sides, found.first, found.among))


def percent(share: float) -> str:
    """99.6 %."""
    return f"{100 * share:.1f} %"


def by_code(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """One row for each cause, of pairs with one fault."""
    yield "| seeded | pairs | step named | side named | cause first | among three | otherwise named |"
    yield "|---|---|---|---|---|---|---|"
    single = of_count(outcomes, 1)
    for code in CODES:
        mine = [each for each in single if each.pair.faults[0].code is code]
        wrong = Counter(
            verdict.named for each in mine for verdict in each.verdicts if verdict.named and not verdict.first
        )
        others = ", ".join(f"`{name}` {count}" for name, count in wrong.most_common())
        yield f"| `{code}` | {len(mine)} | {shares(tally(mine))} | {others} |"


def by_noise(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """One row for each way to compute and print."""
    yield "| computed and printed | faults | steps named | sides named | cause first | among three |"
    yield "|---|---|---|---|---|---|"
    faulty = sorted((each for each in outcomes if each.pair.faults), key=noise_of)
    for noise, group in groupby(faulty, key=noise_of):
        found = tally(list(group))
        yield f"| {noise} | {found.faults} | {shares(found)} |"


def noise_of(each: Outcome) -> str:
    """How the side with the faults computes and prints."""
    noise: Noise = each.pair.noise[int(each.pair.side == "candidate")]
    return f"{'float32' if noise.single else 'float64'}, {noise.digits} digits"


def certainty(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """One row for each range of confidence."""
    yield "| confidence | causes | mean | right |"
    yield "|---|---|---|---|"
    yield from (bin_row(each) for each in reliability(outcomes))


def bin_row(each: Bin) -> str:
    """One range."""
    return f"| {each.low:g} to {each.high:g} | {each.count} | {each.claimed:.3f} | {each.right:.3f} |"


def misses(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Every pair in which something was not right."""
    for each in outcomes:
        wrong = [
            fault
            for fault, verdict in zip(each.pair.faults, each.verdicts, strict=True)
            if not (verdict.found and verdict.side and verdict.first)
        ]
        if wrong or each.false:
            seeded = "; ".join(f"`{fault.code}` {fault.text}" for fault in wrong) or "nothing"
            found = "; ".join(each.roots)
            side = each.pair.side or "neither side"
            yield f"- {each.pair.seed} ({len(each.pair.faults)}): {seeded}, {side}. Found: {found}."


def run(wanted: Sequence[Task], jobs: int) -> list[Outcome]:
    """All outcomes, in the order of the tasks."""
    with ProcessPoolExecutor(jobs) as pool:
        out = []
        for number, each in enumerate(pool.map(outcome, wanted, chunksize=4), 1):
            out.append(each)
            if number % 50 == 0:
                print(f"{number} of {len(wanted)}", file=sys.stderr)
    return out


def main() -> None:
    """Run the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--development", action="store_true", help="other seeds; print the page and write nothing")
    parser.add_argument("--calibrate", action="store_true", help="fit the confidence to the development seeds")
    parser.add_argument("--shift", type=int, default=0, help="added to the development seeds")
    parser.add_argument("--singles", type=int, default=40, help="pairs with one fault, for each cause")
    parser.add_argument("--several", type=int, default=200, help="pairs with two and with three faults")
    parser.add_argument("--roundings", type=int, default=400, help="pairs with no fault")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    developing = args.development or args.calibrate
    start = DEVELOPMENT + args.shift if developing else PUBLISHED
    outcomes = run(list(tasks(start, args.singles, args.several, args.roundings)), args.jobs)
    if args.calibrate:
        print(calibrated([claim for each in outcomes for claim in each.claims], WIDEST))
    if developing:
        print(page(outcomes))
    else:
        PAGE.write_text(page(outcomes), encoding="utf-8")


HEAD = """\
# Causes

Made by `make causes`; do not edit.

`braggtrace explain REF CAND` says which steps originate a divergence, and what kind of mistake each of them is. A
cause is only claimed if its change, applied to what the step gives for its recorded inputs, gives the recorded value,
to within the printed digits and the roundings of the inputs. Of several that do, the one comes first that takes the
least from the wrong value itself; the others are named as rivals.
"""

MEASURED = """
## How often it is right

Faults are seeded into the engine itself: a step is replaced by a wrong one, so that everything after it is wrong in a
consistent way. The experiment (convention, cell, orientation, shape, sampling, options), the pixels, the step, the
side, the digits and the type of the numbers are drawn at random. Half of the pairs without a fault are compared with a
tolerance of 1e-9, so that their roundings do diverge.

The seeds of this page begin at {published:,}. What the program does was improved on others, below that, and its
confidence is fitted to those from {development:,} on.
"""

ONE_BY_ONE = """
## One fault, by its cause
"""

NOISES = """
## By how numbers are computed and printed
"""

SURE = """
## What the confidence means

The share of causes that are right, of those that were claimed with about the same confidence. `UNEXPLAINED` claims
nothing.
"""

MISSES = """
## What was not right

Each by its seed and the number of faults, with all roots that were found: the quantity, the side, the cause. Some can't
be told from the traces: a structure factor whose right place is outside of what the traces show, an index that is one
too large in every row that is there, a detector's origin whose inputs no trace writes.
"""

if __name__ == "__main__":
    main()
