"""One run: a timetable drives a learner, probe by probe, into a store.

In: a checked protocol and model. Out: a Zarr store (or a data set in memory) and a checkpoint.
``loading`` finds the files, ``prepare`` makes all that a run needs, ``loop`` takes the steps,
``probes`` and ``recorder`` measure and write. Must not import ``plots``, ``studies`` or ``cli``.
"""
