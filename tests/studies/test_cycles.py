"""Figures over cycles show the whole experiment, or the part of it that the file names."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws
from wakesleep.plots.study import draw
from wakesleep.plots.wanted import Figure
from wakesleep.results.trees import over_cycles
from wakesleep.studies.run import run_study

STUDY = """\
study: nights
models:
  - {name: one, use: ./one.yaml}
  - {name: two, use: ./two.yaml}
protocols: [./small.yaml]
seeds: 1
outcomes: {error: {quantity: error, at: wake, readout: goodness}}
"""
TWO = "model: two\nkind: forward_forward\ndata: digits\nparameters: {layers: [8, 8]}\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    from tests.conftest import SMALL_PROTOCOL

    folder = tmp_path_factory.mktemp("cycles")
    (folder / "small.yaml").write_text(SMALL_PROTOCOL)
    (folder / "one.yaml").write_text(TWO.replace("two", "one").replace("[8, 8]", "[8]"))
    (folder / "two.yaml").write_text(TWO)
    (folder / "nights.yaml").write_text(STUDY)
    return run_study(folder / "nights.yaml", folder / "out", workers=2).tree


def test_all_blocks_are_drawn_one_after_the_other(tree):
    """Two nights of 'baseline', then the lost one and the recovery, which are in no repeat."""
    found = over_cycles(tree, "error", "any").squeeze("seed").sel(model="one", readout="goodness")
    run = tree["runs/0000"].to_dataset().squeeze("seed")
    ends = run["error"].sel(readout="goodness").values[run["phase_end"].values.astype(bool)]
    assert run["phase"].values[run["phase_end"].values.astype(bool)].tolist() == [
        "wake", "sleep", "wake", "sleep", "deprivation", "recovery",
    ]  # fmt: skip
    assert found["cycle"].values.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(found.values.ravel(), ends[[1, 3, 5]])


def test_a_block_can_be_chosen(tree):
    found = over_cycles(tree, "error", "deprivation", "small")
    assert found["cycle"].values.tolist() == [1]
    assert np.isfinite(found.values).all()
    with pytest.raises(ws.InputError, match="no run has a block 'lost'; there are"):
        over_cycles(tree, "error", "any", "lost")


def test_a_model_without_the_layer_has_no_name_in_the_legend(tree):
    def named(layer: str | int) -> list[str]:
        wanted = Figure.model_validate(
            {
                "figure": "cycles",
                "name": "f",
                "quantity": "goodness",
                "hue": "model",
                "select": {"layer": layer, "sign": "positive"},
            }
        )
        figure = draw(wanted, tree)
        return [its.get_text() for its in figure.axes[0].get_legend().get_texts()]

    assert named("1") == ["one", "two"]
    assert named("2") == ["two"]
    assert named(2) == ["two"]  # as a file may say it
    with pytest.raises(ws.InputError, match="'layer' is never 3; it is 1, 2"):
        named(3)


def test_a_selection_of_nothing_is_an_error(tree):
    wanted = Figure.model_validate(
        {"figure": "cycles", "name": "f", "quantity": "error", "at": "rest", "hue": "model"}
    )
    with pytest.raises(ws.InputError, match="no run has 'error' at the end of 'rest'"):
        draw(wanted, tree)
