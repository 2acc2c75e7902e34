"""Local layers against the same layer as one masked matrix, written anew place by place."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wakesleep.errors import InputError
from wakesleep.learners.parts.connections import Dense, connected, joined, local
from wakesleep.learners.parts.receptive_fields import LocalLayer

CPU = torch.device("cpu")


def sees(rows, columns, depth, its):
    """Which inputs (in image order) each unit (in the order of places) sees, by loops."""
    if its.edges == "cut":
        tops = range(-(its.field // 2), rows - its.field // 2, its.stride)
        lefts = range(-(its.field // 2), columns - its.field // 2, its.stride)
    else:
        tops = range(0, rows - its.field + 1, its.stride)
        lefts = range(0, columns - its.field + 1, its.stride)
    fields = []
    for top in tops:
        for left in lefts:
            seen = torch.zeros(rows, columns, depth, dtype=torch.bool)
            seen[max(top, 0) : top + its.field, max(left, 0) : left + its.field] = True
            fields += [seen.flatten()] * its.channels
    return torch.stack(fields), (len(tops), len(lefts))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 7),
    columns=st.integers(1, 7),
    depth=st.integers(1, 3),
    field=st.integers(1, 5),
    stride=st.integers(1, 3),
    channels=st.integers(1, 3),
    edges=st.sampled_from(["inside", "cut"]),
    pick=st.integers(0, 10),
    seed=st.integers(0, 2**32),
)
def test_gather_is_the_masked_matrix(
    rows, columns, depth, field, stride, channels, edges, pick, seed
):
    its = LocalLayer(field=field, stride=stride, channels=channels, edges=edges)
    below = torch.arange(rows * columns * depth).view(rows, columns, depth)
    try:
        sides = [len(its.starts(side, "1")) for side in (rows, columns)]
    except InputError:
        return
    mask, places = sees(rows, columns, depth, its)
    assert tuple(sides) == places
    tiles = [t for t in range(1, min(sides) + 1) if all(side % t == 0 for side in sides)]
    wires = local(below, its, "1", CPU, tiles[pick % len(tiles)])
    generator = torch.Generator().manual_seed(seed)
    like = torch.zeros((), dtype=torch.float64)
    weight = wires.start(generator, like)
    x = torch.randn(4, rows * columns * depth, generator=generator, dtype=torch.float64)
    bias = torch.randn(wires.units, generator=generator, dtype=torch.float64)
    dense = wires.as_dense(weight)
    order = wires.output.flatten()  # which unit stands at each place
    assert torch.equal(dense[order] != 0, mask)
    torch.testing.assert_close(wires.drive(x, weight, bias), x @ dense.T + bias)
    torch.testing.assert_close(wires.drive(x, weight), x @ dense.T)

    left = torch.randn(4, wires.units, generator=generator, dtype=torch.float64)
    gradient = torch.full_like(weight, torch.nan)
    wires.gradient(left, x)(gradient, 0.0, 1.0)
    wires.confine(gradient)
    again = gradient.clone()
    wires.gradient(left, x)(again, 0.5, 0.25)
    wires.confine(again)
    torch.testing.assert_close(again, 0.75 * gradient)
    wanted = torch.zeros_like(dense)
    wanted[order] = (left.T @ x)[order] * mask
    torch.testing.assert_close(wires.as_dense(gradient), wanted)


@pytest.mark.parametrize("side", [8, 12])
def test_a_unit_in_time_sees_its_own_field_below_and_above(side):
    its = LocalLayer(field=5, channels=8, edges="cut")
    above = LocalLayer(field=3, channels=2, edges="cut")
    below = torch.arange(side * side * 3).view(side, side, 3)
    upper = local(local(below, its, "1", CPU).output, above, "2", CPU)
    wires = local(below, its, "1", CPU)
    down = local(upper.output, its, "1", CPU)
    order = wires.output.flatten()
    seen = {3: sees(side, side, 3, its)[0], 2: sees(side, side, 2, its)[0]}
    # units above are numbered in an order of their own
    from_above = torch.zeros_like(seen[2])
    from_above[:, upper.output.flatten()] = seen[2]
    for more, wanted in ((down, from_above), (7, torch.ones(side * side * 8, 7, dtype=torch.bool))):
        both = joined(wires, more)
        weight = both.start(torch.Generator().manual_seed(0), torch.zeros(()))
        found = both.as_dense(weight)[order] != 0
        assert torch.equal(found, torch.cat((seen[3], wanted), dim=1))
        x = torch.randn(4, both.inputs, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(both.drive(x, weight), x @ both.as_dense(weight).T)


def fan_in(wires):
    """How many inputs each unit sees."""
    weight = wires.start(torch.Generator().manual_seed(0), torch.zeros(()))
    return (wires.as_dense(weight) != 0).sum(1)


def test_first_weights_have_variance_one_over_fan_in():
    its = LocalLayer(field=5, channels=40, edges="cut")
    wires = local(torch.arange(75).view(5, 5, 3), its, "1", CPU)
    weight = wires.start(torch.Generator().manual_seed(0), torch.zeros(()))
    dense = wires.as_dense(weight)
    power = dense.square().sum(1).mean()
    assert abs(float(power) - 1) < 0.05


def test_the_net_of_footnote_8():
    layers = [
        LocalLayer(field=10, stride=6, channels=128),
        LocalLayer(field=2, channels=220),
        LocalLayer(field=2, channels=512),
    ]
    wires = connected(784, (28, 28, 1), layers, CPU)
    assert [its.output.shape for its in wires] == [(4, 4, 128), (3, 3, 220), (2, 2, 512)]
    assert [fan_in(its).unique().tolist() for its in wires] == [[100], [4 * 128], [4 * 220]]


def test_a_topographic_map_of_cifar_10():
    its = LocalLayer(field=11, channels=3, edges="cut")
    (wires,) = connected(3072, (32, 32, 3), [its], CPU)
    # the corner sees six rows and columns of its eleven, the middle all
    assert (int(fan_in(wires).min()), int(fan_in(wires).max())) == (6 * 6 * 3, 11 * 11 * 3)
    assert wires.output.shape == (32, 32, 3)


def test_dense_above_local_sees_everything():
    wires = connected(16, (4, 4, 1), [LocalLayer(field=2, stride=2, channels=3), 5], CPU)
    assert wires[1] == Dense(12, 5)
    assert math.prod(wires[0].output.shape) == 12


@pytest.mark.parametrize(
    ("its", "told"),
    [
        (LocalLayer(field=9, channels=1), "a field of 9 places does not fit into a map of 8"),
        (LocalLayer(field=4, stride=5, channels=1), "leaves no second place on a map of 8"),
        (LocalLayer(field=9, channels=1, edges="cut"), "does not fit"),
    ],
)
def test_fields_that_do_not_fit(its, told):
    with pytest.raises(InputError, match=told):
        connected(64, (8, 8, 1), [its], CPU)
