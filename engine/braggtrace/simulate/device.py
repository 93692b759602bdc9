"""Where to compute and how precisely: what this machine has, and what a name stands for."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from braggtrace.errors import UsageError

__all__ = ["DTYPES", "Device", "device_named", "devices", "dtype_named"]

DTYPES = {"float64": torch.float64, "float32": torch.float32}
"""Precisions by name, the default first."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something to compute on.

    Attributes:
        name: "cpu" or "cuda".
        available: it can be used.
        why: why it can't, "" if it can.
        memory_bytes: its memory, 0 if unknown.
        threads: of a CPU, else 0.
        gpu: what the GPU calls itself, else "".
    """

    name: str
    available: bool
    why: str = ""
    memory_bytes: int = 0
    threads: int = 0
    gpu: str = ""


def devices() -> list[Device]:
    """Every device that a person may ask for, usable or not."""
    return [Device("cpu", True, memory_bytes=_machine_memory(), threads=torch.get_num_threads()), _cuda()]


def device_named(name: str) -> torch.device:
    """The device of that name, as `devices` or torch spell it.

    Raises:
        UsageError: there is no such device.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError("unknown device", expected="cpu or cuda", got=name) from None
    if device.type not in ("cpu", "cuda"):
        raise UsageError("unknown device", expected="cpu or cuda", got=name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError("this machine has no usable GPU", expected="--device cpu", got=f"--device {name}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError("no such GPU", expected=f"cuda:0 to cuda:{torch.cuda.device_count() - 1}", got=name)
    return device


def dtype_named(name: str) -> torch.dtype:
    """The precision of that name.

    Raises:
        UsageError: there is no such precision.
    """
    if name not in DTYPES:
        raise UsageError("unknown dtype", expected=" or ".join(DTYPES), got=name)
    return DTYPES[name]


def _cuda() -> Device:
    if torch.version.cuda is None:
        return Device("cuda", False, "this PyTorch is built without CUDA")
    if not torch.cuda.is_available():
        return Device("cuda", False, "PyTorch finds no GPU, or no driver for it")
    properties = torch.cuda.get_device_properties(0)
    return Device("cuda", True, memory_bytes=properties.total_memory, gpu=properties.name)


def _machine_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):  # not every system tells
        return 0
