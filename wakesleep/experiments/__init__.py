"""Simulations outside of runs: coincidence detectors, and cortex awake and asleep.

In: parameters, or the hypnogram of a run. Out: labelled data (xarray). Nothing here learns. Must
not import ``simulation``, ``studies`` or ``plots``.
"""
