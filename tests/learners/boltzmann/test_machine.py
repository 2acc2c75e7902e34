"""The learner: what its phases do to its parameters, how it dreams, resumes and errs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.files import library
from wakesleep.learners.boltzmann import exact
from wakesleep.learners.boltzmann.machine import Boltzmann
from wakesleep.learners.boltzmann.parameters import Parameters
from wakesleep.learners.boltzmann.sampling import anneal, gibbs, held_units, temper
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.networks.kept import kept_network
from wakesleep.runtime.randomness import Streams

PATTERNS = torch.tensor([[0, 0, 1], [0, 1, 0], [1, 1, 0]], dtype=torch.float64)
LABELS = torch.tensor([0, 1, 1])


def made(seed=0, **parameters):
    values = {"connections": "full", "label_units": False, "binarise": "none", "sampler": "exact"}
    return Boltzmann(
        Parameters.model_validate({**values, **parameters}),
        Setting(3, 2, torch.device("cpu"), torch.float64, Streams(seed)),
    )


def chunk(sign, steps=1, **more):
    return Chunk(sign, PATTERNS, LABELS, torch.arange(3).repeat(steps, 1), [1.0] * steps, **more)


def statistics(machine, rows):
    found = {name: torch.zeros_like(its) for name, its in machine.theta.items()}
    machine.machine.add(found, [(rows, 1.0)], 0.0)
    return found


def now(machine):
    return {name: its.clone() for name, its in machine.theta.items()}


@pytest.mark.parametrize("connections", ["full", "restricted"])
def test_phases_against_a_plain_loop(connections):
    """Wake, plain sleep, centred and measuring sleep, momentum: written out by hand."""
    hidden = {"hidden": [2]} if connections == "restricted" else {}
    machine = made(connections=connections, momentum=0.6, rate=0.1, start_scale=0.5, **hidden)
    zero = {name: torch.zeros_like(its) for name, its in machine.theta.items()}
    velocity, baseline, measured = dict(zero), zero, zero
    for sign, mode, subtract in (
        ("positive", "negative", False),
        ("negative", "negative", False),
        ("negative", "centred", True),
        ("positive", "negative", True),
        ("negative", "measure", True),
        ("positive", "negative", True),
        ("negative", "centred", True),
    ):
        theta = now(machine)
        real = statistics(machine, exact.clamped(machine.machine, theta, PATTERNS))
        dreamt = statistics(machine, exact.model(machine.machine, theta))
        if sign == "positive" and subtract:
            baseline = measured
        taken = baseline if subtract else zero
        if mode != "measure":
            phase = {name: real[name] if sign == "positive" else -dreamt[name] for name in zero}
            flip = 1.0 if sign == "positive" else -1.0
            for name, its in theta.items():
                gradient = phase[name] - flip * taken[name]
                velocity[name] = 0.6 * velocity[name] + 0.4 * gradient
                its += 0.1 * velocity[name]
        if subtract and sign == "negative":
            measured = dreamt
        machine.learn(chunk(sign, mode=mode, subtract_baseline=subtract))
        for name, its in machine.theta.items():
            torch.testing.assert_close(its, theta[name])


def test_separate_states_and_a_fresh_one():
    plain = made(momentum=0.9, start_scale=0.5)
    for sign in ("positive", "negative"):
        plain.learn(chunk(sign, separate_states=True))
    assert set(plain.ascent.velocities) == {"positive", "negative"}
    before = now(plain)
    dreamt = statistics(plain, exact.model(plain.machine, plain.theta))
    plain.learn(chunk("negative", fresh_state=True))
    for name, its in plain.theta.items():
        torch.testing.assert_close(its, before[name] - 0.05 * 0.1 * dreamt[name])


@pytest.mark.parametrize("sampler", ["cd", "persistent", "tempering", "annealed", "exact"])
@pytest.mark.parametrize("connections", ["full", "restricted"])
def test_every_sampler_learns_the_patterns(sampler, connections):
    """The divergence from three patterns falls to near the machine's own limit."""
    hidden = {"hidden": [4]} if connections == "restricted" else {}
    machine = made(
        connections=connections,
        sampler=sampler,
        sweeps=3,
        chains=60,
        rate=0.05,
        start_scale=0.1,
        temperature=1.0,
        schedule=[{"sweeps": 2, "temperature": 2.0}, {"sweeps": 3, "temperature": 1.0}],
        **hidden,
    )

    def divergence():
        log_p = exact.goodness(machine.machine, machine.theta, PATTERNS)
        log_z = exact.log_z(machine.machine, machine.theta)
        return float(-torch.tensor(3.0).log() - (log_p - log_z).mean())

    start = divergence()
    steps = {"tempering": 1500, "annealed": 1500}.get(sampler, 4000)
    machine.learn(chunk("both", steps=steps))
    assert start > 0.9
    assert divergence() < 0.25


