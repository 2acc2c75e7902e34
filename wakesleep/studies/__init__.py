"""A study: a grid of models, protocols, inputs and seeds.

In: a study file. Out: one store for every run, a tree of outcomes over the grid, and figures.
``grid`` lists the runs, ``executors`` make them in several processes, ``gather`` collects them.
Must not import ``cli`` or ``networks``.
"""
