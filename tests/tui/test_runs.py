"""Running pixels again, told key by key; the engine is a fake that a story directs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.strip import Strip
from textual.widget import Widget

from braggtrace.runs.store import RunStore
from braggtrace_tui.config import Backends, EngineChoice
from braggtrace_tui.engine_desk import RunDesk
from braggtrace_tui.pieces import plain
from braggtrace_tui.screens.compare import CompareScreen
from braggtrace_tui.screens.enginestate import EngineScreen
from braggtrace_tui.screens.map import MapScreen
from braggtrace_tui.screens.runform import RunFormScreen
from braggtrace_tui.screens.sweep import SweepScreen
from tests.tui.fake_engine import HELLO, FakeEngine
from tests.tui.rerun_hand import FLAGS, Hand, Tell, engine, tell

__all__ = ["engine", "tell"]


def test_from_the_divergence_to_a_fresh_aligned_trace(tell: Tell, engine: FakeEngine, tmp_path: Path) -> None:
    """`R`, Enter: the form knows the flags, and the cursor stays at the same quantity and coordinate."""

    async def story(hand: Hand) -> None:
        assert hand.line.startswith("≠ first rot_a.y")
        await hand.open_form()
        await hand.press("right", "left", "enter")  # nothing has to be chosen
        await hand.until(lambda: "traced again" in hand.message)
        assert hand.line.startswith("≠ first rot_a.y")
        assert "1639 966" in hand.compare.header.text
        assert "missing" not in hand.compare.header.text
        assert len(hand.compare.comparison.pixels) == 1
        trace = hand.compare.session.candidate
        assert Path(trace).is_relative_to(tmp_path / "runs")
        await hand.press("B")
        assert len(hand.compare.comparison.pixels) == 4
        assert hand.line.startswith("≠ first rot_a.y")
        await hand.press("B")
        assert "nothing was run" in hand.message

    tell(story)
    do, fields = engine.asked[-1]
    assert do == "trace"
    assert fields["flags"] == FLAGS.split()
    assert (fields["folder"], fields["phi_mode"], list(fields["pixels"])) == ("/data", "spec", [(1639, 966)])


def test_the_engine_starts_after_the_first_picture(
    tell: Tell, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading PyTorch must not compete with what the user waits for."""
    order: list[str] = []

    def noted(kind: type, method: str, what: str) -> None:
        original = getattr(kind, method)

        def call(self: object) -> None:
            original(self)
            order.append(what)

        monkeypatch.setattr(kind, method, call)

    noted(CompareScreen, "show_all", "picture")
    noted(FakeEngine, "start", "engine")

    async def story(hand: Hand) -> None:
        await hand.until(lambda: "engine" in order)
        assert order[0] == "picture"

    tell(story)


def test_the_run_that_mends_it(tell: Tell) -> None:
    """Another phi mode, and everything agrees; the cursor has not moved."""

    async def story(hand: Hand) -> None:
        await hand.open_form()
        hand.form.fields.phi.focus()
        await hand.press("left", "enter")
        await hand.until(lambda: "traced again" in hand.message)
        assert hand.line.startswith("= agrees rot_a")
        assert "values agree" in hand.compare.verdict.text
        await hand.press("R")  # the form is as it was left
        assert hand.form.plan.phi_mode == "c-parity"

    tell(story)


@pytest.mark.parametrize(
    ("keys", "reference", "candidate"),
    [
        ((), "reference.log", "trace.log"),
        (("right",), "trace.log", "candidate.log"),
        (("right", "right"), "candidate.log", "trace.log"),
    ],
)
def test_the_user_chooses_beside_what(tell: Tell, keys: tuple[str, ...], reference: str, candidate: str) -> None:
    """The fresh trace replaces the candidate, the reference, or is held against the old candidate."""

    async def story(hand: Hand) -> None:
        await hand.open_form()
        hand.form.fields.beside.focus()
        await hand.press(*keys, "enter")
        await hand.until(lambda: "traced again" in hand.message)
        session = hand.compare.session
        assert Path(session.reference).name == reference
        assert Path(session.candidate).name == candidate

    tell(story)


