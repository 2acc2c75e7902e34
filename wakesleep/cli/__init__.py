"""The command line: commands in groups, and no logic.

In: what the user types. Out: tables, paths and messages in the terminal. Every command calls one
function of another package, which Python users can call as well. Nothing imports ``cli``.
"""
