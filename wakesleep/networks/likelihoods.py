"""Likelihood of data under a trained Boltzmann machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

GREY = 0.5  # threshold that makes grey images binary: the likelihood is that of binary cases


def likelihood(
    store: str | Path,
    *,
    temperatures: int = 1000,
    runs: int = 100,
    splits: tuple[str, ...] = ("train", "validation"),
    pseudo: bool = False,
    seed: int = 0,
    data: Any = None,
) -> xr.Dataset:
    """Estimate the log likelihood of data under the machine that a run ended with.

    Parameters
    ----------
    store
        The run's store, with its checkpoint beside it.
    temperatures, runs
        Settings of annealed importance sampling
        (:func:`wakesleep.learners.boltzmann.likelihood.ais`).
    splits
        Parts of the data: ``train``, ``validation``, ``test``.
    pseudo
        Whether to compute the pseudo-likelihood too: the sum over pixels of the log probability of
        each pixel, given all others. It needs no log Z, but one pass through the data per pixel.
    seed
        Seed of the sampling.
    data
        The data that the network was trained on, if they were given in Python.

    Returns
    -------
    xarray.Dataset
        ``log_likelihood``, ``lower``, ``upper`` (split): mean log probability of a case in nats,
        with its interval, which follows from the interval of log Z; ``log_z``, ``effective_runs``;
        ``uniform``, the log probability if all cases were equally probable. For a machine
        with connected hidden units ``log_likelihood`` is a bound. With ``pseudo`` also
        ``pseudo_likelihood`` (split). The attributes are the run's own, and those of the sampling;
        ``binarised_at`` is the grey level at which grey images were made binary, or empty.

    Raises
    ------
    InputError
        If the run's model is not a Boltzmann machine, or a split or number is wrong.
    """
    import torch
    import xarray as xr

    from wakesleep.data import check_split
    from wakesleep.learners.boltzmann.likelihood import (
        ais,
        base_rates,
        log_probability,
        pseudo_likelihood,
    )
    from wakesleep.networks.kept import kept_network
    from wakesleep.results.store import open_result
    from wakesleep.runtime.randomness import Streams
    from wakesleep.simulation.loading import load_model

    run = open_result(store).attrs
    model = load_model(store)
    if model.spec.kind != "boltzmann":
        raise InputError(
            f"{store}: a likelihood is estimated for kind 'boltzmann'; model '{model.name}' is "
            f"of kind '{model.spec.kind}'"
        )
    for split in splits:
        check_split(split)
    for name, value, least, most in (
        ("temperatures", temperatures, 1, 1_000_000),
        ("runs", runs, 2, 10_000),
    ):
        if not least <= value <= most:
            raise InputError(
                f"importance sampling takes {least} to {most:,} {name}, not {value:.6g}"
            )
    learner, its = kept_network(store, data)
    made = json.loads(run["protocol_resolved"])
    learnt_from = made["data"].get("train") or None  # 0 stands for all
    like = next(iter(learner.theta.values()))
    visible = {}
    binarised = False
    for split in {"train", *splits}:
        cases = getattr(its, split)
        if split == "train":
            cases = cases.first(learnt_from)
        images = torch.tensor(cases.images, dtype=like.dtype, device=like.device)
        if not cases.binary:
            binarised = True
            images = (images >= GREY).to(like.dtype)
        labels = torch.tensor(cases.labels, device=like.device)
        visible[split] = learner.layout.clamped(images, labels)
    theta = learner.acting
    generator = Streams(seed, like.device)("likelihood")
    with torch.inference_mode():
        found = ais(
            learner.machine,
            theta,
            base_rates(visible["train"], learner.layout.labels),
            temperatures=temperatures,
            runs=runs,
            generator=generator,
        )
        mean = {
            split: float(
                log_probability(learner.machine, theta, visible[split], found.value).mean()
            )
            for split in splits
        }

        guessed = {
            split: float(pseudo_likelihood(learner.machine, theta, visible[split]).mean())
            for split in (splits if pseudo else ())
        }

    def of(log_z: float) -> list[float]:
        return [mean[split] + found.value - log_z for split in splits]

    words = {"units": "nat"}
    result = xr.Dataset(
        {
            "log_likelihood": ("split", of(found.value), words),
            "lower": ("split", of(found.upper), words),
            "upper": ("split", of(found.lower), words),
            "log_z": ((), found.value, words),
            "uniform": ((), -learner.layout.log_states, words),
            "effective_runs": ((), found.effective, {"units": "1"}),
        },
        coords={"split": list(splits)},
        attrs={
            **run,
            "temperatures": temperatures,
            "runs": runs,
            "sampling_seed": seed,
            "binarised_at": GREY if binarised else "",
        },
    )
    if pseudo:
        result["pseudo_likelihood"] = "split", [guessed[split] for split in splits], words
    return result
