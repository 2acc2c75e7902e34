"""Cortical activity that goes with a hypnogram: asynchronous awake, Up and Down states asleep."""
