"""Changes that build up awake and are undone asleep, beside the learning rule itself.

Two mechanisms by which lost sleep could have lasting effects. Threshold adaptation: active units
become harder to excite (like neurons; Desai, Rutherford & Turrigiano 1999, Nature Neuroscience 2,
515-520). Fast and slow weights (Hinton & Plaut 1987, Proc. 9th Annual Conference of the Cognitive
Science Society, 177-186): what is learned awake fades unless sleep consolidates it. Awake means a
step with real cases, asleep one with negative cases; an interleaved step is both.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.learners.forward_forward.layer import Layer


@dataclass(frozen=True)
class SlowChanges:
    """The rates at which they build up and are undone.

    Attributes
    ----------
    rise
        Rise of a unit's threshold in a step awake, as a fraction of its mean activity.
    recovery
        Fraction of that rise that a step asleep removes.
    fading
        Fraction of the fast part of its weights that a layer loses in a step awake.
    consolidation
        Fraction of the fast part that becomes slow in a step asleep.
    """

    rise: float = 0.0
    recovery: float = 0.0
    fading: float = 0.0
    consolidation: float = 0.0

    @torch.inference_mode()
    def follow(self, layer: Layer, activity: Tensor | None, asleep: bool) -> None:
        """Change a layer after a step.

        Parameters
        ----------
        layer
            The layer, which has taken the step.
        activity
            Its mean activity on the step's real cases (units,); None where it had none.
        asleep
            Whether the step had negative cases.
        """
        if self.rise:
            self._adapt(layer, activity, asleep)
        if self.fading:
            self._fade(layer, activity is not None, asleep)

    def _adapt(self, layer: Layer, activity: Tensor | None, asleep: bool) -> None:
        if not layer.adapted:
            layer.adapted["bias"] = torch.zeros_like(layer.bias)
        adapted = layer.adapted["bias"]
        if activity is not None:
            more = self.rise * activity
            adapted += more
            layer.bias -= more
        if asleep:
            less = self.recovery * adapted
            adapted -= less
            layer.bias += less

    def _fade(self, layer: Layer, awake: bool, asleep: bool) -> None:
        now = {"weight": layer.weight, "bias": layer.bias}
        if not layer.slow:
            layer.slow.update({name: its.clone() for name, its in now.items()})
        for name, its in now.items():
            if awake:
                its.lerp_(layer.slow[name], self.fading)
            if asleep:
                layer.slow[name].lerp_(its, self.consolidation)
