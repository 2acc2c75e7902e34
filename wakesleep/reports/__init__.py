"""Reports: one page about a result or a study, and tables that compare results.

In: results and studies. Out: self-contained HTML pages, and labelled tables (xarray). Nothing is
run and nothing is trained here. Must not import ``cli``.
"""
