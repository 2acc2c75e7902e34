"""The spiking learner: what it is asked, how it learns, dreams, resumes and errs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import wakesleep as ws
from wakesleep import data
from wakesleep.errors import InputError
from wakesleep.files import library
from wakesleep.learners.capabilities import DreamSettings
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.spiking import builds, codes, simulator, twin
from wakesleep.learners.spiking.network import Spiking
from wakesleep.learners.spiking.parameters import Parameters
from wakesleep.negatives import Context, bind
from wakesleep.runtime.randomness import Streams

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


@pytest.mark.parametrize("off_cells", [False, True])
@pytest.mark.parametrize("code", ["regular", "latency"])
def test_every_label_at_once_is_each_by_itself(code, off_cells):
    network = made(code=code, off_cells=off_cells, layers=(40, 20))
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
                raster = other.raster(image[None], named[None], torch.Generator()).double()
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
    one, other = (made(top_down=True, code="poisson", layers=(60, 20)) for _ in range(2))
    one.learn(chunk("both"))
    other.learn(chunk("negative", steps=2))
    other.load_state_dict(one.state_dict())
    images, labels = cases(5)
    for start in ("last_waking", "label"):
        seen = [
            network.dream(labels, DreamSettings(start, 1), torch.Generator().manual_seed(0))[0]
            for network in (one, other)
        ]
        assert torch.equal(*seen)
    for network in (one, other):
        network.learn(chunk("both"))
    first, second = (simulator.named(network.weights) for network in (one, other))
    for name, its in first.items():
        assert torch.equal(its, second[name]), name
        assert its is not second[name]
    assert torch.equal(one.goodness(images, labels), other.goodness(images, labels))


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
    with pytest.warns(UserWarning, match="silent from the beginning"):
        ws.run(
            "interleaved",
            "spiking_digits",
            inputs={"sweeps": 1, "batch": 200, "train": 400},
            parameters={"target": "twin", "layers": [30], "start_mean": -1.0},
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ws.run(
            "phase_separation",
            "spiking_digits",
            inputs={"nights": 1, "phase_steps": 1, "batch": 20},
            parameters={"target": "twin", "layers": [30]},
        )


HASTY = "clock: {steps_per_hour: 1000000}\nphases:"


@pytest.mark.parametrize(
    ("arguments", "clock", "message"),
    [
        (["-p", "model.dt=2.0"], "phases:", "more than one in a time step of 2 ms"),
        ([], HASTY, "less than a time step of 1 ms"),
        (["-p", "negatives=dream"], "phases:", "does not offer 'dream'"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    arguments, clock, message, tmp_path, wakesleep
):
    text = library.find("phase_separation", ("protocols",)).read_text()
    protocol = tmp_path / "mine.yaml"
    protocol.write_text(text.replace("phases:", clock, 1))
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


def test_spikes_of_a_trained_network(tmp_path, wakesleep):
    out = tmp_path / "run.zarr"
    inputs = {"nights": 1, "phase_steps": 5, "batch": 20}
    ws.run("phase_separation", "spiking_digits", inputs=inputs,
           parameters={"target": "twin", "layers": [30, 20]}, out=out)  # fmt: skip
    found = ws.spikes(out, cases=4)
    for number, width in enumerate((30, 20), 1):
        mine = found.isel(spike=found.layer.values == number)
        counts = np.zeros((4, width))
        np.add.at(counts, (mine.case.values, mine.neuron.values), 1)
        expected = found.goodness.sel(layer_name=str(number))
        assert np.allclose((counts**2).mean(1), expected, rtol=1e-5)
    labels = found.isel(spike=(found.layer.values == 0) & (found.neuron.values >= 64))
    assert set(zip(labels.case.values, labels.neuron.values - 64, strict=True)) == set(
        enumerate(found.label.values)
    )
    assert float(found.time.max()) < 0.03
    later = ws.spikes(out, first=2, cases=1)
    assert later.shown.values.tolist() == [2]
    assert set(later.case.values) == {2}
    assert int(later.label[0]) == int(found.label[2])
    for more, told in (
        ({"cases": 0}, "there cannot be 0"),
        ({"first": 5000}, "there is no case 5000"),
        ({"first": 1.0}, "first: a whole number"),
        ({"cases": [0, 1]}, "cases: a whole number"),
        ({"late": "3 ms"}, "late: a number of ms"),
        ({"split": "tests"}, "no split 'tests'"),
        ({"late": 8.0}, "are for code 'latency'"),
    ):
        with pytest.raises(InputError, match=told):
            ws.spikes(out, **more)
    picture = tmp_path / "spikes.png"
    code, _, told = wakesleep("look", "spikes", out, "-n", "2", "--first", "1", "-o", picture)
    assert code == 0, told
    assert picture.stat().st_size > 1000


@pytest.mark.long
def test_a_label_that_comes_late_is_read_worse(tmp_path):
    """Agreement is timing: the same trained network, the same volleys, the label's 5 ms later."""
    out = tmp_path / "run.zarr"
    parameters = {"layers": [100]}
    ws.run("interleaved", "spiking_volleys", inputs={"sweeps": 5, "batch": 20},
           parameters=parameters, out=out)  # fmt: skip
    wrong = []
    for late in (0.0, 5.0):
        found = ws.spikes(out, cases=250, late=late)
        wrong.append(float((found.read != found.label).mean()))
    assert wrong[0] < 0.35
    assert wrong[1] > wrong[0] + 0.15


