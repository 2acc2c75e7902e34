"""The kinds of phases: what happens in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PhaseName = Literal[
    "interleaved",
    "wake",
    "sleep",
    "deprivation",
    "recovery",
    "rest",
    "replay",
    "downscale",
    "spontaneous",
    "consolidate",
]


@dataclass(frozen=True)
class PhaseKind:
    """What happens in a phase of one name.

    Attributes
    ----------
    sign
        Sign of its updates: ``positive``, ``negative``, ``both``, or None for no update.
    needs
        The capability a model must have; None where any model will do.
    stage
        The stage it is scored as in a hypnogram; None where that depends on the negative data.
    asleep
        Whether sleep pressure falls in it.
    shows
        Whether the network is shown real cases to learn from.
    """

    sign: str | None
    needs: str | None
    stage: str | None
    asleep: bool = False
    shows: bool = False


PHASES: dict[str, PhaseKind] = {
    "interleaved": PhaseKind("both", "interleaved", "UNS", shows=True),
    "wake": PhaseKind("positive", "wake", "WAKE", shows=True),
    "sleep": PhaseKind("negative", "sleep", None, asleep=True),
    "deprivation": PhaseKind("positive", "wake", "WAKE", shows=True),
    "recovery": PhaseKind("negative", "sleep", None, asleep=True),
    "rest": PhaseKind(None, None, "UNS"),
    # Positive updates on cases that the network makes itself. That this is what NREM sleep does is
    # a hypothesis; 'stage' says otherwise where that is meant.
    "replay": PhaseKind("positive", "wake", "NREM", asleep=True),
    # Weights shrink, and nothing is learnt.
    "downscale": PhaseKind(None, "synapses", "NREM", asleep=True),
    # Units fire at random, and weights change by a Hebbian rule: no update of the learner's.
    "spontaneous": PhaseKind(None, "synapses", "NREM", asleep=True),
    # The learner estimates which weights matter for what it is shown, and protects them.
    "consolidate": PhaseKind(None, "consolidate", "UNS", shows=True),
}
