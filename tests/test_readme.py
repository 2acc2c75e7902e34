"""What the README and the page of the library show works as it stands there."""

from __future__ import annotations

import re

import wakesleep as ws
from tests.conftest import ROOT
from wakesleep.files import documents
from wakesleep.protocols import protocol_file, timetable


def blocks(language: str, page: str = "README.md") -> list[str]:
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_every_command_exists(wakesleep):
    words = {
        line.split()[1]
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith("wakesleep ")
    }
    assert len(words) >= 8
    for word in words:
        assert wakesleep(word, "--help")[0] == 0


def test_the_protocol_runs(tmp_path):
    _, text, _ = blocks("yaml", "docs/library.md")
    path = tmp_path / "nap.yaml"
    path.write_text(text)
    ws.check(path, model="ff_digits")
    loaded = protocol_file.from_document(documents.parse(text, "library"), {"days": 1})
    entries = timetable.timetable(loaded.spec, 1200)
    assert [entry.phase for entry in entries] == ["wake", "sleep", "wake", "sleep"]
    result = ws.run(path, "ff_digits", inputs={"days": 1})
    assert result["time_h"].values[0] == 7


def test_the_study_runs(tmp_path):
    _, _, text = blocks("yaml", "docs/library.md")
    path = tmp_path / "rates.yaml"
    path.write_text(text.replace("nights: [300, 30]", "nights: [3, 2]"))
    ws.check(path)
    studied = ws.study(path, tmp_path / "out", seeds=1)
    assert not studied.failed
    assert studied.tree["outcomes"]["error"].notnull().all()


def test_the_python_runs(tmp_path, monkeypatch):
    (code,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    for long, short in (
        ('inputs={"lost_nights": 2}', 'inputs={"nights": 1, "lost_nights": 2}'),
        ('parameters={"rate": 0.004}', 'parameters={"rate": 0.004, "layers": [8, 8]}'),
    ):
        assert long in code
        code = code.replace(long, short)
    exec(code, {})
    assert (tmp_path / "run.png").stat().st_size > 10_000


def test_every_link_leads_somewhere():
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            there = (page.parent / link).exists() or (
                ROOT / link
            ).exists()  # the site has notebooks
            assert there, f"{page.name}: {link}"


def test_the_model_file_learns(tmp_path):
    text, _, _ = blocks("yaml", "docs/library.md")
    path = tmp_path / "eyes.yaml"
    path.write_text(text)
    told = {"sweeps": 12, "batch": 50, "negatives": "hybrid"}
    result = ws.run("interleaved", path, inputs=told)
    assert float(result.error.isel(probe=-1).sel(readout="softmax")) < 0.3


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