SET_UPS = {
    "restricted, persistent, enhanced gradient": {
        "connections": "restricted", "hidden": [3], "sampler": "persistent",
        "enhanced_gradient": True,
    },
    "restricted, cd": {"connections": "restricted", "hidden": [3], "sampler": "cd"},
    "restricted, tempering": {
        "connections": "restricted", "hidden": [3], "sampler": "tempering", "chains": 5
    },
    "full, persistent, labels": {"hidden": [2], "sampler": "persistent", "label_units": True},
    "full, annealed": {"sampler": "annealed", "temperature": 10.0, "noise": [0.1, 0.1]},
    "full, exact": {"sampler": "exact"},
    "deep, layer by layer": {
        "connections": "deep", "hidden": [3, 2], "sampler": "persistent", "layerwise": 5
    },
}  # fmt: skip


@pytest.mark.parametrize("what", SET_UPS)
def test_a_state_goes_on_from_where_it_was(what):
    """With momentum, one state for each sign, a stored baseline and a softmax."""
    parameters = {"momentum": 0.9, "start_scale": 0.3, **SET_UPS[what]}
    phases = [
        chunk("positive", 3, separate_states=True, subtract_baseline=True),
        chunk("negative", 3, separate_states=True, mode="centred", subtract_baseline=True),
        chunk("both", 2),
    ]
    made_, streams = [], []
    for _ in range(2):
        machine = made(**parameters)
        streams.append(Streams(0))
        machine.generator = streams[-1]("sampling")
        made_.append(machine)
    one, other = made_
    for its in phases:
        one.learn(its)
    kept = torch.load(_saved([one.state_dict(), streams[0].state_dict()]), weights_only=True)
    for its in phases:
        one.learn(its)
    streams[1].load_state_dict(kept[1])
    other.load_state_dict(kept[0])
    for its in phases:
        other.learn(its)
    for name, tensor in one.theta.items():
        assert torch.equal(tensor, other.theta[name])
    assert torch.equal(one.remembered, other.remembered)


def _saved(state):
    import io

    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return file


def test_tempering_swaps_keep_every_distribution():
    """Chains that start in the target distributions at both temperatures stay in them."""
    machine = made(connections="restricted", hidden=[2], start_scale=2.0)
    its, theta = machine.machine, machine.theta
    generator = torch.Generator().manual_seed(1)
    temperatures, chains = (1.0, 3.0), 20_000
    visible = exact.visible_states(machine.layout, PATTERNS)
    targets, replicas = [], []
    for temperature in temperatures:
        tempered = its.tempered(theta, 1 / temperature)
        p = its.goodness(tempered, visible).softmax(0)
        drawn = torch.multinomial(p, chains, replacement=True, generator=generator)
        targets.append(p)
        replicas.append(its.clamped(tempered, visible[drawn], generator))
    for _ in range(3):
        replicas = temper(its, theta, replicas, temperatures, generator)
    code = torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64)
    for p, rows in zip(targets, replicas, strict=True):
        found = torch.bincount((rows.visible @ code).long(), minlength=8) / chains
        assert bool(((found - p).abs() < 4.5 * (p * (1 - p) / chains).sqrt() + 1e-9).all())


