"""Mutated files, odd command lines, damaged results: each is accepted, or refused in one line.

    python -m tests.fuzz [--files 20000] [--commands 500] [--damaged 200] [--runs 150] [--seed N]

Whatever else happens is a finding: another exception, a message of several lines, of more than 500
characters, or with characters that a terminal would obey; a flipped bit that nobody notices.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ODD = [
    *("", "~", "null", "true", "-1", "0", "1e300", "-1e-300", ".nan", ".inf", "1" * 40, "0x1F"),
    *(
        "[]",
        "{}",
        "[[]]",
        "{a: {b: c}}",
        "'",
        '"',
        '"\\ud800"',
        '"\\e[31m"',
        "&a *a",
        "!!python/x y",
    ),
    *("$nothing", "$", "$$", "a" * 9000, "é" * 300, "../..", "./x.py:f", "os:system", "2026-02-31"),
]
ORDINARY = 500  # characters of a message


class Enough(BaseException):
    """A run has gone on for long enough."""


def shipped() -> list[Path]:
    from wakesleep.files import library

    return [path for shelf in library.SHELVES for path in library.shipped(shelf).values()]


def mutated(text: str, other: str, chance: random.Random) -> str:
    """Return a text with one to three things wrong."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        lines = text.split("\n")
        at = chance.randrange(len(lines))
        match chance.randrange(8):
            case 0:
                del lines[at]
            case 1:
                lines.insert(chance.randrange(len(lines)), lines[at])
            case 2:
                lines[at] = " " * chance.randrange(6) + lines[at].lstrip()
            case 3 | 4:
                key, colon, _ = lines[at].partition(":")
                lines[at] = f"{key}{colon} {chance.choice(ODD)}"
            case 5:
                theirs = other.split("\n")
                lines[at:at] = theirs[: chance.randrange(len(theirs) + 1)]
            case 6:
                word = chance.choice(lines[at].split() or [""])
                lines[at] = lines[at].replace(word, word[:-1] + chance.choice("x:-,#{}[]"), 1)
            case 7:
                data = bytearray("\n".join(lines).encode("utf-8", "surrogateescape"))
                if data:
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                return data.decode("utf-8", "surrogateescape")
        text = "\n".join(lines)
    return text


def wrong(message: str) -> str | None:
    """Return what is wrong with a message; None if nothing is."""
    if len(message) > ORDINARY:
        return f"a message of {len(message)} characters"
    if not message.isprintable():
        return "a message with unprintable characters"
    return None if message else "an empty message"


def outcome(work: object, *given: object, **more: object) -> tuple[str, str]:
    """Return ``accepted``, ``refused`` or ``finding``, and what was said."""
    from wakesleep.errors import InputError, RunError

    assert callable(work)
    begun = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work(*given, **more)
    except (InputError, RunError) as error:
        fault = wrong(str(error))
        return ("finding", f"{fault}: {error}") if fault else ("refused", str(error))
    except Enough:
        return "accepted", ""
    except Exception:
        return "finding", traceback.format_exc(limit=-3)
    spent = time.perf_counter() - begun
    return ("finding", f"took {spent:.0f} s") if spent > 20 else ("accepted", "")


def check_files(task: tuple[int, int, str]) -> tuple[Counter[str], list[str], list[str]]:
    """Check so many mutated files; return counts, findings and files that were accepted."""
    seed, count, folder = task
    from wakesleep.checks.check import check

    chance = random.Random(seed)
    texts = [path.read_text() for path in shipped()]
    counts: Counter[str] = Counter()
    findings, accepted = [], []
    for number in range(count):
        path = Path(folder) / f"{seed}_{number}.yaml"
        text = mutated(chance.choice(texts), chance.choice(texts), chance)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        kind, said = outcome(check, path)
        counts[kind] += 1
        if kind == "finding":
            findings.append(f"{path}\n{said}")
            continue
        if kind == "accepted" and text.startswith(("protocol:", "model:")):
            accepted.append(text)
        path.unlink()
    return counts, findings, accepted


def run_some(texts: list[str], folder: Path) -> tuple[Counter[str], list[str]]:
    """Run accepted files for a few steps."""
    import wakesleep as ws

    counts: Counter[str] = Counter()
    findings = []
    path = folder / "accepted.yaml"

    def watch(done: int, steps: int) -> None:
        if done > 3 or time.perf_counter() - begun > 10:
            raise Enough

    for text in texts:
        path.write_text(text)
        pair = (path, "ff_digits") if text.startswith("protocol:") else ("interleaved", path)
        begun = time.perf_counter()
        kind, said = outcome(ws.run, *pair, progress=watch, device="cpu")
        counts[f"run {kind}"] += 1
        if kind == "finding":
            findings.append(f"{text}\n{said}")
    return counts, findings


