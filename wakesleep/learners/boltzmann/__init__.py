"""Boltzmann machines: full, restricted and deep; samplers and likelihoods."""