def test_spontaneous_spikes_come_asleep_alone():
    quiet, noisy = made(), made(spontaneous=200.0)
    for sign, alike in (("positive", True), ("negative", False)):
        for network in (quiet, noisy):
            network.weights = made().weights
            network.learn(chunk(sign))
        same = torch.equal(quiet.weights.forward[0], noisy.weights.forward[0])
        assert same is alike, sign
    p = noisy.parameters
    drawn = codes.spontaneous_spikes(p, torch.Size((300, 40, 20)), torch.Generator().manual_seed(0))
    assert float(drawn.double().mean()) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_mixture_holds_so_many_dreams(share):
    class Dreamer:
        def dream(self, labels, how, generator):
            return torch.full((len(labels), 64), -1.0), torch.eye(10)[labels]

    context = Context(10, (8, 8), torch.Generator().manual_seed(0), {"dreams": share})
    images, labels = cases(1000)
    seen, named = bind("mixture", context)(Dreamer(), images, labels)
    dreamt = (seen == -1).all(1)
    assert float(dreamt.double().mean()) == pytest.approx(share, abs=0.05)
    assert torch.equal(seen[~dreamt], images[~dreamt])
    assert not (named == labels).any()  # neither a dream's own label nor the image's
    assert torch.equal(images, cases(1000)[0])


def test_one_class_has_no_wrong_label(tmp_path, wakesleep):
    out = tmp_path / "run.zarr"
    code, _, told = wakesleep(
        "run",
        "dream_diet",
        "spiking_dreamer",
        "-p",
        "data=patterns_100",
        "-p",
        "batch=2",
        "-o",
        out,
    )
    assert code == 2
    assert "need another label" in told


@pytest.mark.long
@pytest.mark.skipif(builds.compiler() is None, reason="no C++ compiler here")
def test_ctrl_c_loses_no_presentation(tmp_path):
    """Stopped by a signal to all its processes, and resumed: the same weights, bit for bit."""
    environment = {**os.environ, "WAKESLEEP_BUILD_DIR": str(tmp_path / "builds")}
    command = [sys.executable, "-m", "wakesleep", "run", "interleaved", "spiking_digits",
               "-p", "sweeps=6", "-p", "batch=20", "-p", "probe_cases=20",
               "-p", "model.layers=[60]", "--quiet"]  # fmt: skip
    whole, cut = tmp_path / "whole.zarr", tmp_path / "cut.zarr"
    subprocess.run([*command, "-o", whole], env=environment, check=True, capture_output=True)
    for pause in (2.5, 3.0, 3.5):
        going = subprocess.Popen(
            [*command, "-o", cut, "--resume"],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        time.sleep(pause)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(going.pid, signal.SIGINT)
        going.communicate()
    subprocess.run([*command, "-o", cut, "--resume"], env=environment, check=True)
    assert np.array_equal(ws.open(whole).goodness, ws.open(cut).goodness)
