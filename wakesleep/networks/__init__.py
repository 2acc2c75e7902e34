"""Analyses of the trained network of a run.

In: a run's store with its checkpoint beside it. Out: labelled data (xarray): dreams and how good
they are, receptive fields, activities, the goodness of labels, spikes, likelihood. This package
trains nothing and draws nothing. It must not import ``studies``, ``plots`` or ``cli``.
"""

from wakesleep.networks.dreaming import dreams
from wakesleep.networks.likelihoods import likelihood
from wakesleep.networks.quality import dream_quality
from wakesleep.networks.rasters import spikes
from wakesleep.networks.teaching import lessons
from wakesleep.networks.views import activities, hybrids, label_goodness, receptive_fields

__all__ = [
    "activities",
    "dream_quality",
    "dreams",
    "hybrids",
    "label_goodness",
    "lessons",
    "likelihood",
    "receptive_fields",
    "spikes",
]
