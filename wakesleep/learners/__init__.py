"""Learners: Forward-Forward networks, Boltzmann machines, spiking networks and baselines.

In: a model file, the shape of the data, and chunks of steps of one sign. Out: changed weights, and
answers to probes. ``capabilities`` and ``chunks`` are the contract, ``parts`` is what families
share, and each family has a folder. Must not import ``protocols``, ``simulation`` or ``negatives``.
"""
