"""``python -m wakesleep`` is the command line."""

from wakesleep.cli import main

main()