def test_the_form_explains_what_is_typed(tell: Tell) -> None:
    """The experiment and its warnings, what an edit changed, and what can't be chosen."""

    async def story(hand: Hand) -> None:
        await hand.open_form()
        text = hand.form_text
        assert "200 mm" in text
        assert "- cuda: no CUDA GPU on this machine" in text
        assert "- C program: no --bin" in text
        assert "= 1 pixel of 2527 x 2463, 10 iterations each" in text
        hand.form.fields.flags.box.focus()
        await hand.press("end", *" -lamda 1 -distance 9")
        hand.form.fields.flags.box.text = "-distance 9 -lamda 1"
        await hand.until(lambda: "-lamda is no flag" in hand.form_text)
        assert "9 mm" in hand.form_text
        assert "was 200 mm" in hand.form_text
        hand.form.fields.device.focus()
        await hand.press("right", "space")
        assert hand.form.plan.device == "cpu"

    tell(story)


def test_the_form_refuses_what_makes_no_sense(tell: Tell, engine: FakeEngine) -> None:
    """With words, and Enter launches nothing."""

    async def story(hand: Hand) -> None:
        await hand.open_form()
        fields = hand.form.fields
        for text, words in (("9999 1", "not on the detector"), ("1", "no pixels"), ("10 20 ±3", "= 49 pixels")):
            fields.pixels.box.value = text
            await hand.until(lambda words=words: words in hand.form_text)  # type: ignore[misc]
            assert fields.where.value == "typed"
        fields.pixels.box.value = "5 x"
        fields.pixels.box.focus()
        await hand.press("enter")
        await hand.pilot.pause(0.3)
        assert isinstance(hand.app.screen, RunFormScreen)
        fields.pixels.box.value = "5 5"
        fields.flags.box.text = "-mat 'A.mat"
        await hand.until(lambda: "can't be split" in hand.form_text)
        engine.fails["explain"] = ("input", "A.mat: can't be read; no such file")
        fields.flags.box.text = "-mat A.mat"
        await hand.until(lambda: "A.mat: can't be read" in hand.form_text)
        await hand.press("enter")
        await hand.pilot.pause(0.3)
        assert [do for do, _ in engine.asked if do == "trace"] == []
        del engine.fails["explain"]
        fields.flags.box.text = "-mat B.mat"
        await hand.until(lambda: "= 1 pixel" in hand.form_text)
        await hand.press("escape")
        await hand.until(lambda: isinstance(hand.app.screen, CompareScreen))

    tell(story)


def test_enter_before_the_engine_is_ready_runs_when_it_is(tell: Tell, engine: FakeEngine) -> None:
    """Nothing has to be pressed again."""
    engine.slow_start = True

    async def story(hand: Hand) -> None:
        await hand.press("R", "enter")
        assert "the engine is starting, then it runs" in hand.form_text
        await asyncio.to_thread(engine.become, "ready")
        await hand.until(lambda: "traced again" in hand.message)

    tell(story)


def test_progress_is_live_and_the_table_stays_free(tell: Tell, engine: FakeEngine) -> None:
    """The line above the footer; Esc ends the filter first, then the run."""
    engine.seconds = 30

    async def story(hand: Hand) -> None:
        await hand.open_form()
        await hand.press("enter")
        await hand.until(lambda: "%" in hand.compare.running.text)
        assert "100 pixels/s" in hand.compare.running.text
        assert "Esc cancels" in hand.compare.running.text
        before = hand.line
        await hand.press("down")
        assert hand.line != before
        await hand.press("R", "enter")
        await hand.until(lambda: isinstance(hand.app.screen, CompareScreen))
        assert "a run is under way" in hand.message
        await hand.press("d", "escape")
        assert not hand.compare.only
        assert hand.app.desk.progress is not None
        await hand.press("escape")
        await hand.until(lambda: "was cancelled" in hand.message, seconds=2)
        assert not hand.compare.has_class("running")
        assert RunStore(hand.app.desk.root).list()[0].status == "cancelled"

    tell(story)


