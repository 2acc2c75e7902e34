"""Runs every benchmark that needs no GPU, and writes docs/benchmarks.md.

    python -m benchmarks.report [--outputs FOLDER] [--doc docs/benchmarks.md]

What a benchmark printed is kept in FOLDER, and one whose output is there already is not run again:
delete the file to repeat it. All of them take about an hour on an idle machine of two cores.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NETS = {"3 x 1000": "1000 1000 1000", "4 x 2000": "2000 2000 2000 2000"}
SECTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "Forward-Forward": (
        "Batches of 100 MNIST images, hard labels, the author's constants. Every 100 steps two "
        "rivals take 5 steps on the same images: backpropagation (`torch.nn`, SGD with momentum) "
        "and Forward-Forward with one autograd graph per layer. The medians are of ratios within "
        "rounds of 100 steps. Cases without a gradient are left out of the weight product; "
        "`skip_below` also leaves out those whose 1 - p(right) is not above it.",
        {
            f"{name}, skip_below {bound}": (
                f"-m benchmarks.forward_forward --layers {layers} --skip-below {bound}"
            )
            for name, layers in NETS.items()
            for bound in ("0", "1e-7")
        },
    ),
    "Growth": (
        "How a step of Forward-Forward grows with the width of three layers, with the number of "
        "layers of 1000, with the cases in a batch and with the training images; peak memory is "
        "what a process needs beyond its imports and data.",
        {"Width, depth, batch, data, and a data loader": "-m benchmarks.growth"},
    ),
    "Layers in several processes": (
        "Forward-Forward with its layers in two processes of one thread, against one process.",
        {
            "4 x 2000": "-m torch.distributed.run --standalone --nproc-per-node 2 "
            "-m benchmarks.layers --rounds 3",
            "5 x 2000": "-m torch.distributed.run --standalone --nproc-per-node 2 "
            "-m benchmarks.layers --rounds 3 --layers 2000 2000 2000 2000 2000",
        },
    ),
    "What is waited for beside the steps": (
        "Start-up against `import torch` alone; a study of short runs; probes during training.",
        {"Start-up, studies, probes": "-m benchmarks.overheads"},
    ),
    "Receptive fields": (
        "One layer of 32 x 32 places with 3 units each, fields of 11 x 11 x 3, against one masked "
        "matrix.",
        {"Local fields": "benchmarks/local_fields.py --threads 1"},
    ),
    "Restricted Boltzmann machines": (
        "784-500, 100 cases and as many persistent chains, against scikit-learn's `BernoulliRBM`; "
        "then other numbers of sweeps, chains and units.",
        {"Against scikit-learn": "benchmarks/boltzmann.py --threads 1 --rounds 7 --grow"},
    ),
    "Spiking networks": (
        "Presentations that learn, compiled beforehand, against Brian2's run-time modes.",
        {"Against Brian2's run-time modes": "benchmarks/spiking.py --rounds 3 --runtime"},
    ),
}


def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((its.partition(": ")[2] for its in lines if its.startswith("model name")), "")


def output(command: str, path: Path) -> str:
    """Return what a benchmark prints, from the file or by running it."""
    if not path.exists():
        print(f"python {command}", file=sys.stderr, flush=True)
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, *command.split()],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        path.write_text(done.stdout)
    lines = path.read_text().strip().splitlines()
    return "\n".join(f"    {its}" for its in lines if not its.startswith("sweep "))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", type=Path, default=ROOT / "build" / "benchmarks")
    parser.add_argument("--doc", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--only", default="", help="Sections whose names begin with this.")
    options = parser.parse_args()
    options.outputs.mkdir(parents=True, exist_ok=True)
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("torch", "numpy", "scikit-learn", "brian2")
    )
    parts = [
        "# Benchmarks",
        f"Written by `make bench` on {processor()}, {os.cpu_count()} cores, one thread; Python "
        f"{platform.python_version()}, {versions}. Times depend on the machine and on what else "
        "runs on it; ratios are taken between runs that alternate. Benchmarks on GPUs are in "
        "[gpu.md](gpu.md).",
    ]
    for title, (about, commands) in SECTIONS.items():
        if not title.startswith(options.only):
            continue
        parts += [f"## {title}", about]
        for name, command in commands.items():
            path = options.outputs / f"{name.replace(' ', '_').replace(',', '')}.txt"
            parts += [f"**{name}**", f"    python {command}", output(command, path)]
    notes = Path(__file__).with_name("notes.md")
    if notes.exists() and not options.only:
        parts.append(notes.read_text().strip())
    options.doc.write_text("\n\n".join(parts) + "\n")
    print(options.doc)


if __name__ == "__main__":
    main()
