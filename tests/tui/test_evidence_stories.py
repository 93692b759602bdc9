"""Evidence from the screen and the list of it, told key by key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from braggtrace.bundles.history import load_metrics
from braggtrace.bundles.source import GivenTrace
from braggtrace.bundles.verify import verify
from braggtrace_tui import probing
from braggtrace_tui.config import Backends, EngineChoice
from braggtrace_tui.evidence import EvidencePlan
from braggtrace_tui.pieces import plain
from braggtrace_tui.screens.bundlelist import BundleListScreen
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.screens.evidenceform import EvidenceFormScreen
from tests.bundles.build import NOON, FakeClock, captured
from tests.tui.rerun_hand import Hand, Tell, engine, tell

__all__ = ["engine", "tell"]

Play = Callable[[str], None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let a Python script stand for `braggtrace probe`."""

    def script(text: str) -> None:
        command = [sys.executable, "-c", f"import os, sys, time\n{text}"]
        monkeypatch.setattr(probing, "probe_command", lambda _: command)

    return script


def form(hand: Hand) -> EvidenceFormScreen:
    """The form, which is open."""
    assert isinstance(hand.app.screen, EvidenceFormScreen)
    return hand.app.screen


async def listed(hand: Hand, bundles: int) -> BundleListScreen:
    """`b`, and wait until so many have been read."""
    await hand.press("b")
    screen = hand.app.screen
    assert isinstance(screen, BundleListScreen)
    await hand.until(lambda: bool(screen.title_line.text) and len(screen.kept.rows) == bundles)
    return screen


def said(hand: Hand) -> str:
    """What stands between table and footer, on one line."""
    return " ".join(hand.compare.running.text.split())


async def ended(hand: Hand) -> None:
    """Wait until nothing is being gathered."""
    await hand.until(lambda: hand.app.probes.progress is None, seconds=90)
    await hand.pilot.pause()


def gather(folder: Path, stale: tuple[str, str], **kinds: str) -> list[Path]:
    """Bundles of the demo, an hour apart: each word is the side that is the candidate."""
    out = []
    for hours, (topic, side) in enumerate(kinds.items()):
        candidate = stale[0] if side == "reference" else stale[1]
        changes = {"root": folder / "reports", "topic": topic.rstrip("0123456789_"), "boxes": ()}
        clock = FakeClock(NOON + timedelta(hours=hours))
        made = captured(folder, GivenTrace(), clock, candidate=candidate, reference=(stale[0],), **changes)
        out.append(made.path)
    return out


def test_one_key_and_enter_make_evidence_that_verifies(tell: Tell, tmp_path: Path) -> None:
    """Both traces, the tolerance that is on, and the answer; the table stays free meanwhile; y copies the path."""
    paths: list[Path] = []

    async def story(hand: Hand) -> None:
        await hand.press("plus", "E")
        shown = form(hand)
        shown.topic.set_value("short")
        assert "rtol 1e-5" in shown.query_one("#about").text  # type: ignore[attr-defined]
        topic = shown.plan.topic
        assert "= Enter makes it" in shown.status.text
        await hand.press("enter")
        assert f"evidence · {topic}" in said(hand)
        assert "Esc cancels" in said(hand)
        await hand.press("R", "escape", "down")
        assert not hand.line.startswith("≠ first")
        await hand.press("E")
        assert "evidence is being gathered" in hand.message
        await ended(hand)
        assert f"reports/{topic}/" in said(hand)
        assert "DIVERGES: first divergence rot_a.y at pixel 1639 966" in said(hand)
        await hand.press("down", "n")
        assert "y copies the path" in said(hand)
        await hand.press("y")
        assert said(hand) == ""
        assert "clipboard" in hand.message
        await hand.press("y")  # and now it copies values again
        assert "reference value" in hand.message
        paths.extend((tmp_path / "reports" / topic).iterdir())

    tell(story)
    (path,) = paths
    assert verify(path).faults == ()
    metrics = load_metrics(path)
    assert len(metrics["pixels"]) == 4
    assert metrics["configuration"]["judging"]["rules"] == {"rtol": ["1e-05"]}
    assert metrics["configuration"]["phi_mode"] == "spec"  # the trace says so
    command = (path / "commands.txt").read_text().splitlines()[0]
    assert command.startswith("command: braggtrace probe --candidate=")