def test_the_line_of_a_run_follows_the_width(tell: Tell, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while there is no progress to tell."""
    engine.seconds = 30
    monkeypatch.setattr(RunDesk, "_progress", lambda *_: None)

    async def story(hand: Hand) -> None:
        await hand.open_form()
        await hand.press("enter")
        await hand.until(lambda: "Esc cancels" in hand.compare.running.text)
        for width in (140, 60, 100):
            await hand.pilot.resize_terminal(width, 30)
            await hand.until(lambda w=width: len(hand.compare.running.text.rstrip()) == w - 2)  # type: ignore[misc]
        await hand.press("escape")
        await hand.until(lambda: "was cancelled" in hand.message)

    tell(story)


def test_control_c_cancels_first_and_leaves_then(tell: Tell, engine: FakeEngine) -> None:
    """So that nobody loses the screen with the run."""
    engine.seconds = 30

    async def story(hand: Hand) -> None:
        await hand.open_form()
        await hand.press("enter")
        await hand.until(lambda: hand.app.desk.progress is not None)
        await hand.press("ctrl+c")
        await hand.until(lambda: "was cancelled" in hand.message)
        await hand.press("ctrl+c")
        await hand.until(lambda: hand.app._exit)

    tell(story)


def test_progress_repaints_only_its_own_line(tell: Tell, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most five times a second."""
    engine.seconds = 1.5
    drawn: list[str] = []

    async def story(hand: Hand) -> None:
        await hand.open_form()
        await hand.press("enter")
        await hand.until(lambda: "%" in hand.compare.running.text)
        await settled_but_for_progress(hand)
        for widget in (hand.compare.table, hand.compare.header, hand.compare.footer, hand.compare.running):
            monkeypatch.setattr(widget, "render_line", noting(widget, drawn))
        start = time.monotonic()
        await hand.pilot.pause(0.8)
        seconds = time.monotonic() - start
        assert set(drawn) == {"running"}
        assert len(drawn) <= 5 * seconds + 2

    tell(story)


def noting(widget: Widget, drawn: list[str]) -> Callable[[int], Strip]:
    """The widget's `render_line`, that also notes whose line was drawn."""
    render = widget.render_line

    def render_line(y: int) -> Strip:
        drawn.append(widget.id or "")
        return render(y)

    return render_line


async def settled_but_for_progress(hand: Hand) -> None:
    """Let the layout come to rest."""
    for _ in range(3):
        await hand.pilot.pause(0.05)


def test_an_engine_that_dies_in_mid_run_leaves_the_screen(tell: Tell, engine: FakeEngine) -> None:
    """A message; the engine of this machine is started again; the next run works."""
    engine.seconds, engine.dies_after = 30, 0.1

    async def story(hand: Hand) -> None:
        await hand.open_form()
        await hand.press("enter")
        await hand.until(lambda: "the run failed" in hand.message)
        assert "ended by SIGKILL" in hand.message
        await hand.until(lambda: engine.starts == 2 and hand.app.engine.kind == "ready")
        assert RunStore(hand.app.desk.root).list()[0].status == "failed"
        engine.seconds, engine.dies_after = 0, None
        await hand.press("R", "enter")
        await hand.until(lambda: "traced again" in hand.message)

    tell(story)


def test_a_lost_connection_is_said_and_a_key_connects_again(tell: Tell, engine: FakeEngine, tmp_path: Path) -> None:
    """An engine elsewhere is not called back without being asked."""
    backends = Backends(EngineChoice("box", ("ssh", "box")), runs=tmp_path / "runs")

    async def story(hand: Hand) -> None:
        await hand.open_form()
        await asyncio.to_thread(engine.become, "lost", "the engine is gone: connection reset")
        await hand.until(lambda: "connection reset" in hand.form_text)
        assert "Ctrl+R connects again" in hand.form_text
        assert engine.starts == 1
        await hand.press("ctrl+r")
        await hand.until(lambda: "= 1 pixel" in hand.form_text)
        assert engine.starts == 2

    tell(story, backends=backends)


def test_without_torch_the_form_says_how_to_install_it(tell: Tell, engine: FakeEngine) -> None:
    """Everything else works."""
    engine.hello = {**HELLO, "torch": None, "dtypes": [], "profiles": [], "devices": []}

    async def story(hand: Hand) -> None:
        await hand.open_form()
        assert "pip install 'braggtrace[torch]'" in hand.form_text
        await hand.press("enter")
        assert isinstance(hand.app.screen, RunFormScreen)

    tell(story)


def test_without_an_engine_the_form_says_so(tell: Tell, engine: FakeEngine, tmp_path: Path) -> None:
    """Nothing is started behind one's back."""

    async def story(hand: Hand) -> None:
        await hand.open_form()
        assert "--engine none" in hand.form_text
        assert "M starts one" in hand.form_text
        await hand.press("escape", "M")
        assert "no engine" in hand.app.screen.query_one("#facts").text  # type: ignore[attr-defined]

    tell(story, backends=Backends(runs=tmp_path / "runs"))
    assert engine.choices == []


def test_flags_come_from_a_file_or_the_latest_run(tell: Tell, tmp_path: Path) -> None:
    """Where no trace records any; else there is a hint."""

    async def nothing(hand: Hand) -> None:
        await hand.open_form()
        assert "No flags are known" in hand.form_text
        assert "there are no flags" in hand.form_text
        await hand.press(*"-N", "space", "5")
        await hand.until(lambda: "= 1 pixel" in hand.form_text)
        await hand.press("enter")
        await hand.until(lambda: "traced again" in hand.message)

    async def latest(hand: Hand) -> None:
        await hand.open_form()
        assert hand.form.plan.flags == "-N 5"
        assert "the latest run" in hand.form.title_line.text

    async def file(hand: Hand) -> None:
        await hand.open_form()
        assert hand.form.plan.flags == "-mat 'my A.mat' -N 3"

    tell(nothing, recorded="")
    tell(latest, recorded="")
    (tmp_path / "flags.txt").write_text("-mat 'my A.mat' -N 3  # a comment\n")
    runs = tmp_path / "runs"
    tell(file, backends=Backends(EngineChoice(), args=str(tmp_path / "flags.txt"), runs=runs))
    tell(file, recorded="", backends=Backends(EngineChoice(), usual_args=str(tmp_path / "flags.txt"), runs=runs))


def test_kept_runs_are_opened_compared_changed_and_deleted(tell: Tell, tmp_path: Path) -> None:
    """`L` and one key each; deleting asks first."""

    async def story(hand: Hand) -> None:
        for phi in ("left", "right"):
            await hand.open_form()
            hand.form.fields.phi.focus()
            await hand.press(phi, "enter")
            await hand.until(lambda: hand.app.desk.progress is None and isinstance(hand.app.screen, CompareScreen))
        screen = await hand.open_list(2)
        lines = [plain(screen.runs.line(number)) for number in range(2)]
        assert "cpu float64 spec" in lines[0]
        assert all("= done" in line and "1639 966" in line for line in lines)
        assert FLAGS in screen.about.text
        await hand.press("space")
        await hand.press("c")
        assert "mark two runs" in screen.hint.text
        await hand.press("down", "space", "c")
        assert "≠" in hand.compare.verdict.text
        assert "spec (reference)" in hand.message
        screen = await hand.open_list(2)
        await hand.press("enter")
        assert hand.compare.session.reference.endswith("trace.log")
        screen = await hand.open_list(2)
        await hand.press("r")
        assert hand.form.plan.phi_mode == "spec"
        assert hand.form.plan.pixels == "1639 966"
        await hand.press("escape")
        screen = await hand.open_list(2)
        await hand.press("d", "n")
        assert "not deleted" in screen.hint.text
        await hand.press("d", "y")
        await hand.until(lambda: len(screen.runs.rows) == 1)
        assert "deleted" in screen.hint.text

    tell(story)
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_an_interrupted_run_is_listed_as_such(tell: Tell, tmp_path: Path) -> None:
    """It can't be opened, but run again."""
    folder = tmp_path / "runs" / "20260101T000000Z-cut-short"
    folder.mkdir(parents=True)
    (folder / "status.json").write_text('{"status": "running", "sentence": "", "started": "2026-01-01T00:00:00+00:00"}')
    request = '{"kind": "trace", "experiment": {"flags": ["-N", "5"]}, "pixels": [[1, 2]]}'
    (folder / "request.json").write_text(request)

    async def story(hand: Hand) -> None:
        screen = await hand.open_list(1)
        assert "! interrupted" in plain(screen.runs.line(0))
        await hand.press("enter")
        assert "no trace" in screen.hint.text
        await hand.press("r")
        assert hand.form.plan.flags == "-N 5"
        assert hand.form.plan.pixels == "1 2"

    tell(story)


def test_a_sweep_says_which_combination_agrees(tell: Tell, engine: FakeEngine) -> None:
    """One table; Enter opens a row beside the reference."""

    async def story(hand: Hand) -> None:
        await hand.press("V")
        screen = hand.app.screen
        assert isinstance(screen, SweepScreen)
        await hand.until(lambda: "2 of 4 combinations agree" in screen.status.text)
        lines = [plain(screen.cells.line(number)) for number in range(screen.cells.line_count)]
        assert [line.split()[1] for line in lines] == ["agrees", "agrees", "diverges", "diverges"]
        assert "rot_a.y  phi_tic 0" in lines[2]
        await hand.press("tab", "right", "space")  # without float32
        assert screen.cells.line_count == 2
        await hand.press("tab", "tab", "tab", "right", "space")  # the profile spec too
        assert screen.cells.line_count == 4
        assert "2 to come" in screen.status.text
        await hand.press("enter")
        await hand.until(lambda: "to come" not in screen.status.text and "1 of 4" in screen.status.text)
        await hand.press("down", "enter")
        assert isinstance(hand.app.screen, CompareScreen)
        assert "from the sweep" in hand.message
        assert hand.line.startswith("≠ first rot_a.y")

    tell(story, size=(110, 30))
    assert {(f["dtype"], f["phi_mode"], f["profile"]) for do, f in engine.asked if do == "trace"} >= {
        ("float32", "spec", "legacy"),
        ("float64", "spec", "spec"),
    }


def test_a_sweep_goes_on_after_a_failure(tell: Tell, engine: FakeEngine) -> None:
    """What one device lacks says nothing about the others."""
    engine.refuses = {"float32"}

    async def story(hand: Hand) -> None:
        await hand.press("V")
        screen = hand.app.screen
        assert isinstance(screen, SweepScreen)
        await hand.until(lambda: "1 of 2 combinations agree, 2 failed" in screen.status.text)
        lines = [plain(screen.cells.line(number)) for number in range(screen.cells.line_count)]
        assert sum("! failed" in line and "this device has no float32" in line for line in lines) == 2

    tell(story, size=(110, 30))


def test_a_whole_image_opens_on_the_map_and_a_pixel_of_it_is_traced(tell: Tell, engine: FakeEngine) -> None:
    """Enter there traces it; R opens the form for the pixels in view; two image runs are one map."""

    async def story(hand: Hand) -> None:
        await hand.open_form()
        hand.form.fields.where.focus()
        await hand.press(*["right"] * 6)
        await hand.until(lambda: "an image of" in hand.form_text)
        await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, MapScreen))
        await hand.press("R")
        assert hand.form.plan.pixels == "0 2 0 3"
        await hand.press("escape")
        screen = await hand.open_list(1)
        assert "image" in plain(screen.runs.line(0))
        await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, MapScreen))
        await hand.press("end", "enter")
        await hand.until(lambda: "pixel 2 3 is in neither trace" in hand.message)  # the fake has no other pixels

    tell(story)
    assert [do for do, _ in engine.asked if do != "explain"] == ["simulate", "trace"]
    assert list(engine.asked[-1][1]["pixels"]) == [(2, 3)]


