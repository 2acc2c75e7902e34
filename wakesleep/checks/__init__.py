"""What can be said of files before anything runs.

In: names or paths of protocol, model and study files. Out: the first thing that is wrong, or
nothing; and JSON Schemas for editors. Trains nothing and writes nothing. Must not import ``cli``.
"""
