"""Operations and energy of learning from one case, counted, not measured.

python docs/results/energy.py    # the tables

Constants: Horowitz 2014, Computing's energy problem, ISSCC, 10-14, figure 1.1.9 (45 nm, 0.9 V):
a float32 multiplication 3.7 pJ and addition .9, float16 1.1 and .4, 8 bits .2 and .03; 64 bits from
a cache of 32 kB 20 pJ. Gokmen & Vlasov 2016, Frontiers in Neuroscience 10, 333: arrays of resistive
devices with all their circuits do 84,000 GOp/s/W, which is .024 pJ for a multiplication and an
addition. An 8-bit conversion takes 1 pJ here, the order of the best converters in Murmann's survey
(ADC performance survey, 1997 to 2023).
"""

from __future__ import annotations

import itertools

DIGITAL = {"float32": 3.7 + 0.9, "float16": 1.1 + 0.4, "8 bits": 0.2 + 0.03}  # pJ, multiply and add
MEMORY = {"float32": 10.0, "float16": 5.0, "8 bits": 2.5}  # pJ for a weight from a 32 kB cache
ANALOG, CONVERSION = 0.024, 1.0  # pJ
BATCH = 100
NETWORKS = {"784-256-256": (784, 256, 256), "784-2000 x 4": (784, 2000, 2000, 2000, 2000)}
CLASSES = 10


def weights(widths: tuple[int, ...]) -> int:
    """Return the number of weights of the hidden layers."""
    return sum(one * other for one, other in itertools.pairwise(widths))


def forward_forward(widths: tuple[int, ...]) -> dict[str, float]:
    """Return operations of learning from one case and its negative one, without the read-out.

    Two passes up and two outer products. On devices a pass needs a conversion of each input, which
    is a pixel; then layers pass on voltages. Each layer's goodness is one number, that is
    converted once a pass. The outer product of inputs and activities is made by pulses on the
    devices, whose length is the activity's times 1 - p.
    """
    units = sum(widths[1:])
    return {
        "products": 4 * weights(widths),
        "conversions": 2 * (widths[0] + len(widths) - 1),
        "conversions of units": 0,
        "units": units,
    }


def backpropagation(widths: tuple[int, ...]) -> dict[str, float]:
    """Return operations of learning from one case, with a softmax on top.

    A pass up, a pass down and an outer product. Activities are needed twice, on the way up and for
    the outer product, and slopes on the way down: each unit is converted up and down.
    """
    top = widths[-1] * CLASSES
    units = sum(widths[1:])
    return {
        "products": 3 * (weights(widths) + top) - widths[0] * widths[1],
        "conversions": widths[0] + 2 * units + 2 * CLASSES,
        "conversions of units": 2 * units,
        "units": units,
    }


def main() -> None:
    print("| network | rule | products | conversions | of them units |")
    print("|---|---|---|---|---|")
    rules = {"Forward-Forward": forward_forward, "backpropagation": backpropagation}
    for name, widths in NETWORKS.items():
        for rule, count in rules.items():
            its = count(widths)
            print(
                f"| {name} | {rule} | {its['products'] / 1e6:.2f} million "
                f"| {its['conversions']:,} | {its['conversions of units']:,} |"
            )
    print()
    print("| network | rule | float32 | float16 | 8 bits | devices: products | conversions | all |")
    print("|---|---|---|---|---|---|---|---|")
    for name, widths in NETWORKS.items():
        for rule, count in rules.items():
            its = count(widths)
            # A batch shares the weights that are read; they are read and written once.
            passes = 4 if rule == "Forward-Forward" else 3
            read = {what: passes * weights(widths) / BATCH * MEMORY[what] for what in DIGITAL}
            digital = [its["products"] * DIGITAL[what] + read[what] for what in DIGITAL]
            products, conversions = its["products"] * ANALOG, its["conversions"] * CONVERSION
            cells = [*digital, products, conversions, products + conversions]
            print(f"| {name} | {rule} | " + " | ".join(f"{pj / 1000:,.1f}" for pj in cells) + " |")
    for name, widths in NETWORKS.items():
        forward, backward = forward_forward(widths), backpropagation(widths)
        more = forward["products"] - backward["products"]
        fewer = backward["conversions"] - forward["conversions"]
        print(f"{name}: equal where a conversion costs as much as {more / fewer:,.0f} products")


if __name__ == "__main__":
    main()
