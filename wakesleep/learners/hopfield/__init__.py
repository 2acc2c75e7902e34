"""Hopfield networks that sleep: unlearning, and the dreaming kernel."""
