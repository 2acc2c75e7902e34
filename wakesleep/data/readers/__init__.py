"""One file for each format of data from outside the package.

Each has a function ``read(how)`` that takes a :class:`wakesleep.data.source.DataSource` with whole
paths, and returns :class:`wakesleep.data.raw.Raw` cases.
"""
