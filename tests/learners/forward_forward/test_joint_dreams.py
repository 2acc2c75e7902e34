"""Dreams whose units vary jointly have the covariance that was remembered."""

from __future__ import annotations

import numpy as np
import torch

from wakesleep.learners.parts.generator import Generator

TOP, CLASSES = 4, 2


def test_the_memory_is_the_covariance_of_each_class():
    generator = torch.Generator().manual_seed(0)
    its = Generator((6, TOP), CLASSES, 0, 0.05, torch.zeros(1, dtype=torch.float64), jointly=True)
    mixing = torch.randn(CLASSES, TOP, TOP, generator=generator, dtype=torch.float64)
    means = torch.randn(CLASSES, TOP, generator=generator, dtype=torch.float64)
    for _ in range(3000):
        labels = torch.randint(CLASSES, (40,), generator=generator)
        noise = torch.randn(40, TOP, generator=generator, dtype=torch.float64)
        top = means[labels] + torch.einsum("nij,nj->ni", mixing[labels], noise)
        its.memory.keep(top, labels, its.rate)
    wanted = mixing @ mixing.mT
    error = (its.memory.covariance - wanted).norm() / wanted.norm()
    assert float(error) < 0.1

    for label in range(CLASSES):
        labels = torch.full((20_000,), label)
        dreams = its.start("label", labels, 1.0, generator)
        covariance = torch.from_numpy(np.cov(dreams.numpy().T))
        remembered = its.memory.covariance[label]
        assert float((covariance - remembered).norm() / remembered.norm()) < 0.05
        assert float((dreams.mean(0) - its.memory.mean[label]).norm()) < 0.1


def test_its_state_is_taken_up_again():
    like = torch.zeros(1)
    its = Generator((6, TOP), CLASSES, 0, 0.05, like, jointly=True)
    labels = torch.tensor([0, 1, 1])
    its.learn(torch.rand(3, 4), [torch.rand(3, TOP)], labels)
    again = Generator((6, TOP), CLASSES, 0, 0.05, like, jointly=True)
    again.load_state_dict(its.state_dict())
    draws = [g.start("label", labels, 1.0, torch.Generator().manual_seed(1)) for g in (its, again)]
    assert torch.equal(*draws)
