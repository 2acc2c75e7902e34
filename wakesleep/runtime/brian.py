"""Brian2 without side effects on this process: imported here, or run in its own process."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from wakesleep.errors import RunError


def brian2() -> Any:
    """Return the module, without its changes to Python's handling of warnings and signals.

    Brian2 logs warnings instead of showing them. On Ctrl-C it ends a simulation early, as if it
    were finished.
    """
    import brian2 as b2

    logging.captureWarnings(False)
    b2.prefs.core.stop_on_keyboard_interrupt = False
    return b2


def in_a_process(module: str, task: Mapping[str, Any], what: str) -> None:
    """Run a module as a program with a task on its stdin: Brian2's device is global.

    Raises
    ------
    RunError
        If it fails; the message holds ``what`` and the last line of its output.
    """
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C must not reach it: a result cut short could look finished
    )
    if done.returncode:
        told = done.stderr.strip().splitlines()
        raise RunError(f"{what}: {told[-1] if told else f'exit code {done.returncode}'}")
