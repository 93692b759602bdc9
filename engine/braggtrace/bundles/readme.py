"""`README.md` of a bundle: all that a person needs to judge the evidence in a minute, the answer in the first line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from braggtrace.bundles import names
from braggtrace.bundles.places import plainly
from braggtrace.bundles.summary import summary
from braggtrace.bundles.values import importance
from braggtrace.bundles.words import code, count, number, pixel_words, plain, product, seconds, table, tag_lines
from braggtrace.compare.view import component_name

__all__ = ["CARRIED_IN_PAGE", "carryover_lines", "render_readme"]

Metrics = Mapping[str, Any]

CARRIED_IN_PAGE = 8
"""More pixels than this have a page of their own about what they inherited."""
_PIXELS = 8
_HISTORY = 5
_FLIPS = 4
_WARNINGS = 4

_ABOUT = {
    names.COMMANDS: "the command, revision and settings, to run it again",
    names.MAIN: "the candidate's trace",
    names.PER_PHI: "its inner loops, one line an iteration",
    names.STDOUT: "what the run printed, as it came",
    names.STDERR: "what it said besides",
    names.CAPTURE: "what was said while the C program ran",
    names.DIFF: "the full comparison with the reference",
    names.BASELINE_PATCH: "unified diff from the baseline's trace, for `patch -p1`",
    names.METRICS: "all numbers, for programs",
    names.ENVIRONMENT: "versions, revision, checksums of the inputs",
    names.CPU: "the processor",
    names.GPU: "the graphics processor",
    names.OBSERVATIONS: "facts, the note, and what looks suspicious",
    names.CARRYOVER: "what each pixel inherited, all pixels",
    names.PER_PHI_PICTURE: "F_latt along phi",
    names.ROI_PICTURE: "the intensities of the pixels",
    names.MAP: "the map file of the comparison",
    names.TOLERANCES: "the tolerances file of the comparison",
    names.SEAL: "checksums: `sha256sum -c sha256.txt`, or `braggtrace verify .`",
}


def render_readme(metrics: Metrics, artifacts: Sequence[str]) -> str:
    """The page.

    Args:
        metrics: the contents of `metrics.json`.
        artifacts: names of the other files of the bundle.
    """
    return "".join(f"{line}\n" for line in _lines(metrics, artifacts))


def _lines(metrics: Metrics, artifacts: Sequence[str]) -> Iterator[str]:
    word, rest = summary(metrics)
    yield f"**{word}**: {plain(rest)}."
    if metrics["story"]:
        story = [line.replace("`", "'") for line in metrics["story"]]
        yield from ("", "## Cause", "", "```text", *story, "```")
    yield from ("", "## Configuration", "")
    yield from table(("", ""), _configuration(metrics))
    yield from ("", "## Key metrics", "")
    yield from _metrics(metrics)
    yield from ("", "## Artifacts", "")
    for name in artifacts:
        about = _ABOUT.get(names.unstored(name)) or ("the reference's trace" if name.startswith("trace_c") else "")
        yield f"- [{name}]({name})" + (f": {about}" if about else "")
    yield from ("", "## Open questions", "")
    yield from _questions(metrics)


def _configuration(metrics: Metrics) -> Iterator[tuple[str, str]]:
    setup, git = metrics["configuration"], metrics["git"]
    yield "probe", f"{metrics['topic']}, {metrics['time_utc']}, {seconds(metrics['runtime_s']['total'])}"
    if git["revision"] is None:
        revision = "none"
    else:
        revision = code(git["revision"][:12]) + (" (clean)" if git["clean"] else ", **with uncommitted changes**")
    yield "revision", revision
    yield "pixels", pixel_words([pixel["pixel"] for pixel in metrics["pixels"]])
    if setup["trace"] == "given":
        words = _settings(setup)
        yield "candidate", "a trace that was given, not computed here" + (f"; it says: {plain(words)}" if words else "")
    else:
        yield "candidate", _settings(setup)
    yield (
        "lines",
        tag_lines(metrics["lines"]) + (", as many as the configuration implies" if setup["trace"] != "given" else ""),
    )
    files = metrics["files"]["reference"]
    yield "reference", ", ".join(f"{code(file['name'])} from {code(file['from'])}" for file in files) or "none"
    base = metrics["baseline"]
    yield "baseline", "none" if base is None else _baseline(base)
    rules = [f"{measure} {' '.join(words)}" for measure, words in setup["judging"]["rules"].items() if words]
    rules = [code(rule) for rule in rules]
    rules += [f"`{names.TOLERANCES}`"] if setup["judging"]["tolerances"] else []
    rules += [f"`{names.MAP}`"] if setup["judging"]["mapping"] else []
    yield "tolerances", ", ".join(rules) or "rtol 1e-6 (default)"
    if metrics["note"]:
        lines = metrics["note"].split("\n")
        yield "note", plain(lines[0]) + (f" … (`{names.OBSERVATIONS}`)" if len(lines) > 1 else "")


def _settings(setup: Mapping[str, Any]) -> str:
    """How the candidate was made, as far as that is known."""
    words = [f"phi mode {setup['phi_mode']}"] if setup["phi_mode"] else []
    words += [setup[name] for name in ("dtype", "device") if setup[name]]
    words += [f"profile {setup['profile']}"] if setup["profile"] else []
    return ", ".join([*words, *setup["switches"]])


def _baseline(base: Mapping[str, Any]) -> str:
    differs = f", with other {', '.join(base['differs'])}" if base["differs"] else ""
    return f"{code(base['name'])}, a {base['kind']}{differs}"


def _metrics(metrics: Metrics) -> Iterator[str]:
    first = metrics["first_divergence"]
    comparison = metrics["comparison"]
    if comparison is not None:
        yield (
            f"{count(comparison['compared'], 'value')} compared: {comparison['agree']:,} agree,"
            f" {comparison['diverge']:,} diverge; {comparison['only_reference']:,} only in the reference,"
            f" {comparison['only_candidate']:,} only in the candidate."
        )
        yield ""
    if first is not None:
        yield f"First divergence: {plain(plainly(first))}."
        yield ""
        yield from _first_table(first)
        yield ""
    yield from _pixel_table(metrics)
    yield from _flips(metrics)
    yield from _carried(metrics)
    yield from _gates(metrics)
    yield from _history(metrics)
    yield ""
    yield f"![F_latt along phi]({names.PER_PHI_PICTURE})"
    yield f"![the pixels]({names.ROI_PICTURE})"


def _first_table(first: Mapping[str, Any]) -> Iterator[str]:
    width = max(len(first["reference"]), len(first["candidate"]))
    rows = []
    for component in range(width):
        mark = " ←" if component == first["component"] and width > 1 else ""
        values = [_exact(first[side], component) for side in ("reference", "candidate")]
        rows.append((f"{component_name(component, width) or 'value'}{mark}", *values))
    yield from table((f"{code(first['quantity'])} {plain(first['unit'])}".rstrip(), "reference", "candidate"), rows)


def _exact(values: Sequence[Any], component: int) -> str:
    value = values[component] if component < len(values) else None
    return "–" if value is None else code(f"{value:.17g}" if isinstance(value, float) else str(value))


def _pixel_table(metrics: Metrics) -> Iterator[str]:
    """Of many pixels those that diverge and the bright ones; values of the inner loops are of the first iteration."""
    pixels = sorted(metrics["pixels"], key=importance) if len(metrics["pixels"]) > _PIXELS else metrics["pixels"]
    against = metrics["status"] is not None
    head = ["pixel", "hkl", "F_latt = a × b × c, first phi step", "I_before_scaling", "I_pixel_final"]
    head += ["candidate / reference"] if against else []
    yield from table(head, (_pixel_row(pixel, against) for pixel in pixels[:_PIXELS]))
    if len(pixels) > _PIXELS:
        yield ""
        yield f"{len(pixels) - _PIXELS:,} more pixels are in `{names.METRICS}`."


def _pixel_row(pixel: Mapping[str, Any], against: bool) -> list[str]:
    own = pixel["candidate"] or {}
    hkl = own.get("hkl_rounded")
    row = [
        " ".join(map(str, pixel["pixel"])),
        "–" if hkl is None else " ".join(number(value) for value in hkl),
        product(own),
        number(own.get("I_before_scaling")),
        number(own.get("I_pixel_final")),
    ]
    if against:
        ratio = pixel["intensity_ratio"]
        words = [] if ratio is None else [_near_one(ratio)]
        words += [f"**{pixel['diverging']} diverge**"] if pixel["diverging"] else []
        words += ["**sign of F_latt differs**"] if pixel["sign_differs"] else []
        row.append(", ".join(words) or "–")
    return row


def _near_one(ratio: float) -> str:
    """A ratio, or how far it is from 1."""
    if abs(ratio - 1) >= 1e-4:
        return f"{ratio:.6g}"
    return "1" if abs(ratio - 1) < 1e-12 else f"1 {'+' if ratio > 1 else '−'} {abs(ratio - 1):.1e}"


def _flips(metrics: Metrics) -> Iterator[str]:
    """Sign changes of the product along phi; those of the factors are in the metrics."""
    flips = [flip for flip in metrics["sign_changes"] if flip["quantity"] == "F_latt"]
    if not flips:
        return
    own = [flip for flip in flips if flip["in_reference"] is False]
    places = ", ".join(f"pixel {flip['pixel'][0]} {flip['pixel'][1]} phi_tic {flip['phi_tic']}" for flip in flips)
    said = places if len(flips) <= _FLIPS else f"at {len(flips):,} places"
    where = "" if flips[0]["in_reference"] is None else f"; the reference does not at {len(own):,} of them"
    yield ""
    yield f"F_latt changes its sign along phi: {said}{where if own or not where else ', as in the reference'}."


def _carried(metrics: Metrics) -> Iterator[str]:
    entries = metrics["carryover"]
    if not entries or metrics["configuration"]["phi_mode"] != "c-parity":
        return
    yield ""
    if all(entry["inherited"] == "unrotated cell" for entry in entries):
        pixels = "the pixel" if len(entries) == 1 else f"all {len(entries):,} pixels"
        yield f"The phi step of exactly 0 inherited nothing: it has the unrotated cell in {pixels}."
        return
    yield "What the phi step of exactly 0 inherited:"
    yield ""
    yield from carryover_lines(entries[:CARRIED_IN_PAGE])
    if len(entries) > CARRIED_IN_PAGE:
        yield ""
        yield f"All {len(entries):,} pixels are in [{names.CARRYOVER}]({names.CARRYOVER})."


def carryover_lines(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table of what each pixel inherited, and from which one."""
    rows = []
    for entry in entries:
        whose, evidence = entry["inherited"], "–"
        if entry["from_pixel"] is not None:
            whose = f"pixel {entry['from_pixel'][0]} {entry['from_pixel'][1]}, phi_tic {entry['from_phi_tic']}"
        elif whose == "previous pixel":
            whose = f"a pixel before, phi_tic {entry['from_phi_tic']}"
        elif whose == "neither":
            whose = "**neither the step before nor the unrotated cell**"
        if entry["difference"] is not None:
            same = "equal" if entry["difference"] == 0 else f"within {entry['difference']:.1e} Å"
            own = "" if entry["from_traced"] is not False else ", by this pixel's own vectors: that one isn't traced"
            evidence = f"{same}{own}"
        rows.append((" ".join(map(str, entry["pixel"])), str(entry["phi_tic"]), whose, evidence))
    yield from table(("pixel", "phi_tic", "has the cell vectors of", "evidence"), rows)


