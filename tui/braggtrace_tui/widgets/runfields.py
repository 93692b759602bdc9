"""The fields of the run form, in both directions: filled in from a plan, and read as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from braggtrace_tui.pieces import clip_start, safe
from braggtrace_tui.runplan import Beside, RunPlan, around
from braggtrace_tui.runtext import beside_options, device_options, dtype_options, phi_options, profile_options
from braggtrace_tui.widgets.choice import ChoiceRow, Option
from braggtrace_tui.widgets.words import FormRow, WordsArea, WordsRow

__all__ = ["RunFields"]

_MARGINS = (1, 2, 5)


class RunFields(Vertical):
    """One row a field."""

    DEFAULT_CSS: ClassVar[str] = "RunFields { height: auto; width: 1fr; }"

    class Edited(Message):
        """The plan may be another."""

    def __init__(
        self, plan: RunPlan, *, here: tuple[int, int] | None, traced: tuple[tuple[int, int], ...], program: str = ""
    ) -> None:
        """Make the fields.

        Args:
            plan: what they are filled in with.
            here: (slow, fast) of the pixel that is looked at.
            traced: every traced pixel.
            program: the C program, "" where none is known.
        """
        super().__init__(id="fields")
        self._plan = plan
        self._here = here
        self._traced = traced
        self._program = plan.program or program
        self.where = ChoiceRow("pixels", self._where_options(), id="where")
        self.pixels = WordsRow("", plan.pixels, "slow fast, or slow0 slow1 fast0 fast1", id="pixels")
        self.flags = WordsArea("flags", plan.flags, id="flags")
        self.folder = WordsRow("in folder", plan.folder, "where relative paths start", id="folder")
        why = "" if self._program else "no --bin, no $NB_C_BIN"
        name = clip_start(safe(self._program), 24) if self._program else ""
        backends = [Option("torch", "torch"), Option("c", f"C program {name}".strip(), why)]
        self.backend = ChoiceRow("run with", backends, "c" if plan.program else "torch", id="backend")
        self.device = ChoiceRow("device", device_options({}, plan.device), plan.device, id="device")
        self.dtype = ChoiceRow("dtype", dtype_options({}), plan.dtype, id="dtype")
        self.phi = ChoiceRow("phi mode", phi_options(), id="phi")
        self.phi.choose({plan.phi_mode})
        self.profile = ChoiceRow("profile", profile_options({}), plan.profile, id="profile")
        self.more = WordsRow("more", plan.more, "--quirk NAME=on|off  --build fma  --c-threads N", id="more")
        self.beside = ChoiceRow("beside", beside_options(), plan.beside.name, id="beside")
        self.where.choose({"image" if plan.image else self._where_of(plan.pixels)})

    def compose(self) -> ComposeResult:
        yield self.where
        yield self.pixels
        yield self.flags
        yield self.folder
        yield self.backend
        yield self.device
        yield self.dtype
        yield self.phi
        yield self.profile
        yield self.more
        yield self.beside

    def start(self) -> None:
        """Put the focus where something is missing, or on the first field."""
        if self._plan.flags:
            self.where.focus()
        else:
            self.flags.box.focus()

    def offer(self, hello: Mapping[str, Any]) -> None:
        """Offer what an engine has."""
        self.device.offer(device_options(hello, self._plan.device))
        self.dtype.offer(dtype_options(hello))
        self.profile.offer(profile_options(hello))

    def _where_options(self) -> list[Option]:
        options = []
        if self._here is not None:
            options.append(Option("here", "this"))
            options += [Option(str(margin), f"±{margin}") for margin in _MARGINS]
        if len(self._traced) > 1:
            options.append(Option("traced", f"all {len(self._traced):,}"))
        return [*options, Option("typed", "typed"), Option("image", "image", "", "the whole image; -roi limits it")]

    def _where_text(self, where: str) -> str | None:
        """The pixels that an option stands for, None for what is typed."""
        if where == "traced":
            return ", ".join(f"{slow} {fast}" for slow, fast in self._traced)
        if self._here is None or where in ("typed", "image"):
            return None
        if where == "here":
            return f"{self._here[0]} {self._here[1]}"
        return " ".join(map(str, around(self._here, int(where))))

    def _where_of(self, text: str) -> str:
        """The option that stands for what is typed."""
        known = (each.value for each in self._where_options() if self._where_text(each.value) == text.strip())
        return next(known, "typed")

    @property
    def plan(self) -> RunPlan:
        """What the form says now."""
        return replace(
            self._plan,
            pixels=self.pixels.value.strip(),
            flags=self.flags.value.strip(),
            folder=self.folder.value.strip(),
            device=self.device.value or self._plan.device,
            dtype=self.dtype.value or self._plan.dtype,
            phi_mode=self.phi.value,
            profile=self.profile.value or self._plan.profile,
            more=self.more.value.strip(),
            beside=Beside[self.beside.value],
            program=self._program if self.backend.value == "c" else "",
            image=self.where.value == "image",
        )

    def on_choice_row_changed(self, event: ChoiceRow.Changed) -> None:
        event.stop()
        if event.row is self.where:
            text = self._where_text(self.where.value)
            if text is not None:
                self.pixels.set_value(text)
        if event.row is self.backend:  # the C program's trace is the reference, usually
            self.beside.choose({(Beside.CANDIDATE if self.backend.value == "c" else Beside.REFERENCE).name})
        self.post_message(self.Edited())

    def on_form_row_edited(self, event: FormRow.Edited) -> None:
        event.stop()
        if event.row is self.pixels and (self.where.value != "image" or self.pixels.box.has_focus):
            self.where.choose({self._where_of(self.pixels.value)})
        self.post_message(self.Edited())
