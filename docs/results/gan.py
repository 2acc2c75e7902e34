"""A generator that reuses the features of the network that judges it, beside an ordinary GAN.

python docs/results/gan.py make    # some minutes; writes gan.nc
python docs/results/gan.py         # the table again, from gan.nc

Hinton 2022 (arXiv 2212.13345), section 6.3: a Forward-Forward network whose negative data come from
a linear map of its own hidden activities is a generative adversarial network (Goodfellow et al.
2014, arXiv 1406.2661) without backpropagation, and has no mode collapse. Here such a network
dreams its negative data. The ordinary GAN has as many hidden units, and learns by backpropagation
(non-saturating loss; Adam with the settings of Radford et al. 2015, arXiv 1511.06434, but for the
rate). Its rate was chosen with seed 0 by recall.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from sklearn.linear_model import LogisticRegression
from tables import cell, keep
from torch import nn

import wakesleep as ws
from wakesleep import data
from wakesleep.networks.quality import covered, within

HERE = Path(__file__).parent
SEEDS, RATES, CHOSEN = range(5), (2e-4, 1e-3, 3e-3), 1e-3
SAMPLES, NOISE, STEPS, BATCH, NEIGHBOURS = 1000, 16, 10_000, 50, 5
WIDTHS = (128, 128, 128)  # those of ff_digits


def shared(seed: int) -> np.ndarray:
    """Return dreams of a network whose only negative data are its own dreams."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.zarr"
        ws.run("interleaved", "ff_digits", inputs={"negatives": "dream", "sweeps": 200},
               parameters={"dreams_vary": "jointly"}, seed=seed, out=out, quiet=True)  # fmt: skip
        dreamt = ws.dreams(out, start="label", settle=0, each=SAMPLES // 10, seed=seed)
    images: np.ndarray = dreamt["image"].values.reshape(SAMPLES, -1)
    return images


def ordinary(seed: int, rate: float) -> np.ndarray:
    """Return samples of a generative adversarial network that learns by backpropagation."""
    torch.manual_seed(seed)
    real = torch.as_tensor(data.load("digits").train.images).flatten(1).float()
    maker = nn.Sequential(
        *_hidden(NOISE, WIDTHS), nn.Linear(WIDTHS[-1], real.shape[1]), nn.Sigmoid()
    )
    judge = nn.Sequential(*_hidden(real.shape[1], WIDTHS), nn.Linear(WIDTHS[-1], 1))
    steps = {
        its: torch.optim.Adam(its.parameters(), lr=rate, betas=(0.5, 0.999))
        for its in (maker, judge)
    }
    for _ in range(STEPS):
        some = real[torch.randint(len(real), (BATCH,))]
        made = maker(torch.randn(BATCH, NOISE))
        loss = nn.functional.softplus(-judge(some)) + nn.functional.softplus(judge(made.detach()))
        _step(steps[judge], loss.mean())
        _step(steps[maker], nn.functional.softplus(-judge(made)).mean())
    with torch.no_grad():
        images: np.ndarray = maker(torch.randn(SAMPLES, NOISE)).numpy()
    return images


def _hidden(inputs: int, widths: tuple[int, ...]) -> list[nn.Module]:
    sizes = zip((inputs, *widths), widths, strict=False)
    return [its for below, above in sizes for its in (nn.Linear(below, above), nn.LeakyReLU(0.2))]


def _step(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def judged(images: np.ndarray) -> dict[str, float]:
    """Compare samples with the validation images; classes are those a classifier assigns."""
    its = data.load("digits")
    flat = its.train.images.reshape(len(its.train.images), -1).astype(float)
    reader = LogisticRegression(max_iter=5000).fit(flat, its.train.labels)
    real = its.validation.images.reshape(len(its.validation.images), -1).astype(float)
    images = images.astype(float)
    named, share = reader.predict(images), np.zeros(its.classes)
    for number in range(its.classes):
        share[number] = (named == number).mean()
    here = share[share > 0]
    return {
        "bits": float(-(here * np.log2(here)).sum()),
        "variance": within(images, named) / within(real, its.validation.labels),
        "precision": covered(images, real, NEIGHBOURS),
        "recall": covered(real, images, NEIGHBOURS),
    }


def made() -> xr.Dataset:
    """Return the measures over the kinds of generator and seeds."""
    for rate in RATES:
        print(f"seed 0, rate {rate:g}:", judged(ordinary(0, rate)), file=sys.stderr, flush=True)
    found = []
    for seed in SEEDS:
        for name, images in (("shared", shared(seed)), ("ordinary", ordinary(seed, CHOSEN))):
            measures = judged(images)
            its = xr.Dataset(measures).assign_coords(generator=name, seed=seed)
            found.append(its.expand_dims(["generator", "seed"]))
            print(name, seed, measures, file=sys.stderr, flush=True)
    joined = xr.combine_by_coords(found)
    assert isinstance(joined, xr.Dataset)
    return joined.assign_attrs(samples=SAMPLES, steps=STEPS, rate=CHOSEN)


def main() -> None:
    if len(sys.argv) > 1:
        keep(made(), HERE / "gan.nc")
    found = xr.load_dataset(HERE / "gan.nc", engine="scipy")
    print("| generator | classes, bits of 3.32 | variance % | precision % | recall % |")
    print("|---|---|---|---|---|")
    for name in ("shared", "ordinary"):
        its = found.sel(generator=name)
        cells = [cell(its["bits"], digits=2)]
        cells += [cell(its[one], 100) for one in ("variance", "precision", "recall")]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