def _gates(metrics: Metrics) -> Iterator[str]:
    if metrics["gates"]:
        yield ""
        words = {"AGREES": "passed", "DIVERGES": "**failed**", "INCONCLUSIVE": "**inconclusive**"}
        rows = [
            (gate["name"], plain(gate["limit"]), words[gate["status"]], plain(gate["reason"]))
            for gate in metrics["gates"]
        ]
        yield from table(("gate", "limit", "answer", "why"), rows)


def _history(metrics: Metrics) -> Iterator[str]:
    earlier = list(reversed(metrics["history"]))
    if not earlier:
        return
    yield ""
    rows = []
    for entry in earlier[:_HISTORY]:
        first = entry["first_divergence"]
        since = entry["change"] or ("inconclusive" if entry["same_reference"] else "another reference")
        other = ", ".join(entry["differs"]) or "–"
        rows.append((entry["bundle"], plain(plainly(first)) if first else "none", since, other))
    yield from table(("earlier bundle", "its first divergence", "since then", "set differently"), rows)
    if len(earlier) > _HISTORY:
        yield ""
        yield f"{len(earlier) - _HISTORY:,} earlier ones are in `{names.METRICS}`."


def _questions(metrics: Metrics) -> Iterator[str]:
    asked = list(_asked(metrics))
    yield from (f"- {question}" for question in asked) if asked else ["None that the numbers raise."]


