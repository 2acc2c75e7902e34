"""From a checked model file to a learner; the only place where a learner's code is imported."""

from __future__ import annotations

import re
from typing import Any

from wakesleep.errors import InputError, listed
from wakesleep.files import references
from wakesleep.files.inputs import chosen, options_of
from wakesleep.learners.capabilities import CAPABILITIES
from wakesleep.learners.chunks import Setting
from wakesleep.learners.kinds import KINDS
from wakesleep.learners.model_file import LoadedModel


def build(model: LoadedModel, setting: Setting) -> Any:
    """Make the learner; a user-defined kind is imported here and nowhere else.

    Raises
    ------
    InputError
        If the class cannot be imported, lacks what the model file says it offers, or does not fit
        into memory.
    """
    made = (
        _own_class(model) if model.own_kind else references.imported(KINDS[model.spec.kind].learner)
    )
    parameters = _own_parameters(model, made) if model.own_kind else model.parameters
    try:
        learner = made(parameters, setting)
    except TypeError as error:
        if model.own_kind and error.__traceback__ and error.__traceback__.tb_next is None:
            raise model.document.error(
                ("kind",),
                f"'{model.spec.kind}' cannot be built as Class(parameters, setting): {error}",
            ) from error
        raise
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise InputError(f"model '{model.name}' does not fit into memory") from None
    for capability in model.offers:
        asked = CAPABILITIES[capability]
        if not isinstance(learner, asked):
            members = sorted({*vars(asked), *vars(asked).get("__annotations__", {})})
            lacking = [its for its in members if its[0] != "_" and not hasattr(learner, its)]
            raise model.document.error(
                ("offers",),
                f"'{model.spec.kind}' lacks {listed(lacking)}, which '{capability}' asks for; see "
                "'wakesleep howto rule'",
            )
    for what in ("layer_names", "readouts"):
        names = getattr(learner, what, ())
        if not isinstance(names, tuple | list) or not all(isinstance(its, str) for its in names):
            raise model.document.error(
                ("kind",),
                f"{what} of '{model.spec.kind}' must be a list of names, not {names!r}",
            )
    for name in (*getattr(learner, "layer_names", ()), *getattr(learner, "readouts", ())):
        if not re.fullmatch(r"\S+", name):  # they are stored as a list of words
            raise model.document.error(
                ("kind",), f"'{name}' names a layer or read-out; it must be one word without spaces"
            )
    return learner


def _own_parameters(model: LoadedModel, made: Any) -> Any:
    """Return the parameters of a kind of the user's, checked if the class declares ``options``."""
    if not hasattr(made, "options"):
        return model.parameters
    what = f"kind '{model.spec.kind}'"
    return chosen(options_of(made, what), dict(model.parameters), what)


def _own_class(model: LoadedModel) -> Any:
    """Import the class of a kind that does not come with the package."""
    try:
        made = references.own(model.own_kind, "kind")
    except InputError as error:
        raise model.document.error(("kind",), str(error)) from error
    if not isinstance(made, type):
        raise model.document.error(("kind",), f"kind '{model.spec.kind}' is not a class")
    return made
