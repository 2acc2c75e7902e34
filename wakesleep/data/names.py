"""Names of the data sets that come with the package.

:data:`DATA_SETS` gives ``module:function`` that loads each (``load`` where none is named).
"""

from __future__ import annotations

DATA_SETS: dict[str, str] = {
    "digits": "wakesleep.data.digits",
    **{f"digits_{split}": f"wakesleep.data.digits:digits_{split}" for split in range(1, 5)},
    "mnist": "wakesleep.data.mnist",
    "cifar10": "wakesleep.data.cifar10",
    "reber": "wakesleep.data.reber",
    "aesop": "wakesleep.data.aesop",
    "digits_binary": "wakesleep.data.binary:digits",
    "mnist_binary": "wakesleep.data.binary:mnist",
    "bars_and_stripes_2": "wakesleep.data.worlds:bars_and_stripes_2",
    "bars_and_stripes_3": "wakesleep.data.worlds:bars_and_stripes_3",
    "bars_and_stripes_4": "wakesleep.data.worlds:bars_and_stripes_4",
    "encoder_4": "wakesleep.data.worlds:encoder_4",
    "encoder_8": "wakesleep.data.worlds:encoder_8",
    "encoder_40": "wakesleep.data.worlds:encoder_40",
    "shifter": "wakesleep.data.worlds:shifter",
    "parity_3": "wakesleep.data.worlds:parity",
    "patterns_100": "wakesleep.data.patterns",
}

# What ``wakesleep list data`` says of each.
ABOUT: dict[str, str] = {
    "digits": "8x8 grey images of handwritten digits from scikit-learn: 1200 to train, 297, 300.",
    **{
        f"digits_{split}": f"The same images, shuffled and split in another way (number {split})."
        for split in range(1, 5)
    },
    "mnist": "28x28 grey images of handwritten digits: 50,000 to train, 10,000, 10,000.",
    "cifar10": "32x32 colour images of ten kinds of things: 45,000 to train, 5,000, 10,000.",
    "reber": "Strings of Reber's grammar; the next symbol has a known distribution.",
    "aesop": "Aesop's fables: strings of 100 characters over 30 symbols.",
    "digits_binary": "The 8x8 digits with pixels of 0 and 1, drawn with the grey level.",
    "mnist_binary": "MNIST with pixels of 0 and 1, drawn with the grey level.",
    **{
        f"bars_and_stripes_{side}": f"All images of {side}x{side} pixels made of whole rows or "
        "whole columns."
        for side in (2, 3, 4)
    },
    **{
        f"encoder_{side}": f"One of {side} units on, and the same one on the other side."
        for side in (4, 8, 40)
    },
    "shifter": "All patterns of 8 bits, beside themselves shifted by one.",
    "parity_3": "All patterns of 3 bits with an even number on; no pair of bits tells anything.",
    "patterns_100": "Random patterns of 100 bits, to be stored in a memory.",
}

SPLITS = ("train", "validation", "test")

# All others come with the package, or are generated.
DOWNLOADED = ("mnist", "mnist_binary", "cifar10", "aesop")