def test_only_this_pixel_a_note_and_another_place(tell: Tell, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form takes them over, remembers topic and root, and names what is wrong with them."""
    asked: list[EvidencePlan] = []

    def note(plan: EvidencePlan) -> list[str]:
        asked.append(plan)
        return [sys.executable, "-c", ""]

    monkeypatch.setattr(probing, "probe_command", note)

    async def story(hand: Hand) -> None:
        await hand.press("E")
        shown = form(hand)
        await hand.press("up", "right", "down", *["backspace"] * 40, "m", "y", "space", "t")
        assert "my_t" in shown.status.text
        await hand.press("enter")
        assert form(hand) is shown
        await hand.press("backspace", "backspace", "tab", *["backspace"] * 10, *"kept", "tab", *"why")
        assert "kept/my/<time>" in shown.where.text
        await hand.press("enter")
        await ended(hand)
        await hand.press("escape", "E")
        assert (form(hand).plan.topic, form(hand).plan.root, form(hand).plan.note) == ("my", "kept", "")
        await hand.press("escape")
        assert isinstance(hand.app.screen, CompareScreen)

    tell(story)
    (plan,) = asked
    assert (plan.topic, plan.root, plan.note, plan.pixels) == ("my", "kept", "why", ((1639, 966),))


def test_the_root_is_that_of_the_config_file(tell: Tell, tmp_path: Path) -> None:
    """`reports` only where it says nothing."""

    async def story(hand: Hand) -> None:
        await hand.press("E")
        assert form(hand).plan.root == "/data/evidence"

    tell(story, backends=Backends(EngineChoice(), runs=tmp_path / "runs", root="/data/evidence"))


def test_esc_cancels_and_leaves_nothing_half_true(tell: Tell, tmp_path: Path, play: Play) -> None:
    """The child is gone, what is left says that it is not complete, and the next one works."""
    pids = tmp_path / "pid"
    play(
        f"open({str(pids)!r}, 'w').write(str(os.getpid()))\n"
        "print('braggtrace: workspace: building reports/x/20250101T000000Z', file=sys.stderr, flush=True)\n"
        "os.makedirs('reports/x/20250101T000000Z.partial')\n"
        "time.sleep(60)"
    )

    async def story(hand: Hand) -> None:
        await hand.press("E", "enter")
        await hand.until(lambda: Path("reports/x/20250101T000000Z.partial").is_dir())
        await hand.press("escape")
        await ended(hand)
        assert said(hand).startswith("· cancelled; what was there is in reports/x/20250101T000000Z.partial")
        with pytest.raises(ProcessLookupError):
            os.kill(int(pids.read_text()), 0)
        await hand.press("escape")
        assert said(hand) == ""
        screen = await listed(hand, 1)
        assert "! partial" in plain(screen.kept.line(0))
        await hand.press("enter")
        assert "there is no trace to open" in screen.hint.text
        await hand.press("space")
        assert "can't be compared" in screen.hint.text
        await hand.press("v")
        await hand.until(lambda: "never finished" in screen.hint.text)
        await hand.press("escape")

    tell(story)


def test_control_c_cancels_it_first(tell: Tell, play: Play) -> None:
    """And leaves the second time."""
    play("time.sleep(60)")

    async def story(hand: Hand) -> None:
        await hand.press("E", "enter")
        await hand.press("ctrl+c")
        await ended(hand)
        assert said(hand) == "· cancelled; nothing was written"
        await hand.press("ctrl+c")
        await hand.until(lambda: hand.app._exit)

    tell(story)


def test_leaving_ends_what_is_being_gathered(tell: Tell, tmp_path: Path, play: Play) -> None:
    """Also a child that will not hear of it, and its own children."""
    pids = tmp_path / "pids"
    play(
        "import signal, subprocess\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(60)"
    )

    async def story(hand: Hand) -> None:
        await hand.press("E", "enter")
        await hand.until(lambda: pids.exists() and bool(pids.read_text()))
        await hand.press("q")

    tell(story)
    for pid in pids.read_text().split():
        end = time.monotonic() + 5
        while "time.sleep" in Path(f"/proc/{pid}/cmdline").read_text() if Path(f"/proc/{pid}").exists() else False:
            assert time.monotonic() < end, "it is still there"
            time.sleep(0.02)


def test_a_root_that_can_t_be_written_is_a_sentence(tell: Tell, tmp_path: Path) -> None:
    """Seen before Enter where it can be, else said afterwards."""
    (tmp_path / "file").touch()
    place = tmp_path / "read only"
    place.mkdir(mode=0o555)

    async def story(hand: Hand) -> None:
        await hand.press("E")
        form(hand).root.set_value(str(tmp_path / "file"))
        await hand.press("enter")
        assert "file is no folder" in form(hand).status.text
        form(hand).root.set_value(str(place))
        await hand.pilot.pause()
        assert ("can't be written to" in form(hand).status.text) == (os.geteuid() != 0)
        form(hand).root.set_value("/proc/nowhere")
        await hand.press("enter")
        if isinstance(hand.app.screen, CompareScreen):  # root is told that it may write there
            await ended(hand)
            assert said(hand).startswith("! no evidence: /proc/nowhere/")
            assert said(hand).endswith("; nothing was written")

    tell(story)


def test_a_probe_that_breaks_says_why(tell: Tell, play: Play) -> None:
    """Its own words; a full disk among them; what it kept is named."""
    play(
        "print('braggtrace: compare: x', file=sys.stderr)\n"
        "print('braggtrace: error: bundle: reports/a/metrics.json: can\\'t be written: No space left on device',"
        " file=sys.stderr)\n"
        "print('to do: make room', file=sys.stderr)\n"
        "print('kept: reports/a/20250101T000000Z.partial', file=sys.stderr)\n"
        "sys.exit(2)"
    )

    async def full(hand: Hand) -> None:
        await hand.press("E", "enter")
        await ended(hand)
        words = "no evidence: bundle: reports/a/metrics.json: can't be written: No space left on device"
        assert said(hand) == f"! {words}; what was there is in reports/a/20250101T000000Z.partial"

    tell(full)
    play("os.kill(os.getpid(), 9)")

    async def killed(hand: Hand) -> None:
        await hand.press("E", "enter")
        await ended(hand)
        assert said(hand) == "! no evidence: the probe ended early: it said nothing; nothing was written"

    tell(killed)


def test_a_file_that_changed_is_read_again_first(tell: Tell, tmp_path: Path) -> None:
    """Evidence is of what is on screen."""

    async def story(hand: Hand) -> None:
        with (tmp_path / "candidate.log").open("a") as file:
            file.write("TRACE_PY: more 1\n")
        await hand.press("E")
        assert "r reads both again" in hand.message
        await hand.press("r", "E")
        assert isinstance(hand.app.screen, EvidenceFormScreen)
        await hand.press("escape")

    tell(story)


def test_a_pipe_can_t_be_evidence(tell: Tell, tmp_path: Path) -> None:
    """It is gone once it has been read."""

    async def story(hand: Hand) -> None:
        hand.compare.session.candidate = "-"
        await hand.press("E")
        assert "standard input can't be read twice" in hand.message
        hand.compare.session.candidate = str(tmp_path / "candidate.log")

    tell(story)


def test_no_bundles_yet(tell: Tell, tmp_path: Path) -> None:
    """The list says how to make one, and no key hurts it."""

    async def story(hand: Hand) -> None:
        screen = await listed(hand, 0)
        assert "no such folder yet: E makes it" in screen.title_line.text
        await hand.press("enter", "space", "v", "y", "down", "end", "r")
        assert not isinstance(hand.app.screen, CompareScreen)
        await hand.press("b")
        await hand.until(lambda: hand.app.screen is hand.compare)
        (tmp_path / "reports").mkdir()
        screen = await listed(hand, 0)
        assert "no bundles yet: E makes one" in screen.title_line.text
        (tmp_path / "reports").rmdir()
        (tmp_path / "reports").touch()
        await hand.press("r")
        await hand.until(lambda: "can't be read" in screen.hint.text)

    tell(story)


def test_a_bundle_is_opened_as_it_was_judged(tell: Tell, tmp_path: Path, stale: tuple[str, str]) -> None:
    """Its candidate beside its reference, its tolerance, its pixels; `B` goes back."""
    captured(
        tmp_path, GivenTrace(), candidate=stale[1], reference=(stale[0],), boxes=((1639, 1639, 966, 967),), topic="two"
    )
    gather(tmp_path, stale, two="candidate")

    async def story(hand: Hand) -> None:
        before = hand.compare.session
        screen = await listed(hand, 2)
        assert "≠ rot_a.y" in plain(screen.kept.line(0))
        assert "DIVERGES: first divergence rot_a.y" in screen.about.text
        await hand.press("down", "enter")
        assert hand.compare.session.candidate.endswith("trace_py.log")
        assert hand.compare.session.reference.endswith("trace_c.log")
        assert len(hand.compare.comparison.pixels) == 2
        assert hand.line.startswith("≠ first rot_a.y")
        assert "its candidate beside its reference" in hand.message
        await hand.press("B")
        assert hand.compare.session is before
        assert len(hand.compare.comparison.pixels) == 4

    tell(story)


def test_two_bundles_are_opened_beside_each_other(tell: Tell, tmp_path: Path, stale: tuple[str, str]) -> None:
    """Also from another machine's folder: candidate against candidate, with what differs in their set-ups."""
    here, there = gather(tmp_path, stale, one="reference", other="candidate")
    elsewhere = tmp_path / "cluster"
    shutil.copytree(there.parent.parent, elsewhere)
    facts = elsewhere / "other" / there.name / "env.json"
    facts.chmod(0o644)
    facts.write_text(facts.read_text().replace('"host": "', '"host": "gpubox-'))

    async def story(hand: Hand) -> None:
        screen = await listed(hand, 2)
        await hand.press("down")
        assert screen.kept.row is not None
        assert screen.kept.row.topic == "one"
        await hand.press("space")
        assert "marked as the reference" in screen.hint.text
        await hand.press("enter")
        assert "one is marked" in screen.hint.text
        await hand.press("o", *["backspace"] * 7, *"cluster", "enter")
        await hand.until(lambda: "cluster" in screen.title_line.text and len(screen.kept.rows) == 2)
        await hand.press("space")
        assert "Enter opens the two" in screen.hint.text
        assert "set up differently: host " in screen.about.text
        await hand.press("enter")
        assert hand.compare.session.reference.startswith("reports/one/")
        assert hand.compare.session.candidate.startswith("cluster/other/")
        assert "≠" in hand.compare.verdict.text
        assert f"the candidates of {here.name} and {there.name}" in hand.message
        await hand.press("n")
        assert said(hand).startswith("set up differently: host ")
        assert "gpubox-" in said(hand)
        await hand.pilot.resize_terminal(50, 20)
        await hand.pilot.pause()
        assert len(hand.compare.running.lines) == 2
        await hand.press("escape")
        assert said(hand) == ""
        await hand.press("B")
        assert hand.compare.session.candidate.endswith("candidate.log")

    tell(story)


def test_the_list_says_when_a_divergence_moved(tell: Tell, tmp_path: Path, stale: tuple[str, str]) -> None:
    """A history by topic, the latest first."""
    gather(tmp_path, stale, a1="reference", a2="candidate", a3="candidate", a4="reference")

    async def story(hand: Hand) -> None:
        screen = await listed(hand, 4)
        assert [plain(screen.kept.line(number)).split()[-1] for number in range(4)] == [
            "VANISHED",
            "stayed",
            "APPEARED",
            "none",
        ]

    tell(story, size=(80, 24))


def test_an_altered_bundle_is_found_and_named(tell: Tell, tmp_path: Path, stale: tuple[str, str]) -> None:
    """`v`; a whole one verifies; a damaged one is listed, and hurts nobody."""
    altered, damaged, _ = gather(tmp_path, stale, a1="reference", a2="candidate", a3="candidate")
    trace = altered / "trace_py.log"
    trace.chmod(0o644)
    trace.write_text(trace.read_text().replace("1639 966", "1639 965", 1))
    (damaged / "metrics.json").chmod(0o644)
    (damaged / "metrics.json").write_text("{")

    async def story(hand: Hand) -> None:
        screen = await listed(hand, 3)
        await hand.press("v")
        await hand.until(lambda: "verifies:" in screen.hint.text)
        assert "= verifies:" in screen.about.text
        await hand.press("down")
        assert "= verifies:" not in screen.about.text
        assert "! damaged: metrics.json: not JSON" in plain(screen.kept.line(1))
        await hand.press("enter")
        assert "this bundle is damaged" in screen.hint.text
        await hand.press("down", "v")
        await hand.until(lambda: "does not verify" in screen.hint.text)
        assert "! trace_py.log: altered: the checksum differs" in screen.about.text

    tell(story)


def test_a_path_is_copied_and_another_folder_typed(tell: Tell, tmp_path: Path, stale: tuple[str, str]) -> None:
    """A folder that is not there leaves the list as it is; Esc leaves the line, not the list."""
    gather(tmp_path, stale, one="reference", other="candidate")

    async def story(hand: Hand) -> None:
        screen = await listed(hand, 2)
        await hand.press("y")
        assert "clipboard" in screen.hint.text
        await hand.press("o", "slash", "x", "enter")
        assert "reports/x is not there" in screen.hint.text
        await hand.press("o", "escape")
        assert not isinstance(hand.app.screen, CompareScreen)
        await hand.press("o", *"/one", "enter")
        await hand.until(lambda: len(screen.kept.rows) == 1)
        assert screen.kept.rows[0].topic == "one"
        await hand.press("escape")
        assert (await listed(hand, 1)).kept.rows[0].topic == "one"  # it is remembered
        await hand.press("escape", "E")
        assert form(hand).plan.root == "reports"  # where one looks is not where evidence goes

    tell(story)


def test_nothing_of_it_imports_torch(tmp_path: Path) -> None:
    """The screen's process stays light."""
    modules = "braggtrace_tui.screens.evidence, braggtrace_tui.screens.bundlelist, braggtrace.bundles.verify"
    code = f"import sys, {modules}, braggtrace.bundles.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
