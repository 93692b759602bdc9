"""`braggtrace quirks`: the quirks of the C program, and which profile has them."""

from __future__ import annotations

import argparse
import textwrap

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `quirks`."""
    parser.epilog = "example:\n  braggtrace quirks\n  braggtrace simulate --quirk stale-phi-zero=off FLAGS"
    parser.add_argument("--profile", help="only the quirks of this profile")


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    from braggtrace.simulate.quirks import PROFILES, QUIRKS, choose_quirks

    chosen = choose_quirks(args.profile) if args.profile else frozenset(QUIRKS)
    for quirk in QUIRKS.values():
        if quirk.name not in chosen:
            continue
        print(quirk.name)
        for word, sentence in (("on ", quirk.on), ("off", quirk.off)):
            print(textwrap.fill(sentence, 118, initial_indent=f"    {word}  ", subsequent_indent=" " * 9))
    if args.profile is None:
        print("\nprofiles:")
        for name, quirks in PROFILES.items():
            without = sorted(set(QUIRKS) - quirks)
            text = "none" if not quirks else "all" + (f" but {', '.join(without)}" if without else "")
            print(f"    {name:<20} {text}")
    return 0
