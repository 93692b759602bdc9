"""Find the missetting of a crystal from its image, by gradients.

The image is simulated with a missetting that the search does not know. Starting a twentieth of a degree away, steepest
descent with momentum finds it: `python docs/examples/refine_misset.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from braggtrace.simulate.experiment import Beam, Crystal, Detector, Experiment, Sampling
from braggtrace.simulate.image import render
from braggtrace.simulate.resolve import resolve

TRUE_DEG = (12.0, -7.0, 31.0)
START_DEG = (12.05, -7.04, 30.96)


def image(misset_deg: Tensor) -> Tensor:
    """The image of a small crystal, (slow, fast) in photons."""
    x, y, z = misset_deg
    experiment = Experiment(
        detector=Detector(fpixels=48, spixels=48, pixel_mm=0.4, distance_mm=80.0),
        beam=Beam(lambda_A=1.0, fluence=1e29),
        crystal=Crystal(
            cell=(30.0, 35.0, 40.0, 90.0, 95.0, 90.0), misset_deg=(x, y, z), default_F=100.0, Na=6, Nb=6, Nc=6
        ),
        sampling=Sampling(oversample=1),
    )
    return render(resolve(experiment))


def refine(steps: int = 60) -> Tensor:
    """The missetting found, (3,) in degrees."""
    measured = image(torch.tensor(TRUE_DEG, dtype=torch.float64))
    misset = torch.tensor(START_DEG, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([misset], lr=0.01)
    for step in range(steps):
        optimiser.zero_grad()
        loss = ((image(misset) - measured) ** 2).sum() / (measured**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step % 10 == 0:
            print(f"step {step:3d}  residual {float(loss.detach()):.2e}  misset {misset.detach().tolist()}")
    return misset.detach()


if __name__ == "__main__":
    print("found", refine().tolist(), "true", list(TRUE_DEG))
