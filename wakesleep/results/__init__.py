"""The stored form of a run, and statistics of it.

In: what the loop recorded. Out: labelled data sets (xarray), NetCDF files, statistics, signal
detection, hypnograms. Knows neither learners nor protocols, and must not import torch.
"""
