"""Momentum against its sum written out; Adam against torch's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wakesleep.learners.parts.connections import Dense
from wakesleep.learners.parts.plasticity import Adam, Momentum, fade

CASES = 5
WIRES = Dense(4, 3)


def factors(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.randn(CASES, 3, generator=generator, dtype=torch.float64),
        torch.randn(CASES, 4, generator=generator, dtype=torch.float64),
    )


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    rate=st.floats(1e-4, 1),
    momentum=st.floats(0, 0.999),
    decay=st.floats(0, 0.1),
    gains=st.lists(st.floats(0.01, 1), min_size=1, max_size=6),
)
def test_momentum_is_a_running_mean_of_gradients(seed, rate, momentum, decay, gains):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    bias = torch.randn(3, generator=generator, dtype=torch.float64)
    rule = Momentum(rate, momentum, decay)
    states = rule.start(weight), rule.start(bias)
    wanted, wanted_bias = weight.clone(), bias.clone()
    history = []
    for gain in gains:
        left, right = factors(generator)
        history.append((left.T @ right / CASES, left.mean(0)))
        ages = range(len(history) - 1, -1, -1)
        velocity, bias_velocity = (
            sum(
                (1 - momentum) * momentum**age * gradient[which]
                for age, gradient in zip(ages, history, strict=True)
            )
            for which in (0, 1)
        )
        wanted = wanted + gain * rate * (velocity - decay * wanted)
        wanted_bias = wanted_bias + gain * rate * bias_velocity
        fade(weight, rule, gain)
        rule.update(weight, states[0], WIRES.gradient(left, right), CASES, gain)
        rule.update_bias(bias, states[1], left, CASES, gain)
    torch.testing.assert_close(weight, wanted, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(bias, wanted_bias, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_adam_is_torchs(decay):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    bias = torch.randn(3, generator=generator, dtype=torch.float64)
    theirs = [torch.nn.Parameter(tensor.clone()) for tensor in (weight, bias)]
    torchs = torch.optim.AdamW(
        [{"params": theirs[:1], "weight_decay": decay}, {"params": theirs[1:], "weight_decay": 0}],
        lr=0.01,
        betas=(0.8, 0.95),
        eps=1e-6,
        maximize=True,
    )
    rule = Adam(rate=0.01, beta1=0.8, beta2=0.95, epsilon=1e-6, decay=decay)
    states = rule.start(weight), rule.start(bias)
    for _ in range(20):
        left, right = factors(generator)
        theirs[0].grad, theirs[1].grad = left.T @ right / CASES, left.mean(0)
        torchs.step()
        fade(weight, rule, 1.0)
        rule.update(weight, states[0], WIRES.gradient(left, right), CASES, 1.0)
        rule.update_bias(bias, states[1], left, CASES, 1.0)
    torch.testing.assert_close(weight, theirs[0].data, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(bias, theirs[1].data, rtol=1e-12, atol=1e-12)
