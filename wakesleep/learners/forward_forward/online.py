"""One-shot learning, case by case: all layers at once, each by eq. 4.

Hinton 2022 (arXiv 2212.13345), section 7. A real case raises every layer's sum of squares until the
layer has the required certainty that the case is real. A negative case lowers it until the layer
has the same certainty that it is not real. Layers that are certain enough do not change.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wakesleep.errors import InputError
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.forward_forward.layer import finite
from wakesleep.learners.forward_forward.network import ForwardForward
from wakesleep.learners.forward_forward.one_shot import rescale
from wakesleep.learners.forward_forward.online_parameters import Parameters
from wakesleep.learners.parts.plasticity import Gain


class Online(ForwardForward):
    """A Forward-Forward network that learns from single cases as they come.

    The cases of a batch are learned in order, one after another; in interleaved steps each real
    case is followed by its negative case.
    """

    def __init__(self, parameters: Parameters, setting: Setting) -> None:
        super().__init__(parameters, setting)
        theta = self.thresholds()
        margin = parameters.temperature * math.log(
            parameters.certainty / (1 - parameters.certainty)
        )
        if bool((theta <= margin).any()):
            raise InputError(
                f"certainty: {parameters.certainty} asks for a goodness of "
                f"{float(theta.min()) - margin:.3g} on negative data; a sum of squares stays above "
                "0, so lower it, or raise the threshold"
            )
        self.wanted = {1: theta + margin, -1: theta - margin}
        self.share = parameters.share

    @torch.inference_mode()
    def learn(self, chunk: Chunk) -> int | None:
        """Take the chunk's steps; see :class:`wakesleep.learners.capabilities.Learner`."""
        for step, index in enumerate(chunk.index):
            images, labels = chunk.take(index)
            shown = [] if chunk.sign == "negative" else [(images, labels, 1)]
            if chunk.sign != "positive":
                assert chunk.negatives is not None
                shown.append((*chunk.negatives(self, images, labels), -1))
            for case in range(len(images)):
                for its_images, its_labels, sign in shown:
                    one = slice(case, case + 1)
                    self._learn_one(its_images[one], its_labels[one], sign, chunk.gains[step])
            if chunk.sign != "negative" and "softmax" in self.readouts:
                self.softmax.learn(
                    self.neutral_voters(images, self.chance()), labels, chunk.gains[step]
                )
            if not finite(self.softmax.weight, *(layer.weight for layer in self.layers)):
                return step
        return None

    def _learn_one(self, image: Tensor, label: Tensor, sign: int, gain: Gain) -> None:
        done = self.forward(*self.first_product(image), label, chance=self.chance())
        squares = self.goodness_of(done.activities)[:, 0]
        for layer, below, y, square, wanted in zip(
            self.layers, done.inputs, done.activities, squares, self.wanted[sign], strict=True
        ):
            if float(square) > 0 and sign * float(wanted - square) > 0:
                rescale(layer, below, y, gain * self.share * (torch.sqrt(wanted / square) - 1))
