"""The process around a run: random streams, device, threads, progress, signals, Brian2.

One module for each. In and out: settings of the process. Knows nothing of what is run. Must not
import any package but ``errors``.
"""