def test_held_units_stay():
    machine = made(connections="restricted", hidden=[2])
    generator = torch.Generator().manual_seed(0)
    rows = machine.machine.random(machine.theta, 50, generator)
    held = held_units([1], 3)
    kept = rows.visible[:, 1].clone()
    rows = gibbs(machine.machine, machine.theta, rows, 5, generator, held)
    assert torch.equal(rows.visible[:, 1], kept)
    assert 0 < float(rows.visible[:, 0].mean()) < 1
    with pytest.raises(InputError, match="there is no unit 3; the visible units are 0 to 2"):
        held_units([3], 3)


def test_a_schedule_cools_to_some_temperature():
    machine = made()
    generator = torch.Generator().manual_seed(0)
    rows = machine.machine.random(machine.theta, 5, generator)
    with pytest.raises(InputError, match="a temperature must be above 0, not 0"):
        anneal(machine.machine, machine.theta, rows, [(2, 0.0)], generator)


BAD = {
    "grey data": (
        ["rbm_digits", "-p", "model.binarise=none"],
        "0 or 1, and these data hold other values",
    ),
    "a clamp of a unit that is not there": (
        ["rbm_digits", "-p", "model.sampler=cd", "-p", "model.clamped_asleep=[3, 80]"],
        "there is no unit 80; the visible units are 0 to 73",
    ),
    "too many units": (
        ["bm_digits", "-p", "model.sampler=exact"],
        "enumeration of 106 units; at most 20",
    ),
    "labels that are not seen": (
        ["rbm_bars", "-p", "negatives=wrong_label", "-p", "batch=10"],
        "differ from real data by their label alone, which model 'rbm_bars' does not see",
    ),
    "one label only": (
        ["rbm_digits", "-p", "data=parity_3", "-p", "batch=4", "-p", "negatives=wrong_label"],
        "need another label, but 'parity_3' has only one",
    ),
    "causes that are not known": (
        ["helmholtz_digits", "-p", "negatives=wrong_label"],
        "learns asleep from what it dreams itself alone",
    ),
    "a label clamped in part": (
        ["rbm_digits", "-p", "model.sampler=cd", "-p", "model.clamped_asleep=[70]"],
        "of the label units all are named, or none",
    ),
    "a mask of the wrong size": (
        ["encoder_4_2_4", "-p", "model.hidden=[3]", "-p", "batch=8"],
        "it must have 11 rows of 11",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_machine_is_one_sentence_and_writes_nothing(what, tmp_path, wakesleep):
    arguments, message = BAD[what]
    out = tmp_path / "run.zarr"
    code, _, told = wakesleep("run", "phase_separation", *arguments, "-o", out)
    assert code == 2
    assert told.count("\n") == 1
    assert message in told
    assert not out.exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "- [0, 1, 1, 1, 0",
            "- [0, 1, 1, 0, 0",
            "must be symmetric, but it connects unit 3 with 0",
        ),
        ("  rate: 2.0", "  rate: 2.0\n  schedule: [{sweeps: 2, temperature: 0}]", "'temperature'"),
    ],
)
def test_a_bad_model_file(old, new, message, tmp_path, wakesleep):
    text = (library.find("encoder_4_2_4", ("models",))).read_text()
    assert old in text
    (tmp_path / "mine.yaml").write_text(text.replace(old, new, 1))
    code, _, told = wakesleep(
        "run", "code_learning", tmp_path / "mine.yaml", "-o", tmp_path / "run.zarr"
    )
    assert code == 2
    assert told.count("\n") == 1
    assert message in told


