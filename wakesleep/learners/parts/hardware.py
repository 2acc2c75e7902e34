"""Imprecise analog hardware below a layer (Hinton 2022, sections 8 and 9: mortal computation).

A weight is the difference of two conductances. The learning rule requests a change of a weight.
Half of it goes to each device of the pair, in pulses whose number is rounded at random, so that
small changes are correct on average (Gokmen & Vlasov 2016, Frontiers in Neuroscience 10, 333). Or
a digital memory adds up changes until they amount to whole pulses (Nandakumar et al. 2020,
Frontiers in Neuroscience 14, 406); a weight then lags behind what was asked for by less than a
pulse. The effect of a pulse differs between devices and between pulses, and is limited by the
device's bounds. The resulting weights are unknown to the learning rule: only activities can be
measured. Each unit has its own gain and exponent. Biases, sums over a batch and the read-out are
digital.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wakesleep.learners.parts.hardware_parameters import Hardware
from wakesleep.runtime.randomness import Streams

# "plus" and "minus" (units, inputs), as parts of the range; "chip"; "pulses", how many a device has
# received; and "pending" (units, inputs), what a digital memory holds that is less than a pulse.
State = dict[str, Tensor]
# Figures are per weight. The two devices of a pair vary independently, so each varies more.
PAIR = math.sqrt(2)
TINY = 1e-36
DRIFT_VARIATION = 0.5  # standard deviation of drift between devices, as a part of its mean


@dataclass(frozen=True)
class Devices:
    """The devices of one layer, drawn once for an instance.

    Attributes
    ----------
    told
        The settings in the model file.
    chip
        A number that identifies the chip: its instance and the settings of its devices.
    full
        The weight of a pair with one device at the highest and the other at the lowest conductance.
    step
        Size of a pulse up and down (2, 2, units, inputs): of the two of a pair, up and down.
    low, high
        Bounds of each conductance (2, units, inputs), as parts of the range: 0 and 1 nominally.
    nothing
        The value on this scale at which a device does not conduct.
    moves
        Which devices change (2, units, inputs), 0 or 1.
    somewhere
        The conductances of the other devices (2, units, inputs).
    fades
        Fraction lost with every update (2, units, inputs); None without drift.
    gains, exponents
        Of the units (units,); None where all are 1.
    chance
        Random stream of pulses.
    """

    told: Hardware
    chip: int
    full: float
    step: Tensor
    low: Tensor
    high: Tensor
    nothing: float
    moves: Tensor
    somewhere: Tensor
    fades: Tensor | None
    gains: Tensor | None
    exponents: Tensor | None
    chance: torch.Generator

    def output(self, y: Tensor) -> Tensor:
        """Return the actual outputs of units (cases, units) for the intended activity."""
        if self.exponents is not None:
            y = y.clamp_min(0).pow(self.exponents)
        return y if self.gains is None else y * self.gains

    def programmed(self, weight: Tensor) -> State:
        """Return conductances for weights that are programmed at once, and set these.

        Parameters
        ----------
        weight
            The intended weights (units, inputs); set to the actual ones.
        """
        half = weight / (2 * self.full)
        pair = torch.stack((0.5 + half, 0.5 - half))
        error = self.told.figure("write_noise")
        if error:
            pair += error * self._normal(pair)
        pair = torch.where(self.moves > 0, pair, self.somewhere)
        state = {"plus": pair[0], "minus": pair[1], "chip": torch.tensor(self.chip)}
        state["pulses"] = torch.zeros((), dtype=torch.float64, device=weight.device)
        self._bound(state)
        self._measure(weight, state)
        if self.told.accumulate:
            state["pending"] = torch.zeros_like(weight)
        return state

    def write(self, weight: Tensor, state: State) -> None:
        """Change conductances as requested, and set the resulting weights.

        Parameters
        ----------
        weight
            The requested weights (units, inputs); set to the actual ones.
        state
            From :meth:`programmed`.
        """
        # Exactly 0 where nothing is asked for: a memory would add up rounding errors.
        asked = (weight - (state["plus"] - state["minus"]).mul_(self.full)).div_(2 * self.full)
        levels = self.told.figure("levels")
        noise = PAIR * self.told.figure("step_noise")
        at: Any = ...  # the weights that change
        if self.told.accumulate:
            asked = self._whole(asked, state, levels)
            if asked.device.type == "cpu":  # few change; on a GPU it takes longer to find them
                at = asked.nonzero(as_tuple=True)
                asked = asked[at]
        for number, (name, sign) in enumerate((("plus", 1.0), ("minus", -1.0))):
            change = sign * asked
            if levels:
                signed = change if self.told.accumulate else self._rounded(change, levels)
                up, down = signed.clamp_min(0), signed.clamp_max(0)
                step = self.step[number]
                change = up.mul_(step[0][at]).add_(down.mul_(step[1][at]))
                if "pulses" in state:  # an older version, which did not count, had none
                    count = signed.abs().sum(dtype=torch.float64)
                    state["pulses"].add_(count, alpha=0.5 / weight.numel())  # the mean of a pair
                if noise:
                    # The root of 0 is many times slower than that of a tiny number.
                    root = signed.abs().clamp_min_(TINY).sqrt_().copysign_(signed)
                    change.add_(root.mul_(noise / levels).mul_(self._normal(change)))
            conductance = state[name]
            if self.fades is not None:
                conductance -= self.fades[number] * (conductance - self.nothing)
            conductance[at] += change * self.moves[number][at]
        self._bound(state)
        self._measure(weight, state)

    def _rounded(self, change: Tensor, levels: float) -> Tensor:
        """Return the pulses for a change, with its sign; rounded at random."""
        shape, dtype, where = change.shape, change.dtype, change.device
        drawn = torch.rand(shape, generator=self.chance, dtype=dtype, device=where)
        return torch.floor((change.abs() * levels).add_(drawn)).copysign_(change)

    def _whole(self, asked: Tensor, state: State, levels: float) -> Tensor:
        """Return whole pulses, with their sign; what is less than one stays in the memory."""
        if "pending" not in state:  # the network learned on this chip without a memory so far
            state["pending"] = torch.zeros_like(asked)
        pending = state["pending"].add_(asked)
        pulses = torch.trunc(pending * levels)
        pending.sub_(pulses / levels)
        return pulses

    def wait(self, weight: Tensor, state: State, steps: int) -> None:
        """Let devices drift for so many steps without a change, and set the weights.

        Parameters
        ----------
        weight
            The weights (units, inputs), set to the actual ones.
        state
            From :meth:`programmed`.
        steps
            Length of the wait, in updates.
        """
        if self.fades is not None:
            self._keep((1 - self.fades) ** steps, weight, state)

    def erase(
        self, weight: Tensor, state: State, kept: float, times: int, pace: Tensor | None = None
    ) -> None:
        """Weaken all devices by a fraction of what they are, and set the weights.

        Nobody needs to know the weights for this. Devices differ in the fraction that they lose as
        they do in the size of a step down, so a weight shrinks on average only: the two devices of
        a pair lose unlike parts. Noise from pulse to pulse is not modelled here. What a digital
        memory holds, less than a pulse, stays.

        Parameters
        ----------
        weight
            The weights (units, inputs), set to the actual ones.
        state
            From :meth:`programmed`.
        kept, times
            What an average device keeps each time, and how often this is done.
        pace
            Powers to which ``kept`` is raised, one for each unit (units,); default 1.
        """
        levels = self.told.figure("levels")
        power = times * self.moves
        if levels:
            power = power * self.step[:, 1] * levels
        if pace is not None:
            power = power * pace.to(power)[:, None]
        self._keep(kept**power, weight, state)

    def _keep(self, share: Tensor, weight: Tensor, state: State) -> None:
        """Leave each device a share of its conductance (2, units, inputs), and set the weights."""
        for number, name in enumerate(("plus", "minus")):
            state[name].sub_(self.nothing).mul_(share[number]).add_(self.nothing)
        self._bound(state)
        self._measure(weight, state)

    def _bound(self, state: State) -> None:
        for number, name in enumerate(("plus", "minus")):
            torch.clamp(state[name], self.low[number], self.high[number], out=state[name])

    def _measure(self, weight: Tensor, state: State) -> None:
        torch.sub(state["plus"], state["minus"], out=weight).mul_(self.full)

    def _normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.chance, dtype=like.dtype, device=like.device)

    def belongs(self, state: State) -> bool:
        """Return whether conductances are those of this chip."""
        return "chip" in state and int(state["chip"]) == self.chip


def sent(states: Sequence[State], layers: int | None = None) -> Tensor:
    """Return how many pulses a device of each layer has received, the mean (layers,).

    Pulses to devices that are stuck or missing count. Programming does not, nor do phases of
    ``downscale`` and the changes that perturb weights. NaN where the number is not known: a version
    that did not count has trained the network before.

    Parameters
    ----------
    states
        Of the layers on devices, from the lowest.
    layers
        Number of all layers; those above are digital and get NaN. Default: none is digital.
    """
    counts = [float(its.get("pulses", math.nan)) for its in states]
    counts += [math.nan] * ((layers or len(counts)) - len(counts))
    return torch.tensor(counts, dtype=torch.float64)


def _about_one(variation: float, drawn: Tensor) -> Tensor:
    """Return lognormal numbers of mean 1 and this standard deviation, from normal ones."""
    square = math.log1p(variation**2)
    return torch.exp(math.sqrt(square) * drawn - square / 2)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def devices(
    told: Hardware, weight: Tensor, number: int, instance: int, chance: torch.Generator
) -> Devices:
    """Return the devices of a layer.

    Parameters
    ----------
    told
        What the model file says.
    weight
        The layer's weights (units, inputs), for their size and kind.
    number
        Number of the layer (1 is the lowest).
    instance
        Seed of the chip, unless the model file has one.
    chance
        Random stream of pulses.
    """
    instance = instance if told.instance is None else told.instance
    units, inputs = weight.shape
    pairs = (2, units, inputs)
    chip = Streams(instance)

    def drawn(what: str, shape: tuple[int, ...], uniform: bool = False) -> Tensor:
        stream = chip.fresh(f"{what} of layer {number}")
        draw = torch.rand if uniform else torch.randn
        return draw(shape, generator=stream, dtype=torch.float64).to(weight)

    levels = told.figure("levels") or 1.0
    size = _about_one(PAIR * told.figure("step_variation"), drawn("step", pairs))
    ratio = torch.exp(PAIR * told.figure("asymmetry") * drawn("ratio", pairs) / 2)
    step = torch.stack((size * ratio, size / ratio), 1) / levels
    high = _about_one(told.figure("bound_variation"), drawn("bound", pairs))
    lowest, highest = told.conductance
    nothing = -lowest / (highest - lowest)
    fate = drawn("fate", pairs, uniform=True)
    missing, moves = fate < told.missing, (fate >= told.missing + told.stuck).to(weight)
    low = torch.zeros_like(high).masked_fill_(missing, nothing)
    high = high.masked_fill(missing, nothing)
    fades = None
    if told.drift:
        each = _about_one(DRIFT_VARIATION * told.noise, drawn("drift", pairs))
        fades = (told.drift * each * moves).clamp_(max=1.0)
    gain, bend = told.gain * told.noise, told.nonlinearity * told.noise
    return Devices(
        told=told,
        chip=_number(f"{instance} {told.model_dump_json(exclude={'instance', 'accumulate'})}"),
        full=told.full_scale / math.sqrt(inputs),
        step=step,
        low=low,
        high=high,
        nothing=nothing,
        moves=moves,
        # A device can be stuck at any conductance.
        somewhere=drawn("somewhere", pairs, uniform=True),
        fades=fades,
        gains=torch.exp(gain * drawn("gain", (units,))) if gain else None,
        exponents=(1 + bend * drawn("exponent", (units,))).clamp_(min=0.1) if bend else None,
        chance=chance,
    )