def commands(chance: random.Random, folder: Path) -> Iterator[list[str]]:
    """Yield odd command lines without end."""
    starts = [
        ["check"], ["run", "interleaved", "ff_digits"], ["run"], ["plot"], ["study"], ["dream"],
        ["look", "hybrids", "digits"], ["look"], ["likelihood"], ["hypnogram"], ["data"], ["show"],
        ["copy"], ["list"], ["schema"], ["howto"], ["study", "spiking_sleep", "--dry"],
        ["plot", "total_sleep_deprivation"], ["check", "interleaved", "--model", "ff_digits"],
        ["check", "nights"], ["agreement"], ["info"],
    ]  # fmt: skip
    options = [
        *("-o", "-p", "--seed", "--model", "--data", "--device", "--dtype", "--seeds", "--each"),
        *("--blurs", "--first", "--last", "-n", "--settle", "--start", "--nothing", "--workers"),
    ]
    values = [
        *("", ".", "/", "..", "-1", "0", "1e300", "9" * 40, "x" * 5000, "a\x1b[31m", "nan", "é"),
        *("=", "a=", "=b", "rate=1", "model.rate=1e300", "model.layers=[1000000]", "data.scale=x"),
        *("sweeps=0", "batch=-1", "train=99999999", "negatives=./x.py:f", "/dev/zero", "/dev/null"),
        *("\udcff", "no/such/folder/x.zarr", "interleaved", "ff_digits", "digits", str(folder)),
    ]
    while True:
        line = list(chance.choice(starts))
        for _ in range(chance.randrange(4)):
            if chance.random() < 0.7:
                line.append(chance.choice(options))
            line.append(chance.choice(values))
        if line[0] in ("run", "study", "agreement") and not {"-p", "-o", "--data"} & set(line):
            line += ["-o", "/"]  # or it would run
        yield line


def odd_commands(count: int, chance: random.Random, folder: Path) -> tuple[Counter[str], list[str]]:
    """Give odd command lines; what would really run is stopped by a name that cannot be written."""
    from wakesleep.cli.main import main

    counts: Counter[str] = Counter()
    findings = []
    before = Path.cwd()
    os.chdir(folder)
    try:
        for line, _ in zip(commands(chance, folder), range(count), strict=False):
            if line[0] in ("run", "study", "agreement"):
                line = [*line, "-o", "/"]
            said = io.StringIO()
            sys.argv = ["wakesleep", *line]
            try:
                with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
                    main()
            except SystemExit as error:
                code = error.code or 0
                lines = said.getvalue().splitlines()
                last = lines[-1].removeprefix("wakesleep: ") if lines else ""
                ok = code == 0 or (code in (1, 2) and len(lines) == 1 and not wrong(last))
                counts[f"command exit {code}"] += 1
                if not ok:
                    findings.append(f"{line}\nexit {code}: {said.getvalue()[:600]}")
            except BaseException:
                findings.append(f"{line}\n{traceback.format_exc(limit=-3)}")
    finally:
        os.chdir(before)
    return counts, findings


def damaged(count: int, chance: random.Random, folder: Path) -> tuple[Counter[str], list[str]]:
    """Flip one bit of a chunk or of a checkpoint; all of these must be noticed."""
    import wakesleep as ws
    from wakesleep.plots import save_overview
    from wakesleep.simulation import checkpoint

    whole = folder / "whole.zarr"
    inputs = {"nights": 1, "lost_nights": 1, "recovery_nights": 1, "updates_per_hour": 0.5}
    more = {"layers": [8, 8], "top_down": True}
    ws.run("total_sleep_deprivation", "ff_digits", inputs=inputs, parameters=more, out=whole)
    chunks = [its for its in whole.rglob("*") if its.is_file() and its.name != "zarr.json"]
    counts: Counter[str] = Counter()
    findings = []
    out = folder / "damaged.zarr"
    for number in range(count):
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(whole, out)
        shutil.copy(checkpoint.path_for(whole), checkpoint.path_for(out))
        in_store = number % 2 == 0
        path = (
            out / chance.choice(chunks).relative_to(whole) if in_store else checkpoint.path_for(out)
        )
        data = bytearray(path.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        if in_store:
            kind, said = outcome(
                lambda: save_overview(ws.open(out), folder / f"{chance.random()}.png")
            )
        else:
            kind, said = outcome(ws.dreams, out, each=1)
        what = "chunk" if in_store else "checkpoint"
        counts[f"damaged {what} {kind}"] += 1
        if kind != "refused":
            findings.append(f"a bit of {path} was flipped: {kind} {said}")
    return counts, findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--commands", type=int, default=500)
    parser.add_argument("--damaged", type=int, default=200)
    parser.add_argument("--runs", type=int, default=150)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    chance = random.Random(given.seed)
    counts: Counter[str] = Counter()
    findings: list[str] = []
    accepted: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    each = max(1, min(250, given.files // given.workers))
    tasks = [(given.seed * 1000 + part, each, str(folder)) for part in range(given.files // each)]
    with multiprocessing.get_context("spawn").Pool(given.workers) as pool:
        for some, found, texts in pool.imap_unordered(check_files, tasks):
            counts += some
            findings += found
            accepted += texts
    chance.shuffle(accepted)
    for some, found in (
        run_some(accepted[: given.runs], folder),
        odd_commands(given.commands, chance, folder),
        damaged(given.damaged, chance, folder),
    ):
        counts += some
        findings += found
    for name, count in sorted(counts.items()):
        print(f"{name:<28} {count}")
    for its in findings:
        print(f"--- {its}")
    print(f"{len(findings)} findings, seed {given.seed}")
    if not findings:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
