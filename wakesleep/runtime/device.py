"""Which device a run uses: an explicit one that is absent is an error, never a silent fallback."""

from __future__ import annotations

import torch

from wakesleep.errors import InputError, choices

DEVICES = ("auto", "cpu", "cuda")


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
    return f"cpu ({torch.get_num_threads()} threads)"