def _asked(metrics: Metrics) -> Iterator[str]:
    first, comparison = metrics["first_divergence"], metrics["comparison"]
    if first is not None and not metrics["story"]:
        reference = metrics["files"]["reference"][0]["name"]
        main = metrics["files"]["candidate"][0]["name"]
        yield f"Why does {code(first['quantity'])} differ? `braggtrace {reference} {main}` opens both on that value."
    if metrics["status"] == "INCONCLUSIVE":
        yield "Is this the right reference? Too few of its values have a counterpart to judge by."
    elif comparison is not None and comparison["only_reference"]:
        values = count(comparison["only_reference"], "value")
        yield f"Do the {values} that only the reference has matter? They could not be compared."
    if metrics["git"]["clean"] is False:
        yield f"Do the uncommitted changes matter? `{names.ENVIRONMENT}` lists them."
    base = metrics["baseline"]
    if base is not None and base["differs"]:
        yield f"Is the change since the baseline due to its other {', '.join(base['differs'])}?"
    if base is not None and base["faults"]:
        yield f"Can the baseline be trusted? It does not verify: {plain('; '.join(base['faults'][:3]))}."
    if any(entry["inherited"] == "neither" for entry in metrics["carryover"]):
        yield "Where do the cell vectors at phi 0 come from that are neither those of the step before nor unrotated?"
    if any(pixel["sign_differs"] for pixel in metrics["pixels"]):
        yield "Why does F_latt have the other sign than in the reference?"
    if metrics["warnings"]:
        more = len(metrics["warnings"]) - _WARNINGS
        shown = "; ".join(plain(warning) for warning in metrics["warnings"][:_WARNINGS])
        yield f"Is this as meant? {shown}" + (f"; and {more} more in `{names.OBSERVATIONS}`." if more > 0 else ".")
