"""Pretraining of a deep machine: on what the phase presents, whenever probes are taken."""

from __future__ import annotations

import pytest
import torch

import wakesleep as ws
from tests.learners.boltzmann.test_machine import LABELS, PATTERNS, made
from wakesleep.learners.chunks import Chunk


@pytest.mark.parametrize(("classes", "same"), [((0,), True), ((1,), True), (None, False)])
def test_pretraining_sees_the_classes_of_the_phase_alone(classes, same):
    """Images of a class that is not presented may be anything: the machine is the same."""
    parts = []
    shown = 0 if classes == (0,) else 1
    for others in (PATTERNS, 1 - PATTERNS):
        images = torch.where((shown != LABELS)[:, None], others, PATTERNS)
        its = made(connections="deep", hidden=[3, 2], sampler="persistent", layerwise=5)
        index = (shown == LABELS).nonzero().T
        its.learn(Chunk("positive", images, LABELS, index, [1.0], classes=classes))
        parts.append(torch.cat([tensor.flatten() for tensor in its.theta.values()]))
    assert torch.equal(*parts) == same


def test_pretraining_does_not_depend_on_when_probes_are_taken(tmp_path):
    """A chunk ends at a probe; what a deep machine starts from must not."""
    norms = []
    for every in ("", "record: {every: 1}"):
        file = tmp_path / "p.yaml"
        file.write_text(
            f"protocol: p\ndata: {{batch: 10}}\nnegatives: {{source: usual}}\n{every}\n"
            "phases: [{phase: interleaved, steps: 4}]\n"
        )
        its = ws.run(file, "dbm_digits", parameters={"layerwise": 20, "hidden": [8, 6]})
        norms.append(float(its["weight_norm"][-1, 0]))
    assert norms[0] == norms[1]
