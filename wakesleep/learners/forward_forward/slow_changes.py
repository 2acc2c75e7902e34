"""Changes that build up awake and are undone asleep, beside the learning rule itself.

Two mechanisms by which a lost night could leave a debt. Threshold adaptation: units that are active
become harder to excite (as neurons do; Desai, Rutherford & Turrigiano 1999, Nature Neuroscience 2,
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
    """How fast they build up and are undone.

    Attributes
    ----------
    rise
        By which part of its mean activity a unit's threshold rises with a step awake.
    recovery
        Which fraction of that rise a step asleep takes away.
    fading
        Which fraction of the fast part of its weights a layer loses with a step awake.
    consolidation
        Which fraction of the fast part becomes slow with a step asleep.
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
