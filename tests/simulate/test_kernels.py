"""Compiled kernels: the same numbers, made only where they pay, and no harm where they can't be made."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from braggtrace.errors import CompileError
from braggtrace.simulate import fused, kernels
from braggtrace.simulate.fused import COMPILE_SECONDS, LOAD_SECONDS, eager_seconds, fused_loop
from braggtrace.simulate.image import render
from braggtrace.simulate.kernels import compiler, load_kernel
from braggtrace.simulate.model import Model
from braggtrace.simulate.pixels import PixelLoop
from braggtrace.simulate.quirks import PROFILES
from braggtrace.simulate.resolve import resolve
from tests.simulate.builders import experiment

pytestmark = pytest.mark.usefixtures("no_gradients")
LEGACY, SPEC = PROFILES["legacy"], PROFILES["spec"]
TABLE: dict[str, Any] = {
    "F": torch.rand((9, 9, 9), dtype=torch.float64, generator=torch.Generator().manual_seed(2)),
    "F_low": (-4, -4, -4),
}
LAYERS: dict[str, Any] = {"thick_um": 300.0, "mu_per_m": 2000.0, "thicksteps": 2}


@pytest.fixture
def no_gradients() -> Any:
    """As `simulate` runs."""
    with torch.no_grad():
        yield


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of kernels."""
    monkeypatch.setenv("BRAGGTRACE_CACHE", str(tmp_path))
    return tmp_path


