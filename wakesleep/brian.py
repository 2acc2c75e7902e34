"""Brian2, imported without what it does to the process around it."""

from __future__ import annotations

import logging
from typing import Any


def brian2() -> Any:
    """Return the module, with Python's warnings and signals left to whom they belong.

    Brian2 logs warnings instead of showing them, and answers Ctrl-C by ending a simulation half way
    as if it were finished.
    """
    import brian2 as b2

    logging.captureWarnings(False)
    b2.prefs.core.stop_on_keyboard_interrupt = False
    return b2
