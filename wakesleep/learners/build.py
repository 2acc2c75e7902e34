"""From a checked model file to a learner; the only place where a learner's code is imported."""

from __future__ import annotations

import re
from typing import Any

from wakesleep.errors import InputError
from wakesleep.files import references
from wakesleep.learners.capabilities import CAPABILITIES
from wakesleep.learners.chunks import Setting
from wakesleep.learners.kinds import KINDS
from wakesleep.learners.model_file import LoadedModel


def build(model: LoadedModel, setting: Setting) -> Any:
    """Make the learner; a kind of the user's own is imported here and nowhere else.

    Raises
    ------
    InputError
        If the class cannot be imported, lacks what the model file says it offers, or does not fit
        into memory.
    """
    made = (
        _own_class(model) if model.own_kind else references.imported(KINDS[model.spec.kind].learner)
    )
    try:
        learner = made(model.parameters, setting)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise InputError(f"model '{model.name}' does not fit into memory") from None
    for capability in model.offers:
        if not isinstance(learner, CAPABILITIES[capability]):
            raise model.document.error(
                ("offers",),
                f"'{model.spec.kind}' does not have what '{capability}' asks for; see "
                f"{CAPABILITIES[capability].__name__} in wakesleep.learners.capabilities",
            )
    for name in (*getattr(learner, "layer_names", ()), *getattr(learner, "readouts", ())):
        if not re.fullmatch(r"\S+", name):  # they are stored as a list of words
            raise model.document.error(
                ("kind",), f"'{name}' names a layer or read-out; it must be one word without spaces"
            )
    return learner


def _own_class(model: LoadedModel) -> Any:
    """Import the class of a kind that does not come with the package."""
    try:
        made = references.own(model.own_kind, "kind")
    except InputError as error:
        raise model.document.error(("kind",), str(error)) from error
    if not isinstance(made, type):
        raise model.document.error(("kind",), f"kind '{model.spec.kind}' is not a class")
    return made
