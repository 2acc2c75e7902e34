"""The Helmholtz machine and the wake-sleep algorithm."""
