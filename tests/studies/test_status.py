"""How far a study is: counts, reasons, and the time that is left."""

from __future__ import annotations

import re

import wakesleep as ws

STUDY = """\
study: far
models: [{name: ff, use: ff_digits, set: {layers: [8], top_down: false}}]
protocols: [phase_separation]
set: {phase_steps: 2, nights: 2}
vary: [{model.rate: [0.01, RATE]}]
seeds: 2
outcomes: {error: {quantity: validation_error}}
"""


def written(tmp_path, rate="0.02"):
    file = tmp_path / "far.yaml"
    file.write_text(STUDY.replace("RATE", rate))
    return file


def test_a_study_that_goes_on(tmp_path, wakesleep):
    folder = tmp_path / "far"
    file = written(tmp_path)
    code, _, told = wakesleep("study", file, "-o", folder, "--status")
    assert (code, told) == (
        2,
        f"wakesleep: {folder}: holds no study; start it by 'wakesleep study'\n",
    )
    ws.study(file, folder, workers=1, seeds=1)
    code, out, _ = wakesleep("study", file, "-o", folder, "--status")
    assert code == 0
    assert out.splitlines()[0] == "4 runs: 2 finished, 2 not begun"
    assert re.fullmatch(r"about \d+ s of computing are left, on one process", out.splitlines()[1])
    ws.study(file, folder, workers=1)
    assert wakesleep("study", file, "-o", folder, "--status")[1] == "4 runs: 4 finished\n"


def test_runs_that_failed_say_why(tmp_path, wakesleep):
    file, folder = written(tmp_path, "1.0e30"), tmp_path / "far"
    assert wakesleep("study", file, "-o", folder, "--workers", 1, "--quiet")[0] == 1
    out = wakesleep("study", file, "-o", folder, "--status")[1].splitlines()
    assert out[0] == "4 runs: 2 finished, 2 failed"
    assert len([line for line in out if "weights are no longer finite" in line]) == 2