def test_leaving_a_sweep_cancels_what_runs(tell: Tell, engine: FakeEngine) -> None:
    """And a row that failed says why."""
    engine.seconds = 30

    async def story(hand: Hand) -> None:
        await hand.press("V")
        await hand.until(lambda: hand.app.desk.progress is not None)
        await hand.press("escape")
        await hand.until(lambda: hand.app.desk.progress is None)
        engine.seconds = 0
        engine.fails["trace"] = ("input", "A.mat: can't be read")
        await hand.press("V")
        screen = hand.app.screen
        assert isinstance(screen, SweepScreen)
        await hand.until(lambda: "A.mat: can't be read" in screen.status.text)
        assert "! failed" in plain(screen.cells.line(0))

    tell(story)


def test_another_engine_can_be_used(tell: Tell, engine: FakeEngine) -> None:
    """`M` lists those of the config file; Enter changes over, r connects again."""

    async def story(hand: Hand) -> None:
        await hand.press("M")
        screen = hand.app.screen
        assert isinstance(screen, EngineScreen)
        assert "cuda: no CUDA GPU" in screen.facts.text
        assert screen.engines.line_count == 2
        await hand.press("r")
        await hand.until(lambda: engine.starts == 2)
        await hand.press("down", "enter")
        await hand.until(lambda: len(engine.choices) == 2)
        assert engine.choices[-1] == EngineChoice("box", ("ssh", "box", "engine"))
        assert "● box" in plain(screen.engines.line(1))

    tell(story)
