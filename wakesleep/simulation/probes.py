"""Probes: what is measured of a model at one moment.

A probe changes nothing: no weight, no random stream of the run. It sees the same validation cases
with the same random numbers every time, so that a difference between two probes is the network's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from wakesleep.errors import RunError
from wakesleep.results import detection
from wakesleep.results.schema import ACTIVITY, Quantity
from wakesleep.results.store import as_numpy

if TYPE_CHECKING:
    from torch import Generator, Tensor


TINY = 1e-12  # smallest probability that a logarithm is taken of
# Quantities that a model itself gives for every layer, and its method.
BY_LAYER = {
    "weight_norm": "weight_norms",
    "pulses": "pulses",
    "threshold_rise": "threshold_rise",
}


@dataclass(frozen=True)
class Probe:
    """The cases that a model is measured on.

    Attributes
    ----------
    images, labels
        Validation cases (cases, features) and (cases,), on the model's device.
    truth
        The true probability of every label (cases, classes), where it is known.
    fresh
        Function ``fresh(what)``: for ``negative`` or ``dream`` it returns that source of negative
        data, for ``noise`` or ``completion`` a random stream; each at its start.
    quantities
        The quantities to measure, by name.
    entropy
        Entropy of the images in nats, if they are a population known in full.
    classes
        Number of classes.
    activity_cases
        Number of cases, from the first on, for which the activity of units is recorded.
    views
        Validation images as tasks present them, with their labels, by the name of the view.
    """

    images: Tensor
    labels: Tensor
    truth: Tensor | None
    fresh: Callable[[str], Any]
    quantities: Mapping[str, Quantity]
    entropy: float | None = None
    classes: int = 0
    activity_cases: int = 0
    views: Mapping[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def measure(self, model: Any) -> dict[str, np.ndarray]:
        """Return each quantity as an array of the dimensions the schema gives it."""
        wanted = set(self.quantities)
        real = self.images, self.labels
        found: dict[str, np.ndarray] = {}
        if wanted & {"error", "class_error"}:
            wrong = mistakes(model, *real)
            found["error"] = wrong.mean(1)
            if "class_error" in wanted:
                found["class_error"] = by_class(wrong, as_numpy(self.labels), self.classes)
        if "view_error" in wanted:
            by_view = [error(model, *seen) for seen in self.views.values()]
            found["view_error"] = np.stack(by_view, axis=1)
        if wanted & {"bits", "kl"}:
            found |= _prediction(model, *real, self.truth)
        if wanted & {"log_likelihood", "divergence"}:
            likelihood = as_numpy(model.log_likelihood(*real).double().mean())
            found["log_likelihood"] = likelihood
            if self.entropy is not None:
                found["divergence"] = -self.entropy - likelihood
        if "distinct_codes" in wanted:
            found["distinct_codes"] = distinct(self.images, model.hidden_codes(*real))
        if "completion" in wanted:
            found["completion"] = completion(model, self.images, self.fresh("completion"))
        if "stable_fraction" in wanted:
            found["stable_fraction"] = np.array(model.stable_fraction())
        if any("goodness" in its.needs for its in self.quantities.values() if its.function is None):
            goodness = model.goodness(*real)
            negative = model.goodness(*self.fresh("negative")(model, *real))
            found |= _means(model, goodness, negative) | _detection(model, goodness, negative)
            if any(name.startswith("dream_") for name in wanted):
                dreams = model.goodness(*self.fresh("dream")(model, *real))
                found |= _detection(model, goodness, dreams, "dream_")
            if any(name.startswith("noise_") for name in wanted):
                noise = model.goodness(*noise_like(*real, self.fresh("noise")))
                found |= _detection(model, goodness, noise, "noise_")
        if ACTIVITY in wanted:
            layers = self.activities(model)
            found[ACTIVITY] = np.concatenate([as_numpy(its) for its in layers], axis=1)
        for name in wanted & set(BY_LAYER):
            found[name] = as_numpy(getattr(model, BY_LAYER[name])())
        for name, quantity in self.quantities.items():
            if quantity.function is not None:
                found[name] = measured_by(quantity, model, self)
        return {name: found[name] for name in self.quantities if name in found}

    def activities(self, model: Any) -> list[Tensor]:
        """Return every layer's activity (cases, units) on the cases it is recorded for."""
        some = slice(self.activity_cases)
        its: list[Tensor] = model.activities(self.images[some], self.labels[some])
        return its


