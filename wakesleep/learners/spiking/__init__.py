"""Spiking Forward-Forward networks, simulated by Brian2, learning from spikes alone."""
