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

SPLITS = ("train", "validation", "test")

# All others come with the package, or are generated.
DOWNLOADED = ("mnist", "mnist_binary", "cifar10", "aesop")
