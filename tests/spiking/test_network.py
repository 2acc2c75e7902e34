"""The spiking learner: what it is asked, how it learns, dreams, resumes and errs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import wakesleep as ws
from wakesleep import data, library
from wakesleep.model import Chunk, Setting
from wakesleep.negatives import Context, bind
from wakesleep.randomness import Streams
from wakesleep.spiking import twin
from wakesleep.spiking.network import Spiking
from wakesleep.spiking.parameters import Parameters

DIGITS = data.load("digits")


def made(seed=0, **parameters):
    values = {"layers": (60,), "rate": 3e-4, "target": "twin", **parameters}
    setting = Setting(64, 10, torch.device("cpu"), torch.float32, Streams(seed))
    return Spiking(Parameters.model_validate(values), setting)


def cases(count, split="train"):
    its = getattr(DIGITS, split).first(count)
    return torch.tensor(its.images), torch.tensor(its.labels)


def chunk(sign, steps=3, batch=4, **more):
    images, labels = cases(steps * batch)
    negatives = bind("wrong_label", Context(10, (8, 8), torch.Generator().manual_seed(1)))
    if sign == "positive":
        negatives = None
    index = torch.arange(steps * batch).view(steps, batch)
    return Chunk(sign, images, labels, index, [1.0] * steps, negatives, **more)


@pytest.mark.parametrize("code", ["regular", "latency"])
def test_every_label_at_once_is_each_by_itself(code):
    network = made(code=code, layers=(40, 20))
    images, _ = cases(7)
    together = network.label_goodness(images)
    for label in range(10):
        alone = network.goodness(images, torch.full((7,), label)).sum(0)
        assert torch.allclose(together[:, label], alone, rtol=1e-5)


@pytest.mark.parametrize("sign", ["positive", "negative", "both"])
def test_presentations_come_one_after_another(sign):
    """A chunk against the twin, case by case, in the order of time."""
    network, other, its = made(temperature=3.0), made(temperature=3.0), chunk(sign)
    network.learn(its)
    images, labels = its.images, its.labels
    wrong = labels if sign == "positive" else chunk(sign).negatives(None, images, labels)[1]
    for image, label, false in zip(images, labels, wrong, strict=True):
        for way, named in ((1.0, label), (-1.0, false)):
            if sign in ("both", "positive" if way > 0 else "negative"):
                raster = other._raster(image[None], named[None], torch.Generator()).double()
                ways, gain = torch.tensor([way]), torch.ones(1)
                twin.learn(other.parameters, other.weights, raster, ways, gain, named[None])
    assert torch.allclose(network.weights.forward[0], other.weights.forward[0], atol=1e-12)
    assert not torch.equal(network.weights.forward[0], made().weights.forward[0])


def test_waking_raises_goodness_and_sleep_lowers_it():
    images, labels = cases(100)
    for sign, expected in (("positive", 1), ("negative", -1)):
        network = made(rate=3e-3, threshold=90.0, temperature=20.0)
        before = network.goodness(images, labels).mean()
        network.learn(chunk(sign, steps=20))
        change = network.goodness(images, labels).mean() - before
        assert float(change) * expected > 0.1


def test_a_state_goes_on_from_where_it_was():
    one, other = made(top_down=True, code="poisson"), made(1, top_down=True, code="poisson")
    one.learn(chunk("both"))
    other.load_state_dict({**one.state_dict()})
    other.generator.set_state(one.generator.get_state())
    for network in (one, other):
        network.weights = twin.Weights(
            [its.clone() for its in network.weights.forward],
            [its.clone() for its in network.weights.down],
            [its.clone() for its in network.weights.bias],
            network.weights.memory.clone(),
        )
        network.learn(chunk("both"))
    assert torch.equal(one.weights.forward[0], other.weights.forward[0])
    assert torch.equal(one.weights.down[0], other.weights.down[0])


def test_any_protocol_runs_it_and_it_learns_the_digits():
    result = ws.run(
        "interleaved",
        "spiking_digits",
        inputs={"sweeps": 2, "batch": 20},
        parameters={"target": "twin", "layers": [100], "rate": 3e-4},
    )
    assert float(result.validation_error[0]) < 0.15
    late = result.isel(probe=-1).squeeze()
    assert float(late.d_prime) > 1.5


def test_dreams_are_read_as_what_they_were_meant_to_be(tmp_path):
    out = tmp_path / "run.zarr"
    ws.run(
        "dream_diet",
        "spiking_digits",
        inputs={"nights": 1, "phase_steps": 30, "batch": 40, "dreams": 0.0},
        parameters={"target": "twin", "layers": [100], "top_down": True, "rate": 3e-4},
        out=out,
    )
    dreamt = ws.dreams(out, start="label", settle=0, each=20)
    judge = LogisticRegression(max_iter=2000).fit(DIGITS.train.images, DIGITS.train.labels)
    names = list(dreamt.dims)
    images = dreamt["image"].values.reshape(-1, 64)
    assert ((images >= 0) & (images <= 1)).all()
    read = judge.predict(images).reshape(10, -1)
    assert (read == np.arange(10)[:, None]).mean() > 0.8, names


def test_a_silent_network_is_told_of():
    with pytest.warns(UserWarning, match="sleep has silenced the network"):
        ws.run(
            "phase_separation",
            "spiking_digits",
            inputs={"nights": 1, "phase_steps": 10, "batch": 20},
            parameters={"target": "twin", "layers": [30], "rate": 0.05, "threshold": 0.05},
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ws.run(
            "phase_separation",
            "spiking_digits",
            inputs={"nights": 1, "phase_steps": 1, "batch": 20},
            parameters={"target": "twin", "layers": [30]},
        )


BAD = {
    "a code that needs more spikes than time steps": (
        ["-p", "model.dt=2.0"],
        "more than one in a time step of 2 ms",
    ),
    "a clock without a time step": (
        ["-p", "data=digits", "--clock"],
        "less than a time step of 1 ms",
    ),
    "dreams without a top-down path": (
        ["-p", "negatives=dream"],
        "dream",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_sentence_and_writes_nothing(what, tmp_path, wakesleep):
    arguments, message = BAD[what]
    protocol = "phase_separation"
    if "--clock" in arguments:
        text = library.find("phase_separation", ("protocols",)).read_text()
        protocol = tmp_path / "hasty.yaml"
        protocol.write_text(text.replace("phases:", "clock: {steps_per_hour: 1000000}\nphases:", 1))
        arguments = []
    out = tmp_path / "run.zarr"
    code, _, told = wakesleep("run", protocol, "spiking_digits", *arguments, "-o", out)
    assert code == 2
    assert told.count("\n") == 1
    assert message in told
    assert not out.exists()


def test_a_unit_that_is_no_time(tmp_path, wakesleep):
    text = library.find("spiking_digits", ("models",)).read_text()
    mine = tmp_path / "mine.yaml"
    mine.write_text(text.replace("layers: [300]", "layers: [300]\n  tau: 10 mV"))
    code, _, told = wakesleep("check", mine)
    assert code == 2
    assert "its unit must be s, ms or us" in told
    mine.write_text(text.replace("layers: [300]", "layers: [300]\n  tau: 0.02 s"))
    assert wakesleep("check", mine)[0] == 0
    assert ws.load(mine).parameters.tau == 20.0
