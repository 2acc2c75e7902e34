"""What a study says of its time before it starts, and while it goes on without a terminal."""

from __future__ import annotations

import itertools
import re

from wakesleep.checks.study_time import estimated_seconds
from wakesleep.runtime import progress
from wakesleep.studies.grid import load

STUDY = """\
study: short
models: [{name: ff, use: ff_digits, set: {layers: [8], top_down: false}}]
protocols: [phase_separation]
set: {phase_steps: 2}
vary: [{nights: [2, 200]}]
seeds: 2
outcomes: {error: {quantity: validation_error}}
"""


def test_dry_lists_the_runs_and_says_about_how_long_they_take(tmp_path, wakesleep):
    file = tmp_path / "short.yaml"
    file.write_text(STUDY)
    code, out, told = wakesleep("study", file, "--dry", "--workers", 1)
    assert code == 0
    assert len(out.splitlines()) == 4
    expected = r"4 runs: about \d+ s on this machine \(estimated from 2 short trials\)\n"
    assert re.fullmatch(expected, told)
    assert not (tmp_path / "short").exists()


def test_a_study_of_longer_runs_takes_longer(tmp_path):
    def estimate(nights: int) -> float:
        file = tmp_path / f"short_{nights}.yaml"
        file.write_text(STUDY.replace("[2, 200]", f"[{nights}]"))
        return estimated_seconds(load(file), workers=1)[0]

    assert estimate(5000) > 10 * estimate(50)


def test_lines_come_after_a_while_and_ever_more_rarely(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    lines = progress.Lines()
    told = []
    for second in range(0, 7200, 5):
        now[0] = float(second)
        lines.tell(second / 7200, f"{second} of 7200")
        if capsys.readouterr().err:
            told.append(second)
    assert told[0] == 30
    gaps = [after - before for before, after in itertools.pairwise(told)]
    assert gaps == sorted(gaps)
    assert max(gaps) <= 605
    now[0] = 9000.0
    lines.tell(0.5, "3 of 6 runs")
    assert capsys.readouterr().err == "wakesleep: 3 of 6 runs; about 2.5 h left\n"
