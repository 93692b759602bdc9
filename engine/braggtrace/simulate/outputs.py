"""Writing what a simulation gives: the same files as the C program, and a few more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from braggtrace.formats.floatimage import write_float_image
from braggtrace.formats.hkl import write_cache
from braggtrace.formats.pgm import write_pgm
from braggtrace.formats.png import preview_levels, write_png
from braggtrace.formats.smv import SmvValues, write_smv
from braggtrace.simulate.levels import (
    ImageStatistics,
    image_statistics,
    integer_image,
    integer_scale,
    pgm_levels,
    pgm_scale,
)
from braggtrace.simulate.model import Model
from braggtrace.simulate.noise import noise_image
from braggtrace.simulate.random import UniformStream
from braggtrace.simulate.setup import Setup

__all__ = ["smv_values", "write_outputs"]


def smv_values(model: Model) -> SmvValues:
    """What the headers of integer and noise images say."""
    values = model.values
    pixel = float(values["pixel_size_meters"])
    x, y, z = (float(component) for component in values["pix0_vector_meters"])
    return SmvValues(
        shape=model.shape,
        pixel_size_m=pixel,
        distance_m=float(values["distance_meters"]),
        close_distance_m=float(values["close_distance_meters"]),
        wavelength_m=float(values["lambda_meters"]),
        Xbeam_m=float(values["Xbeam_meters"]),
        Ybeam_m=float(values["Ybeam_meters"]),
        Fbeam_m=float(values["Fbeam_meters"]),
        Sbeam_m=float(values["Sbeam_meters"]),
        detsize_slow_m=float(values["detsize_slow_m"]),
        pix0_m=(x, y, z),
        ORGX_px=float(values["Fclose_meters"]) / pixel + 0.5,
        ORGY_px=float(values["Sclose_meters"]) / pixel + 0.5,
        phi_deg=float(values["phi0_deg"]),
        osc_deg=float(values["osc_deg"]),
        twotheta_deg=float(values["detector_twotheta_deg"]),
    )


def write_outputs(
    model: Model, image: NDArray[np.float64], setup: Setup, *, folder: Path | None = None, png: str | None = None
) -> ImageStatistics:
    """Write every file that the flags ask for.

    Args:
        model: the resolved experiment.
        image: (slow, fast) [photons].
        setup: the flags, understood.
        folder: where relative paths start; the working folder if None.
        png: also write a preview there.

    Returns:
        The statistics that the C program prints.

    Raises:
        OutputError: a file can't be written.
    """
    outputs, experiment = setup.outputs, setup.experiment
    folder = Path() if folder is None else folder
    stored = image.astype(np.float32)
    write_float_image(folder / outputs.floatfile, stored)
    if setup.table is not None:
        write_cache(folder / outputs.dumpfile, setup.table)
    if not np.isfinite(stored).all():
        # The C program writes nonsense from here on.
        return ImageStatistics(float("nan"), None, float("nan"), float("nan"), float("nan"), stored.size)
    statistics = image_statistics(stored, model.roi)
    header = smv_values(model)
    scale = outputs.scale if outputs.scale > 0 else integer_scale(statistics)
    levels = integer_image(stored, scale, adc=outputs.adc, roi=model.roi)
    write_smv(folder / outputs.intfile, header, levels)
    if outputs.pgm:
        grey = outputs.pgmscale if outputs.pgmscale > 0 else pgm_scale(statistics, scale)
        write_pgm(folder / outputs.pgmfile, pgm_levels(stored, grey), grey)
    if outputs.noise:
        stream = UniformStream(outputs.seed, model.randoms)
        noisy = noise_image(stored, stream, adc=outputs.adc, roi=model.roi, fma=experiment.fma)
        write_smv(folder / outputs.noisefile, header, noisy.pixels)
    if png is not None:
        write_png(folder / png, preview_levels(stored))
    return statistics
