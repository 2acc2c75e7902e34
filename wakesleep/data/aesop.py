"""Aesop's fables, 248 strings of 100 characters over 30 symbols, as in Hinton 2022, section 5.

The text is V. S. Vernon Jones's translation of 1912 (public domain), Project Gutenberg's number
11339. It is read from ``aesop.txt`` in the data folder, and downloaded if it is not there. Another
text under that name is accepted with a warning, if it is long enough.
"""

from __future__ import annotations

import hashlib
import string
import warnings

import numpy as np

from wakesleep.data import DataSet, folder
from wakesleep.data.files import fetch
from wakesleep.data.sequences import WINDOW, windows
from wakesleep.errors import InputError

URL = "https://www.gutenberg.org/cache/epub/11339/pg11339.txt"
FIRST_FABLE, LAST_LINE = "THE FOX AND THE GRAPES\n", "*** END OF"
SYMBOLS = string.ascii_lowercase + " ,;."
STRINGS, LENGTH = 248, 100
# The sha256 of the numbers of its 24,800 symbols, one byte each.
DIGEST = "196abb91bb02b781da71dca4a3e0462f51e078e4b61069b2fdb98248552bf079"
TRAIN, VALIDATION = 198, 25  # and 25 test strings
# Replacements of characters that are not among the symbols; "" drops a character.
REPLACED = {
    "!": ".",
    "?": ".",
    ":": ";",
    "-": " ",
    "æ": "ae",
    "œ": "oe",
    "—": " ",
    "\n": " ",
    "\t": " ",
}
DROPPED = "\"'()_[]*\r\ufeff‘’“”"


def load() -> DataSet:
    """Return the windows of 198 training, 25 validation and 25 test strings (90 of each).

    Raises
    ------
    InputError
        If the text is not available, is too short, or has a character without a symbol.
    """
    path = folder() / "aesop.txt"
    if not path.is_file():
        path = fetch("aesop", URL, None, folder())
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path}: cannot be read as text") from None
    begin = text.rfind(FIRST_FABLE)  # the first place is in the table of contents
    end = text.find(LAST_LINE)
    begin = max(begin, 0)
    lines_before = text[:begin].count("\n")
    text = in_symbols(text[begin : end if end >= 0 else None], str(path), lines_before)
    if len(text) < STRINGS * LENGTH:
        raise InputError(
            f"{path}: {len(text):,} characters; at least {STRINGS * LENGTH:,} are needed"
        )
    numbers = np.array([SYMBOLS.index(its) for its in text[: STRINGS * LENGTH]])
    if hashlib.sha256(numbers.astype(np.uint8).tobytes()).hexdigest() != DIGEST:
        warnings.warn(
            f"{path}: is not the text of the documented results, or is damaged; "
            "errors on it cannot be compared with theirs",
            stacklevel=2,
        )
    order = np.random.Generator(np.random.PCG64(248)).permutation(STRINGS)
    parts = np.split(numbers.reshape(STRINGS, LENGTH)[order], [TRAIN, TRAIN + VALIDATION])
    train, validation, test = (windows(part, len(SYMBOLS)) for part in parts)
    return DataSet(
        name="aesop",
        train=train,
        validation=validation,
        test=test,
        shape=(WINDOW, len(SYMBOLS)),
        classes=len(SYMBOLS),
        symbols=SYMBOLS,
    )


def in_symbols(text: str, source: str, lines_before: int = 0) -> str:
    """Return a text in the 30 symbols: lower case, one space between words.

    Parameters
    ----------
    text
        Any text.
    source
        Where it comes from, for the error.
    lines_before
        Lines of the source before this text.

    Raises
    ------
    InputError
        If a character is not a symbol and has no replacement.
    """
    out = []
    for number, line in enumerate(text.splitlines(keepends=True), start=lines_before + 1):
        for column, its in enumerate(line.lower(), start=1):
            if its in DROPPED:
                continue
            put = REPLACED.get(its, its)
            if any(symbol not in SYMBOLS for symbol in put):
                raise InputError(
                    f"{source}: line {number}, column {column}: '{its}' is outside the alphabet of "
                    "a-z, space, comma, semicolon and full stop, and has no substitute"
                )
            out.append(put)
    return " ".join("".join(out).split())