@pytest.mark.parametrize("sampler", ["cd", "annealed"])
def test_inputs_stay_clamped_asleep(sampler):
    """A machine that learns outputs given inputs dreams with the real inputs."""
    machine = made(sampler=sampler, clamped_asleep=[0, 2], temperature=10.0)
    seen, _ = machine.sample(PATTERNS, LABELS, torch.Generator().manual_seed(0))
    rows = len(seen) // 3 * 3
    expected = PATTERNS.repeat(rows // 3, 1)
    assert torch.equal(seen[:, [0, 2]], expected[:, [0, 2]])


@pytest.mark.parametrize("sampler", ["persistent", "annealed"])
@pytest.mark.parametrize(
    "connections", [{"connections": "full"}, {"connections": "restricted", "hidden": [2]}]
)
def test_completion_against_enumeration(sampler, connections):
    """How often the free pixels are on, given the clamped one, from all states that agree."""
    machine = made(
        sampler=sampler,
        start_scale=1.5,
        temperature=2.0,
        schedule=[{"sweeps": 20, "temperature": 4.0}, {"sweeps": 20, "temperature": 2.0}],
        **connections,
    )
    states = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 3)
    log_p = machine.log_likelihood(states, torch.zeros(8, dtype=torch.long))
    for first in (0.0, 1.0):
        images = torch.full((2000, 3), 0.5, dtype=torch.float64)
        images[:, 0] = first
        found = machine.complete(images, 1, torch.Generator().manual_seed(0))
        agree = states[:, 0] == first
        expected = log_p[agree].softmax(0) @ states[agree]
        assert torch.equal(found[:, 0], images[:, 0])
        assert torch.allclose(found.mean(0), expected, atol=0.02)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"connections": "restricted"}, "one hidden layer; 'hidden' names 0"),
        ({"connections": "deep", "hidden": [3]}, "two hidden layers or more, not 1"),
        ({"connections": "full", "hidden": [3, 3]}, "one number of hidden units"),
        ({"connections": "mask"}, "go together"),
        ({"temperatures": [2.0, 1.0]}, "must begin with 1 and rise"),
        ({"transposed": True}, "for 'connections: deep'"),
        ({"sampler": "annealed"}, "must be where it ends"),
        ({"clamped_asleep": [0]}, "is for 'sampler: cd'"),
        ({"schedule": [{"sweeps": 2, "temperature": 0.0}]}, "greater than 0"),
    ],
)
def test_parameters_that_do_not_fit(parameters, told):
    with pytest.raises(ValueError, match=told):
        made(**parameters)


def test_exact_learning_has_its_limit():
    with pytest.raises(InputError, match="enumeration of 43 units; at most 20"):
        made(hidden=[40])


def test_any_protocol_runs_a_machine():
    """Sleep, deprivation and recovery of a restricted machine, with labels and without."""
    for model, quantity in (("rbm_digits", "error"), ("rbm_bars", "divergence")):
        result = ws.run(
            "total_sleep_deprivation",
            model,
            inputs={"nights": 2, "lost_nights": 1, "recovery_nights": 1,
                    "updates_per_hour": 20 / 12, "batch": 14, "negatives": "usual"},
        )  # fmt: skip
        assert result.attrs["status"] == "finished"
        assert bool(result[quantity].notnull().all())


@pytest.mark.parametrize(
    ("model", "sweeps"), [("rbm_digits", 20), ("bm_digits", 3), ("dbm_digits", 5)]
)
def test_digits_are_learnt(model, sweeps):
    """A short training brings every kind of machine far below chance, which is .9."""
    result = ws.run(
        "interleaved", model, inputs={"sweeps": sweeps, "batch": 50, "negatives": "usual"}
    )
    assert float(result.error.sel(readout="goodness")[-1]) < 0.45


@pytest.mark.long
def test_the_encoder_finds_its_code():
    result = ws.run(
        "interleaved",
        "encoder_4_2_4",
        inputs={"sweeps": 900, "batch": 8, "negatives": "usual"},
        seed=3,
    )
    assert float(result.distinct_codes.max()) == 1.0


