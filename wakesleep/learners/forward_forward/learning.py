"""One step of learning in a feed-forward Forward-Forward network, all layers at once.

Hinton 2022 (arXiv 2212.13345), sections 2 and 3.3; the order of operations within a step follows
the author's published supervised program.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wakesleep.learners.chunks import Chunk
from wakesleep.learners.forward_forward.black_box import perturb
from wakesleep.learners.forward_forward.layer import (
    Layer,
    block_goodness,
    log_odds,
    measure_baseline,
    state_rows,
)
from wakesleep.learners.forward_forward.passes import Batch, Feedforward, Pass
from wakesleep.learners.forward_forward.rows import Rows, move, rows_that_move
from wakesleep.learners.parts.plasticity import Gain


@dataclass(frozen=True)
class Shown:
    """The rows that go through the network in one step.

    Attributes
    ----------
    batch
        The real cases, and values that were computed while making negative ones.
    canvas, product, labels
        The rows, as :meth:`Feedforward.forward` takes them.
    rows
        How many of the first ones are real or negative cases; the others are neutral.
    """

    batch: Batch
    canvas: Tensor
    product: Tensor
    labels: Tensor
    rows: int


def shown(network: Feedforward, chunk: Chunk, images: Tensor, labels: Tensor) -> Shown:
    """Return the rows that go through the network in one step.

    Real cases come first, then negative ones, then the neutral ones that the softmax learns from
    (unless hard negatives have already used them). Without a label in the input, real cases are
    neutral.
    """
    cases = len(images)
    network.batch = batch = Batch(images, *network.first_product(images))
    parts = []
    if chunk.sign != "negative":
        parts.append((batch.canvas, batch.product, labels))
    if chunk.sign != "positive":
        assert chunk.negatives is not None
        fakes, fake_labels = chunk.negatives(network, images, labels)
        parts.append((*network.first_product(fakes), fake_labels))
    rows = cases * len(parts)
    if chunk.updates_per_batch > 1:
        batch.voters = batch.chances = None  # the softmax reads what layers do after the drill
    reads = "softmax" in network.readouts
    if chunk.sign != "negative" and batch.voters is None and network.sees_labels and reads:
        parts.append((batch.canvas, batch.product, network.every(images, network.classes)))
    network.batch = None
    canvases, products, labels_shown = zip(*parts, strict=True)
    canvas, product = canvases[0], products[0]
    if any(its is not canvas for its in canvases):  # else the rows are the same, label by label
        canvas, product = torch.cat(canvases), torch.cat(products)
    return Shown(batch, canvas, product, torch.cat(labels_shown), rows)


def take_step(
    network: Feedforward, chunk: Chunk, images: Tensor, labels: Tensor, gain: Gain
) -> Tensor:
    """Take one step; return a sum that shows any number that is not finite.

    All that is needed goes through the network in one pass; see :func:`shown`.
    """
    cases = len(images)
    its = shown(network, chunk, images, labels)
    batch, rows, reads = its.batch, its.rows, "softmax" in network.readouts
    # If only some layers learn and nothing else is needed, the layers above them are not computed.
    looked_at = reads or network.generator is not None
    top = None if chunk.layers is None or looked_at else max(chunk.layers)
    learns_to_read = reads and chunk.sign != "negative"
    top_tells = chunk.updates_per_batch > 1 or network.generator is not None
    top_tells = top_tells or (learns_to_read and batch.voters is None)
    chance = network.chance()
    done = network.forward(its.canvas, its.product, its.labels, top, chance, top_tells=top_tells)
    total, normalised = update(network, done, rows, cases, chunk, gain)
    network.real_steps += chunk.sign != "negative"
    if network.boxes and network.boxes[0].kind == "learning" and chunk.sign != "negative":
        _perturb(network, its.canvas[:cases], labels)
    if chunk.sign != "negative":
        if reads:
            voters = batch.voters
            if voters is None:
                neutral = slice(rows, None) if network.sees_labels else slice(cases)
                voters = network.voters([y[neutral] for y in normalised])
            network.softmax.learn(voters, labels, gain, batch.chances, network.pieces.mean)
            total += network.softmax.bias.sum()
        if network.generator is not None and chunk.top_down:
            image = batch.canvas[:, network.classes :]
            network.generator.learn(image, [y[:cases] for y in normalised], labels)
            total += network.generator.maps[0].bias.sum()
    return total


def update(
    network: Feedforward,
    done: Pass,
    rows: int,
    cases: int,
    chunk: Chunk,
    gain: Gain,
    first: int = 0,
) -> tuple[Tensor, list[Tensor]]:
    """Update the layers of a pass, of which layer ``first`` is the lowest.

    The first ``rows`` of the pass are learned from. Returns the sum of all goodness, and the
    normalised activities of all rows.
    """
    sign = done.inputs[0].new_full((rows,), -1.0)
    if chunk.sign != "negative":
        sign[:cases] = 1.0
    parts = state_rows(chunk, cases, rows)
    real = cases if chunk.sign != "negative" else 0
    total = sign.new_zeros(())
    drill = chunk.updates_per_batch > 1
    for place, layer in enumerate(network.layers[first : first + len(done.totals)]):
        depth = first + place
        given = done.inputs[place]
        if drill and place:  # the layers below have moved on since the pass
            given = network.boxed(depth - 1, done.normalised[place - 1], network.chance())
        learns = not network.fixed and (chunk.layers is None or depth + 1 in chunk.layers)
        for _ in range(chunk.updates_per_batch):
            z, y = done.totals[place][:rows], done.activities[place][:rows]
            if drill:
                z, y = _activity(network, layer, given[:rows])
            goodness = block_goodness(layer, y, network.pieces)
            if not learns:
                continue
            moving = rows_that_move(
                layer, given[:rows], z, y, goodness, sign, parts, real, network.pieces
            )
            _change(network, layer, moving, cases, chunk, gain)
        if network.slow_changes is not None and learns:
            activity = network.pieces.case_mean(y[:real]) if real else None
            network.slow_changes.follow(layer, activity, chunk.sign != "positive")
        total += goodness.sum()
        if drill:
            y = _activity(network, layer, given)[1]
            done.normalised[place] = y * network.normalise(y)
    return total, done.normalised


def _perturb(network: Feedforward, canvas: Tensor, labels: Tensor) -> None:
    """Let black boxes learn from the effect of noise on the cost of real cases."""
    size, rate, every = network.box_learning
    if network.fixed or network.real_steps % every:
        return
    first = network.layers[0]
    product = first.connection.drive(canvas, first.weight)  # with the weights of now
    clean = network.forward(canvas, product, labels)

    def cost(noise: list[Tensor] | None) -> Tensor:
        done = clean if noise is None else network.forward(canvas, product, labels, noise=noise)
        total = canvas.new_zeros(len(canvas))
        for layer, y in zip(network.layers[1:], done.activities[1:], strict=True):
            goodness = block_goodness(layer, y, network.pieces)
            odds = log_odds(layer, goodness, network.pieces, layer.blocks)
            total -= torch.nn.functional.logsigmoid(odds).sum(1)
        return total

    perturb(network.boxes, clean.normalised[:-1], cost, size, rate, network.streams("boxes"))


def _activity(network: Feedforward, layer: Layer, given: Tensor) -> tuple[Tensor, Tensor]:
    """Return a layer's total input and activity (rows, units) for inputs (rows, inputs)."""
    z = layer.connection.drive(given, layer.weight, layer.bias)
    return z, network.output(layer, z)


def _change(
    network: Feedforward,
    layer: Layer,
    moving: dict[str, Rows],
    cases: int,
    chunk: Chunk,
    gain: Gain,
) -> None:
    """Change one layer's weights, or measure its negative updates for the baseline."""
    if chunk.sign == "negative" and (chunk.mode != "negative" or chunk.subtract_baseline):
        for its in moving.values():  # of a step without real cases there is one
            measure_baseline(
                layer, its.left, its.right, cases, network.baseline_memory, network.pieces.mean
            )
    if chunk.mode == "measure":
        return
    baseline = float(chunk.sign == "positive" and chunk.subtract_baseline)
    if chunk.mode == "centred":
        baseline = -1.0
    move(layer, moving, cases, network.pieces, gain, baseline)
