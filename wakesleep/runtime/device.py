"""Which device a run uses: an explicit one that is absent is an error, never a silent fallback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from wakesleep.errors import InputError, choices

DEVICES = ("auto", "cpu", "cuda")
FORMATS = ("float32", "float64", "tf32")
FIRST_WITH_TF32 = 8  # compute capability


def resolve(name: str = "auto") -> torch.device:
    """Return the device of that name; ``auto`` takes a CUDA GPU where there is one.

    Raises
    ------
    InputError
        If the name is unknown, or is ``cuda`` on a machine without a usable GPU.
    """
    if name not in DEVICES:
        raise InputError(f"device '{name}' is unknown{choices(name, DEVICES)}")
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise InputError(
            "device 'cuda' was asked for, but torch finds no CUDA GPU here; allowed are auto, cpu"
        )
    return torch.device("cuda" if present and name != "cpu" else "cpu")


def describe(device: torch.device) -> str:
    """Return the device's name as it goes into the provenance of a result."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    threads = torch.get_num_threads()
    return f"cpu ({threads} thread{'s' if threads > 1 else ''})"


def number_format(name: str, device: torch.device) -> tuple[torch.dtype, bool]:
    """Return the type of all tensors, and whether matrix products may be rounded to TF32.

    TF32 keeps the range of float32 and 10 bits of the mantissa in the factors of a product; sums
    and everything else stay float32.

    Raises
    ------
    InputError
        If there is no such format, or the device lacks it.
    """
    if name not in FORMATS:
        raise InputError(f"dtype '{name}' is unknown{choices(name, FORMATS)}")
    if name != "tf32":
        return getattr(torch, name), False
    if device.type != "cuda":
        raise InputError("dtype 'tf32' is for CUDA GPUs; allowed on a CPU are float32, float64")
    major, minor = torch.cuda.get_device_capability(device)
    if major < FIRST_WITH_TF32:
        raise InputError(
            f"dtype 'tf32': {torch.cuda.get_device_name(device)} (compute capability "
            f"{major}.{minor}) has no TF32; use float32"
        )
    return torch.float32, True


@contextmanager
def products(tf32: bool) -> Iterator[None]:
    """Allow, or forbid, rounding of matrix products to TF32 within the block."""
    kinds: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [kind.allow_tf32 for kind in kinds]
    try:
        for kind in kinds:
            kind.allow_tf32 = tf32
        yield
    finally:
        for kind, its in zip(kinds, before, strict=True):
            kind.allow_tf32 = its
