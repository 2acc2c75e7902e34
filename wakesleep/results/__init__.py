"""The written form of a run, and numbers drawn from it.

In: what the loop recorded. Out: labelled data sets (xarray), NetCDF files, statistics, signal
detection, hypnograms. Knows neither learners nor protocols, and must not import torch.
"""
