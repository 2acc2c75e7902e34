"""Wake/sleep protocols for networks that learn by local rules.

>>> import wakesleep as ws
>>> result = ws.run("total_sleep_deprivation", "ff_digits", inputs={"nights": 5})  # doctest: +SKIP
>>> ws.plots.overview(result)  # doctest: +SKIP

Names are imported when they are first used, so that ``import wakesleep`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "InputError": "wakesleep.errors",
    "RunError": "wakesleep.errors",
    "activity": "wakesleep.cortex.activity",
    "agreement": "wakesleep.coincidence.agreement",
    "agreement_survey": "wakesleep.coincidence.agreement:survey",
    "check": "wakesleep.loading",
    "dreams": "wakesleep.dreaming",
    "hypnograms": "",
    "likelihood": "wakesleep.likelihoods",
    "looking": "",
    "load": "wakesleep.loading",
    "run": "wakesleep.running",
    "open": "wakesleep.results:open_result",
    "open_study": "wakesleep.gather",
    "plots": "",
    "results": "",
    "spikes": "wakesleep.spiking.spikes",
    "statistics": "",
    "study": "wakesleep.studying:run_study",
    "to_netcdf": "wakesleep.results",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'wakesleep' has no attribute '{name}'")
    home, _, other = _HOMES[name].partition(":")
    if not home:
        return importlib.import_module(f"wakesleep.{name}")
    return getattr(importlib.import_module(home), other or name)


def __dir__() -> list[str]:
    return sorted(__all__)