def largest_difference(model: Model, **options: Any) -> float:
    """Between compiled and bare steps, over the maximum."""
    bare, compiled = render(model, **options), render(model, compiled="on", **options)
    assert bool((bare > 0).any())
    assert not torch.equal(compiled, torch.zeros_like(compiled))
    return float((compiled - bare).abs().max() / bare.max())


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
class TestCompiled:
    """Each compiles once, in a quarter of a minute, into a cache that later runs of the tests share."""

    @pytest.fixture(autouse=True)
    def lasting_cache(self, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
        """The folder that pytest keeps."""
        assert pytestconfig.cache is not None
        monkeypatch.setenv("BRAGGTRACE_CACHE", str(pytestconfig.cache.mkdir("kernels")))

    def test_one_kernel_serves_all_samplings(self) -> None:
        """Stale phi, mosaic, sources, layers and subpixels, in whatever numbers."""
        several: dict[str, Any] = {
            "mosaic_spread_deg": 0.5,
            "mosaic_domains": 2,
            "hdivrange_mrad": 2.0,
            "hdivsteps": 2,
            "oversample": 2,
        }
        model = resolve(experiment(LEGACY, 2, **several, **LAYERS, **TABLE))
        assert largest_difference(model) <= 1e-12
        others = several | {"oversample": 3, "mosaic_domains": 5, "Na": 9}
        other = resolve(experiment(LEGACY, 1, **others, **LAYERS, **TABLE))
        assert fused._spec(PixelLoop(other)).key() == fused._spec(PixelLoop(model)).key()
        assert largest_difference(other) <= 1e-12

    def test_interpolation_resolution_and_weights(self) -> None:
        """Interpolated where the table reaches, nothing beyond a resolution, factors at every contribution."""
        changes: dict[str, Any] = {
            "interpolate": True,
            "dmin_A": 30.0,
            "oversample": 2,
            "oversample_polar": True,
            "Na": 2,
            "Nb": 2,
            "Nc": 2,
        }
        model = resolve(experiment(SPEC, **changes, **LAYERS, **TABLE))
        whole = resolve(experiment(SPEC, **(changes | {"dmin_A": 0.0, "interpolate": False}), **LAYERS, **TABLE))
        assert not torch.equal(render(model) == 0, render(whole) == 0)
        assert largest_difference(model) <= 1e-12

    def test_single_precision(self) -> None:
        """With float32 inside the differences are those of its rounding."""
        model = resolve(experiment(LEGACY, **TABLE))
        assert largest_difference(model, dtype=torch.float32) <= 1e-6
        assert float((render(model, dtype=torch.float32, compiled="on") - render(model)).abs().max()) <= 1e-6 * float(
            render(model).max()
        )


@pytest.mark.parametrize(
    ("seconds", "mode", "loads", "compiles"),
    [
        (0.9 * LOAD_SECONDS, "auto", False, False),
        (1.1 * LOAD_SECONDS, "auto", True, False),
        (0.9 * COMPILE_SECONDS, "auto", True, False),
        (1.1 * COMPILE_SECONDS, "auto", True, True),
        (0.0, "on", True, True),
        (1e9, "off", False, False),
    ],
)
def test_the_cost_decides(
    seconds: float, mode: str, loads: bool, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small work is left to the bare steps, more of it to kernels that exist, a lot is worth compiling."""
    asked: list[bool] = []

    def load(spec: object, *, compile_missing: bool) -> None:
        asked.append(compile_missing)

    monkeypatch.setattr(fused, "load_kernel", load)
    monkeypatch.setattr(fused, "compiler", lambda: "c++")
    monkeypatch.setattr(fused, "eager_seconds", lambda loop, pixels: seconds)
    assert fused_loop(PixelLoop(resolve(experiment())), 120, mode) is None
    assert asked == ([compiles] if loads else [])


def test_the_estimate_grows_with_the_work() -> None:
    """Pixels, samples and iterations multiply; interpolation costs far more."""
    plain = eager_seconds(PixelLoop(resolve(experiment(LEGACY, phisteps=2, **TABLE))), 1000)
    assert eager_seconds(PixelLoop(resolve(experiment(LEGACY, phisteps=2, **TABLE))), 3000) == pytest.approx(3 * plain)
    finer = resolve(experiment(LEGACY, phisteps=6, oversample=3, **TABLE))
    assert eager_seconds(PixelLoop(finer), 1000) == pytest.approx(27 * plain)
    interpolated = resolve(experiment(LEGACY, phisteps=2, interpolate=True, **TABLE))
    assert eager_seconds(PixelLoop(interpolated), 1000) > 10 * plain


def test_gradients_take_the_bare_steps() -> None:
    """Compiled kernels give no gradients."""
    with torch.enable_grad():
        assert fused_loop(PixelLoop(resolve(experiment())), 120, "on") is None


def broken(*arguments: object) -> None:
    """A compiler that fails."""
    raise RuntimeError("cc1plus: out of memory\nand so on")


@pytest.mark.usefixtures("cache")
def test_a_failing_compiler_is_an_error_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `on` the person is told; the first line of the reason is enough."""
    monkeypatch.setattr(kernels, "_compile", broken)
    monkeypatch.setattr(kernels, "compiler", lambda: "c++")
    with pytest.raises(CompileError, match=r"could not be compiled; got cc1plus: out of memory$"):
        render(resolve(experiment()), compiled="on")


@pytest.mark.usefixtures("cache")
def test_without_a_compiler_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `on` and no compiler at all."""
    for module in (kernels, fused):
        monkeypatch.setattr(module, "compiler", lambda: None)
    with pytest.raises(CompileError, match=r"no C\+\+ compiler"):
        render(resolve(experiment()), compiled="on")


@pytest.mark.usefixtures("cache")
def test_a_failing_compiler_is_survived(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """With `auto` the bare steps do it, and a line says why it takes long."""
    monkeypatch.setattr(kernels, "_compile", broken)
    monkeypatch.setattr(kernels, "compiler", lambda: "c++")
    monkeypatch.setattr(fused, "compiler", lambda: "c++")
    monkeypatch.setattr(fused, "eager_seconds", lambda loop, pixels: 1e6)
    model = resolve(experiment())
    expected: Tensor = render(model)
    with caplog.at_level(logging.WARNING, logger="braggtrace"):
        assert torch.equal(render(model, compiled="auto"), expected)
    assert "out of memory; going on without" in caplog.text


def test_a_damaged_kernel_is_thrown_away(cache: Path) -> None:
    """What can't be loaded counts as missing."""
    spec = fused._spec(PixelLoop(resolve(experiment())))
    assert spec.path().parent == cache
    spec.path().write_bytes(b"PK no kernel")
    assert load_kernel(spec, compile_missing=False) is None
    assert list(cache.iterdir()) == []
