"""``python -m wakesleep`` is the command line."""

from wakesleep.cli.main import main

main()
