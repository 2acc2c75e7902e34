"""The command line: one application, its commands in groups, and no logic of its own."""

from __future__ import annotations

import errno
import logging
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from wakesleep import __version__
from wakesleep.cli import data, experiments, files, nights, reports, runs, studies, system, trained
from wakesleep.errors import InputError, RunError, plain
from wakesleep.runtime.ranks import rank_here
from wakesleep.runtime.signals import Stopped, stop_at_once
from wakesleep.runtime.speed import spin_briefly

SECONDS_FOR_THE_FIRST = 8.0
_debug = False  # whether errors are shown with their traceback
app = typer.Typer(
    name="wakesleep",
    help="Run wake/sleep protocols on networks that learn by local rules.",
    epilog="Exit codes: 0 for success; 2 for invalid input, and nothing is written; 1 for a failed "
    "run, and what it recorded is kept.",
    rich_markup_mode=None,
    add_completion=True,
)


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Print the version, or the help text."""
    global _debug
    _debug = debug
    if version:
        typer.echo(__version__)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


# The order in which ``wakesleep --help`` shows them.
COMMANDS: dict[str, Callable[..., None]] = {
    "list": files.list_,
    "show": files.show,
    "copy": files.copy,
    "check": files.check,
    "run": runs.run,
    "plot": runs.plot,
    "data": data.data,
    "dream": trained.dream,
    "look": trained.look,
    "likelihood": trained.likelihood,
    "agreement": experiments.agreement,
    "activity": experiments.activity,
    "export": trained.export,
    "teach": trained.teach,
    "report": reports.report,
    "compare": reports.compare,
    "hypnogram": nights.hypnogram,
    "study": studies.study,
    "howto": files.howto,
    "cite": files.cite,
    "schema": files.schema,
    "info": system.info,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Run the command line; exit 2 for a bad input, 1 for a failed run, 0 otherwise."""
    try:
        stop_at_once()
        spin_briefly()
        # On a full disk, other tasks of zarr fail as well as the one that is reported.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            _run()
    except Stopped as error:  # also while another error is reported
        _fail(f"interrupted by {error}", 1)


def _warn(message: Warning | str, category: type[Warning], *place: object, **more: object) -> None:
    print(f"wakesleep: warning: {plain(str(message))}", file=sys.stderr)


def _run() -> None:
    try:
        code = app(standalone_mode=False, prog_name="wakesleep")
    except InputError as error:
        _wait_for_the_first()
        _fail(str(error), 2)
    except RunError as error:
        _wait_for_the_first()
        _fail(str(error), 1)
    except TyperException as error:
        _fail(_said(error), error.exit_code)
    except OSError as error:  # a name too long, a folder without permission
        if isinstance(error, BrokenPipeError):  # the reading program has closed the pipe
            sys.stderr.close()
            sys.exit(0)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
        _fail(f"{error.filename or 'a file'}: {error.strerror}", 1 if full else 2)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", 1)
    except Exception as error:
        from wakesleep.files import own_errors

        own = own_errors.told(error, own_errors.loaded())
        if own is None:  # an error in this package: the full traceback is needed
            raise
        _fail(own, 1)
    sys.exit(code if isinstance(code, int) else 0)


def _said(error: TyperException) -> str:
    """Return what was wrong with a command line; the usage, where an argument is missing."""
    context, param = getattr(error, "ctx", None), getattr(error, "param", None)
    said = error.format_message().rstrip(".").replace("Input should be", "it must be")
    if context is None or param is None or not said.startswith("Missing argument"):
        return said.partition(", unable to parse")[0]
    its = [one for one in context.command.params if one.param_type_name == "argument"]
    names = " ".join(_shown(one) if one.required else f"[{_shown(one)}]" for one in its)
    return f"Missing argument {_shown(param)}; usage: {context.command_path} [OPTIONS] {names}"


def _shown(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _wait_for_the_first() -> None:
    """Let process 0 of those that torchrun started report an error that all of them have.

    torchrun then ends the others. An error of this process alone is reported after a delay.
    """
    if rank_here():
        time.sleep(SECONDS_FOR_THE_FIRST)


def _fail(sentence: str, code: int) -> None:
    if _debug and sys.exc_info()[0] is not None:
        traceback.print_exc()
    print(f"wakesleep: {plain(sentence)}", file=sys.stderr)
    sys.exit(code)
