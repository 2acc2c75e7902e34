"""Agreement of two sources, read from the timing of their spikes by coincidence detectors."""