def measured_by(quantity: Quantity, model: Any, probe: Probe) -> np.ndarray:
    """Return the value of a user-defined quantity.

    Raises
    ------
    RunError
        If the function raises an error, or does not return numbers.
    """
    assert quantity.function is not None  # only the user's own are measured here
    try:
        value = as_numpy(quantity.function(model, probe.images.clone(), probe.labels.clone()))
        return np.asarray(value, dtype=float)
    except Exception as error:
        raise RunError(
            f"quantity '{quantity.long_name}' raises {type(error).__name__}: {error}"
        ) from error


def error(model: Any, images: Tensor, labels: Tensor) -> np.ndarray:
    """Return the fraction of cases that each read-out gets wrong (readouts,)."""
    return mistakes(model, images, labels).mean(1)


def mistakes(model: Any, images: Tensor, labels: Tensor) -> np.ndarray:
    """Return which cases each read-out gets wrong (readouts, cases), as 0 or 1."""
    found = [
        as_numpy((model.classify(images, readout) != labels).double()) for readout in model.readouts
    ]
    return np.array(found).reshape(len(found), len(labels))


def by_class(wrong: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the mean over the cases of each class (readouts, classes); NaN for one without any."""
    found = np.full((len(wrong), classes), np.nan)
    for number in range(classes):
        its = labels == number
        if its.any():
            found[:, number] = wrong[:, its].mean(1)
    return found


def distinct(images: Tensor, codes: Tensor) -> np.ndarray:
    """Return the fraction of different images whose code no other image has."""
    patterns = np.unique(np.hstack([as_numpy(images), as_numpy(codes)]), axis=0)
    _, counts = np.unique(patterns[:, images.shape[1] :], axis=0, return_counts=True)
    return np.array((counts == 1).sum() / len(patterns))


def completion(model: Any, images: Tensor, generator: Generator) -> np.ndarray:
    """Return the fraction of images whose second half the model finds from the first.

    The completion counts as the nearest one of all second halves that occur in the images.
    """
    given = images.shape[1] // 2
    halves = images[:, given:].unique(dim=0)
    found = model.complete(images, given, generator)[:, given:]
    nearest = halves[(found.unsqueeze(1) - halves).square().sum(2).argmin(1)]
    return np.array(float((nearest == images[:, given:]).all(1).double().mean()))


def noise_like(images: Tensor, labels: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return noise: every feature and label is drawn independently from its values in the cases.

    So each pixel has the same distribution as in real images, but all dependencies are removed.
    """
    import torch

    cases, features = images.shape
    rows = torch.randint(0, cases, (cases, features + 1), generator=generator, device=images.device)
    return images.gather(0, rows[:, 1:]), labels[rows[:, 0]]


def _prediction(
    model: Any, images: Tensor, labels: Tensor, truth: Tensor | None
) -> dict[str, np.ndarray]:
    """Return cross-entropy, and the divergence from the truth where that is known, in bits."""
    log_p = model.label_probabilities(images).double().clamp_min(TINY).log2()
    found = {"bits": -log_p.gather(1, labels.unsqueeze(1)).mean()}
    if truth is not None:
        p = truth.double()
        found["kl"] = (p * (p.clamp_min(TINY).log2() - log_p)).sum(1).mean()
    return {name: as_numpy(value) for name, value in found.items()}


def _means(model: Any, real: Tensor, negative: Tensor) -> dict[str, np.ndarray]:
    values = [as_numpy(its.double()) for its in (real, negative)]
    with np.errstate(over="ignore"):
        p_positive = [
            1 / (1 + np.exp(-as_numpy(model.log_odds(its).double()))) for its in (real, negative)
        ]
    return {
        "goodness": np.stack([its.mean(-1) for its in values], axis=-1),
        "p_positive": np.stack([its.mean(-1) for its in p_positive], axis=-1),
        "hit_rate": detection.rate(as_numpy(model.log_odds(real)) > 0),
    }


def _detection(model: Any, real: Tensor, other: Tensor, prefix: str = "") -> dict[str, np.ndarray]:
    """Return how well each layer distinguishes real from other data, by signal detection theory."""
    called = [as_numpy(model.log_odds(its)) > 0 for its in (real, other)]
    return {
        f"{prefix}false_positive_rate": detection.rate(called[1]),
        f"{prefix}d_prime": detection.d_prime(*called),
        f"{prefix}criterion": detection.criterion(*called),
        f"{prefix}auc": detection.auc(as_numpy(real.double()), as_numpy(other.double())),
    }
