"""Checks of files before anything runs.

In: names or paths of protocol, model and study files. Out: the first error, or nothing; schedules
and estimates of running times; JSON Schemas for editors. Nothing is written. Must not import
``cli``.
"""
