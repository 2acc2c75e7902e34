"""Text as data: windows, Reber's grammar, Aesop, and the baselines that predict them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep import data
from wakesleep.data import aesop, reber
from wakesleep.data.sequences import WINDOW, windows
from wakesleep.learners.chunks import Chunk, Setting
from wakesleep.learners.ngram.counter import Counter
from wakesleep.learners.ngram.parameters import Parameters
from wakesleep.runtime.randomness import Streams


def test_windows_by_hand():
    strings = np.array([[*range(WINDOW), 3, 1], [1] * WINDOW + [2, 0]])
    cases = windows(strings, 12)
    assert cases.labels.tolist() == [3, 1, 2, 0]
    seen = cases.images.reshape(4, WINDOW, 12).argmax(2)
    assert seen[0].tolist() == list(range(WINDOW))
    assert seen[1].tolist() == [*range(1, WINDOW), 3]
    assert seen[3].tolist() == [1] * (WINDOW - 1) + [2]
    assert (cases.images.reshape(4, WINDOW, 12).sum(2) == 1).all()


def test_reber_strings_are_grammatical_and_their_truth_is_what_happens():
    random = np.random.default_rng(0)
    strings, truth = reber.written(200, random)
    state = np.zeros(len(strings), dtype=int)
    for place in range(strings.shape[1]):
        for row, symbol in enumerate(strings[:, place]):
            ways = dict(reber.GRAMMAR[state[row]])
            letter = reber.SYMBOLS[symbol]
            assert letter in ways
            assert truth[row, place, symbol] == pytest.approx(1 / len(ways))
            state[row] = ways[letter]
    assert truth.sum(2) == pytest.approx(1)
    # Calibration: among all places given probability 1/2, the symbol came half of the time.
    half = truth == 0.5
    came = (np.eye(7)[strings] * half).sum() / half.sum()
    assert came == pytest.approx(0.5, abs=0.02)


def test_two_symbols_tell_the_state_of_rebers_grammar():
    """So that the probabilities are those of a window too, not of a hidden state."""
    following: dict[tuple[str, str], set[int]] = {}
    for state in reber.GRAMMAR:
        for one, middle in reber.GRAMMAR[state]:
            for other, last in reber.GRAMMAR[middle]:
                following.setdefault((one, other), set()).add(last)
    assert all(len(states) == 1 for states in following.values())


def test_reber_is_the_same_every_time_and_its_splits_differ():
    one, other = reber.load(), reber.load()
    assert one.digest == other.digest
    assert one.window == WINDOW
    assert (len(one.train), len(one.validation)) == (4000, 1000)
    assert not np.array_equal(one.validation.labels, one.test.labels)


def test_aesop_is_248_strings(aesop_folder):
    its = data.load("aesop")
    assert its.symbols == "abcdefghijklmnopqrstuvwxyz ,;."
    assert [len(part) for part in (its.train, its.validation, its.test)] == [
        198 * 90, 25 * 90, 25 * 90,
    ]  # fmt: skip
    text = "".join(its.symbols[label] for label in its.train.labels[:90])
    assert " " in text
    shares = np.bincount(its.train.labels, minlength=30) / len(its.train)
    assert shares[its.symbols.index("e")] == shares[:26].max()  # it is English


@pytest.fixture
def aesop_folder():
    import os
    from pathlib import Path

    folder = Path(os.environ.get("WAKESLEEP_DATA_DIR", ""))
    if not (folder / "aesop.txt").is_file():
        pytest.skip("needs aesop.txt in the folder that WAKESLEEP_DATA_DIR names")
    return folder


def test_text_becomes_symbols():
    text = 'The "Fox" said:\n  Who?  Æsop -- he!'
    assert aesop.in_symbols(text, "test") == "the fox said; who. aesop he."


def test_the_table_of_contents_and_the_licence_are_left_out(tmp_path, monkeypatch):
    fable = "a fox saw grapes " * 2000
    (tmp_path / "aesop.txt").write_text(
        f"Header #7\nTHE FOX AND THE GRAPES\ncontents\nTHE FOX AND THE GRAPES\n{fable}\n"
        "*** END OF THE PROJECT\nLicence 99%\n"
    )
    monkeypatch.setenv("WAKESLEEP_DATA_DIR", str(tmp_path))
    with pytest.warns(UserWarning, match="is not the text of the documented results"):
        its = data.load("aesop")
    written = {its.symbols[label] for label in its.train.labels}
    assert written <= set("the fox and the grapes saw")  # no 7, no %, no c of contents


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a fox\nsaw 12 grapes " * 3000, r"line 2, column 5: '1' is outside the alphabet"),
        ("a fox", "5 characters; at least 24,800 are needed"),
    ],
)  # fmt: skip
def test_a_text_that_will_not_do(text, message, tmp_path, monkeypatch, wakesleep):
    (tmp_path / "aesop.txt").write_text(text)
    monkeypatch.setenv("WAKESLEEP_DATA_DIR", str(tmp_path))
    code, _, told = wakesleep("run", "interleaved", "ff_aesop", "-o", tmp_path / "run.zarr")
    assert code == 2
    import re

    assert re.search(message, told), told
    assert told.count("\n") == 1
    assert not (tmp_path / "run.zarr").exists()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_counts_against_counting(order):
    strings = np.random.default_rng(order).integers(0, 4, (6, 40))
    cases = windows(strings, 4)
    counter = Counter(
        Parameters(order=order, prior=0.5),
        Setting(WINDOW * 4, 4, torch.device("cpu"), torch.float64, Streams(0), WINDOW),
    )
    images, labels = torch.tensor(cases.images).double(), torch.tensor(cases.labels)
    counter.learn(
        Chunk("positive", images, labels, torch.arange(len(labels)).view(-1, 10), [1.0] * 18)
    )
    counter.learn(Chunk("negative", images, labels, torch.arange(10).view(1, 10), [1.0]))  # nothing
    seen = cases.images.reshape(-1, WINDOW, 4).argmax(2)
    found = counter.label_probabilities(images[:20])
    for row in range(20):
        context = seen[row, WINDOW - order + 1 :]
        same = (seen[:, WINDOW - order + 1 :] == context).all(1)
        counts = 0.5 + np.bincount(cases.labels[same], minlength=4)
        np.testing.assert_allclose(found[row], counts / counts.sum(), rtol=1e-12)


def test_bits_and_divergence_of_a_known_prediction():
    """A unigram model of Reber strings: both numbers computed apart, from the counts."""
    result = ws.run(
        "interleaved", "unigram", inputs={"data": "reber", "sweeps": 1, "probe_cases": 500}
    )
    its = data.load("reber")
    counts = 1.0 + np.bincount(its.train.labels, minlength=7)
    q = counts / counts.sum()
    labels, truth = its.validation.labels[:500], its.validation.truth[:500].astype(float)
    assert result["bits"].values[-1] == pytest.approx(-np.log2(q[labels]).mean(), rel=1e-5)
    kl = (truth * np.log2(np.where(truth > 0, truth, 1) / q)).sum(1).mean()
    assert result["kl"].values[-1] == pytest.approx(kl, rel=1e-5)
    # bits = entropy of the truth + divergence, but for which symbols happened to come.
    entropy = -(truth * np.log2(np.where(truth > 0, truth, 1))).sum(1).mean()
    assert result["bits"].values[-1] == pytest.approx(entropy + kl, abs=0.1)


def test_forward_forward_learns_the_grammar():
    result = ws.run("interleaved", "ff_reber", inputs={"sweeps": 10, "negatives": "own_label"})
    bigram = ws.run("interleaved", "bigram", inputs={"data": "reber", "sweeps": 1})
    assert result["kl"].values[-1] < 0.75 * bigram["kl"].values[-1]


@pytest.mark.parametrize("model", ["unigram", "bigram"])
def test_counting_needs_sequences(model):
    with pytest.raises(ws.InputError, match="predicts sequences"):
        ws.run("interleaved", model, inputs={"data": "digits", "sweeps": 1})


def test_rollouts_need_sequences():
    with pytest.raises(ws.InputError, match="are strings, but 'digits' has none"):
        ws.run("interleaved", "ff_digits", inputs={"negatives": "rollout", "sweeps": 1})


def test_the_truth_must_be_known_to_be_recorded(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("protocol: p\nphases: [{phase: wake, steps: 1}]\nrecord: {quantities: [kl]}\n")
    with pytest.raises(ws.InputError, match="true probabilities of 'digits' are not known"):
        ws.run(path, "ff_digits")
