"""Wake/sleep protocols for networks that learn by local rules.

>>> import wakesleep as ws
>>> result = ws.run("total_sleep_deprivation", "ff_digits", inputs={"nights": 5})  # doctest: +SKIP
>>> ws.plots.overview(result)  # doctest: +SKIP

Names are imported on first use, so ``import wakesleep`` is fast.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Name: ``module:name``, or the module itself where no name follows the colon.
_HOMES = {
    "InputError": "wakesleep.errors:InputError",
    "RunError": "wakesleep.errors:RunError",
    "activity": "wakesleep.experiments.cortex.activity:activity",
    "agreement": "wakesleep.experiments.coincidence.agreement:agreement",
    "agreement_survey": "wakesleep.experiments.coincidence.agreement:survey",
    "check": "wakesleep.checks.check:check",
    "compare": "wakesleep.reports.compare:compare",
    "data": "wakesleep.data:",
    "dream_quality": "wakesleep.networks:dream_quality",
    "dreams": "wakesleep.networks:dreams",
    "export": "wakesleep.networks.export:export",
    "hypnograms": "wakesleep.results.hypnograms:",
    "lessons": "wakesleep.networks:lessons",
    "likelihood": "wakesleep.networks:likelihood",
    "load": "wakesleep.simulation.loading:load",
    "read_night": "wakesleep.results.scored_files:read",
    "report": "wakesleep.reports.report:report",
    "run": "wakesleep.simulation.run:run",
    "networks": "wakesleep.networks:",
    "open": "wakesleep.results.store:open_result",
    "open_study": "wakesleep.results.trees:open_study",
    "plots": "wakesleep.plots:",
    "published": "wakesleep.results.published:published",
    "spikes": "wakesleep.networks:spikes",
    "statistics": "wakesleep.results.statistics:",
    "study": "wakesleep.studies.run:run_study",
    "to_netcdf": "wakesleep.results.store:to_netcdf",
    "trained": "wakesleep.networks.network:trained",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'wakesleep' has no attribute '{name}'")
    module, _, attribute = _HOMES[name].partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def __dir__() -> list[str]:
    return sorted(__all__)
