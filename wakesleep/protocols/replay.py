"""The cases of a replay phase, which the network makes itself."""

from __future__ import annotations

from pydantic import Field, model_validator

from wakesleep.negatives import SOURCES
from wakesleep.protocols.negatives import Negatives, SourceName


class Replay(Negatives):
    """A source of replayed cases; keys other than ``source`` are its options."""

    source: SourceName = Field(
        "dream",
        description=(
            "dream, usual (a model's own samples), rollout, stored (real cases, as a control), or "
            "your own."
        ),
    )
    top_down: bool = Field(
        False,
        description=(
            "Let the top-down path learn from its own dreams too (forward_forward, backprop; "
            "other kinds always do). This degrades the path over time."
        ),
    )

    @model_validator(mode="after")
    def _made_by_the_network(self) -> Replay:
        label = self.options.get("label")
        if self.source in ("dream", "stored") and label in ("wrong", "second_choice"):
            raise ValueError(f"replay learns its cases as real: 'label' cannot be '{label}'")
        its = SOURCES.get(self.source)
        allowed = [
            name
            for name, source in SOURCES.items()
            if (source.dreams or source.own or source.real) and name != "mixture"
        ]
        if its is not None and self.source not in allowed:
            raise ValueError(
                f"replay is of cases that the network makes or keeps itself "
                f"({', '.join(allowed)}), not of '{self.source}'"
            )
        return self

    @property
    def told(self) -> Negatives:
        """The source with its options, as negative data."""
        options = dict(self.options)
        if self.source == "dream":  # a dream of a seven must be learnt as a seven
            named = options.get("start", "label") == "label"
            options.setdefault("label", "start" if named else "dreamt")
        if self.source == "stored":
            options.setdefault("label", "own")
        return Negatives(source=self.source, **options)