def test_the_likelihood_of_a_trained_machine(tmp_path, wakesleep):
    """Importance sampling from the files of a run against enumeration in its last probe."""
    out = tmp_path / "run.zarr"
    result = ws.run(
        "phase_separation",
        "rbm_bars",
        inputs={"phase_steps": 1, "nights": 300, "batch": 30, "probed_nights": 2},
        out=out,
    )
    found = ws.likelihood(out, temperatures=500, runs=200)
    exactly = float(result.log_likelihood[-1])
    train = found.sel(split="train")
    assert float(train.lower) < exactly < float(train.upper)
    assert float(train.upper - train.lower) < 0.3
    kept = tmp_path / "likelihood.nc"
    code, told, _ = wakesleep(
        "likelihood", out, "--temperatures", "50", "--pseudo", "--test", "-o", kept
    )
    assert code == 0
    assert told.splitlines()[1].startswith("train")
    again = xr.open_dataset(kept)
    learner, its = kept_network(out)
    images, labels = torch.tensor(its.train.images), torch.tensor(its.train.labels)
    log_p = learner.log_likelihood(images.float(), labels)
    flipped = [
        images.float() - (2 * images.float() - 1) * one for one in torch.eye(images.shape[1])
    ]
    pairs = torch.stack([learner.log_likelihood(other, labels) for other in flipped])
    pseudo = (log_p - torch.logaddexp(log_p, pairs)).sum(0).mean()
    assert np.allclose(again.pseudo_likelihood, float(pseudo), rtol=1e-5)
    assert again.attrs["seed"] == result.attrs["seed"]
    code, _, told = wakesleep("likelihood", out, "-o", tmp_path / "likelihood.csv")
    assert code == 2
    assert "kept as .nc" in told
    with pytest.raises(InputError, match=r"no split 'tests' \(did you mean 'test'\?\); "):
        ws.likelihood(out, splits=("tests",))


def test_grey_images_count_as_the_binary_ones_that_are_learnt():
    """Goodness of grey images is that of binary ones drawn from them, the same at every look."""
    machine = made(binarise="stochastic", start_scale=1.0)
    grey = torch.full((2000, 3), 0.5, dtype=torch.float64)
    labels = torch.zeros(2000, dtype=torch.long)
    found = machine.goodness(grey, labels)
    assert torch.equal(found, machine.goodness(grey, labels))
    corners = exact.visible_states(machine.layout, PATTERNS)
    values = machine.goodness(corners, labels[:8])[0]
    assert set(found[0].tolist()) == set(values.tolist())
    assert float(found.mean()) == pytest.approx(float(values.mean()), abs=0.1)


def test_a_small_machine_on_grey_data_has_no_likelihood():
    result = ws.run(
        "phase_separation",
        "rbm_digits",
        inputs={"phase_steps": 2, "nights": 1},
        parameters={"hidden": [8]},
    )
    assert "log_likelihood" not in result


def test_decay_acts_once_a_step_whatever_the_states():
    shared, separate = (made(decay=0.5, start_scale=0.5, rate=0.1) for _ in range(2))
    shared.learn(chunk("both"))
    separate.learn(chunk("both", separate_states=True))
    for name, its in shared.theta.items():
        torch.testing.assert_close(its, separate.theta[name])


def test_sleep_may_come_first():
    machine = made(enhanced_gradient=True)
    assert machine.learn(chunk("negative")) is None
    assert machine.learn(chunk("positive")) is None


def test_dreams_of_a_machine(tmp_path):
    """From its label units; and without any, from everything but a label."""
    out = tmp_path / "run.zarr"
    inputs = {"phase_steps": 2, "nights": 2, "batch": 14}
    ws.run("phase_separation", "rbm_digits", inputs=inputs, out=out)
    dreamt = ws.dreams(out, each=3)
    assert (dreamt.dreamt_label == dreamt.label).all()
    assert set(dreamt.image.values.ravel()) <= {0, 1}
    bare = tmp_path / "bare.zarr"
    ws.run("phase_separation", "bm_bars_exact", inputs=inputs, out=bare)
    assert ws.dreams(bare, start="noise").sizes["readout"] == 0
    with pytest.raises(InputError, match="cannot start from a label"):
        ws.dreams(bare)
