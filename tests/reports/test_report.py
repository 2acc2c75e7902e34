"""Reports: one page that holds what the result says, read by a parser and by a browser."""

from __future__ import annotations

import base64
import html.parser
import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import zarr

import wakesleep as ws

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TINY = {"nights": 3, "phase_steps": 20}
STUDY = """\
study: two
description: Two lengths of phases <b>& more</b>.
references: [Somebody 2000]
models: [{name: ff, use: ff_digits, set: {layers: [8], top_down: false}}]
protocols: [phase_separation]
set: {nights: 2}
vary: [{phase_steps: [2, 4]}]
seeds: 2
outcomes: {error: {quantity: validation_error, scale: 100, label: error (%)}}
figures: [{figure: lines, name: by_length, outcome: error, x: phase_steps, hue: readout}]
"""


def options_of(tmp_path):
    """Return how Chromium is to be started, with a folder of its own."""
    return ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-quic",
            "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'user'}"]  # fmt: skip


def serious_faults(page, options):
    """Return what axe-core finds serious."""
    told = "r.violations.map(v => [v.id, v.impact, v.nodes[0].html])"
    script = (
        f"<script>{Path(os.environ['AXE_CORE']).read_text()}</script><script>axe.run().then(r => {{"
        "const p = document.createElement('pre'); p.id = 'axe'; "
        f"p.textContent = JSON.stringify({told}); document.body.append(p)}})</script></body>"
    )
    tried = page.with_name("axe.html")
    tried.write_text(page.read_text().replace("</body>", script))
    shown = subprocess.run(
        [CHROMIUM, *options, "--virtual-time-budget=15000", "--dump-dom", f"file://{tried}"],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    found = json.loads(html.unescape(re.search(r'<pre id="axe">(.*?)</pre>', shown, re.S)[1]))
    return [its for its in found if its[1] in ("serious", "critical")]


class Reader(html.parser.HTMLParser):
    """Gathers the text, the cells and the figures of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.cells, self.text, self.figures, self.links = [], [], "", [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "img":
            self.figures.append(given)
        self.links += [given[name] for name in ("src", "href") if name in given]
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run.zarr"
    ws.run("phase_separation", "ff_digits", inputs=TINY, out=path, parameters={"layers": [24]})
    return path


@pytest.fixture(scope="module")
def page(out):
    return ws.report(out, out.with_name("run.html"))


def test_a_run_has_what_its_result_says(out, page):
    read, result = Reader(page.read_text()), ws.open(out)
    for readout in ("goodness", "softmax"):
        error = 100 * float(result["validation_error"].sel(readout=readout))
        assert f"{error:.1f} % ({readout}" in read.text
    assert "Hinton 2022" in read.text
    assert result.attrs["git_commit"] in read.text
    assert result.attrs["protocol_text"] in read.text
    last = 100 * float(result["error"].isel(probe=-1).sel(readout="softmax"))
    assert f"{last:.1f}" in read.cells
    assert all(its.startswith("data:") for its in read.links)  # no network, no other file
    drawn = [base64.b64decode(its["src"].partition(",")[2]) for its in read.figures]
    assert all(b"<svg" in its for its in drawn)
    assert all(its["alt"] for its in read.figures)


def test_means_leave_out_the_cycles_in_which_a_network_still_learns(tmp_path):
    out = tmp_path / "run.zarr"
    inputs = TINY | {"nights": 13}
    ws.run("phase_separation", "ff_digits", inputs=inputs, out=out, parameters={"layers": [24]})
    read = Reader(ws.report(out, tmp_path / "run.html").read_text())
    ends = ws.statistics.phase_ends(ws.open(out))
    asleep = ends.isel(probe=(ends["phase"] == "sleep").values)
    error = 100 * asleep["error"].sel(readout="softmax")
    found = ws.statistics.interval(error.isel(probe=slice(-10, None)), "probe")
    mean, half = float(found["mean"]), float(found["high"] - found["mean"])
    assert f"{mean:.1f} ± {half:.1f}" in read.cells
    assert f"{float(error.mean()):.1f}" != f"{mean:.1f}"
    assert ("sleep", "10") in itertools.pairwise(read.cells)


def test_what_was_set_stands_apart_from_defaults(page):
    text = Reader(page.read_text()).text
    parts = re.split("parameters set by the run|parameters as in the model file|"
                     "parameters at their defaults|inputs set by the run|"
                     "inputs as in the protocol file", text)  # fmt: skip
    _, own, in_file, usual, inputs, _ = parts
    assert own.split() == ["layers", "[24]"]
    assert "label extra_units" in in_file
    assert "activation relu" in usual
    assert inputs.split("\n")[0].split(", ")[0].strip().startswith(tuple(TINY))


def test_a_file_s_value_set_back_to_the_default_was_set_by_the_run(tmp_path, wakesleep):
    out = tmp_path / "run.zarr"
    # The file says true, and the kind's default is false.
    ws.run("phase_separation", "ff_digits", inputs=TINY, out=out,
           parameters={"layers": [24], "top_down": False})  # fmt: skip
    assert wakesleep("report", str(out), "-o", str(tmp_path / "page.html"))[0] == 0
    text = Reader((tmp_path / "page.html").read_text()).text
    own = text.partition("parameters set by the run")[2].partition("parameters as in")[0]
    assert "top_down False" in own


def test_the_command_repeats_the_run(out, page, wakesleep, monkeypatch):
    command = re.search(r"wakesleep run .*again\.zarr", Reader(page.read_text()).text).group()
    monkeypatch.chdir(out.parent)
    code, _, err = wakesleep(*command.split()[1:], "--quiet")
    assert code == 0, err
    again = ws.open(out.parent / "again.zarr")
    assert (again["validation_error"] == ws.open(out)["validation_error"]).all()


def test_a_study_has_its_outcomes_and_figures(tmp_path, wakesleep, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.yaml").write_text(STUDY)
    tree = ws.study("two.yaml", tmp_path / "two", workers=1, quiet=True).tree
    read = Reader(ws.report(tmp_path / "two", tmp_path / "two.html").read_text())
    assert "Two lengths of phases <b>& more</b>." in read.text  # shown, not read as HTML
    error = 100 * tree["outcomes"]["error"].isel(phase_steps=0, readout=0).mean("seed").item()
    assert any(cell.startswith(f"{error:.4g} ±") for cell in read.cells)
    assert len(read.figures) == 1
    assert "4 runs, 2 seeds; 0 failed" in read.text


def test_the_same_result_gives_the_same_page(out, page):
    again = ws.report(out, out.with_name("same.html"))
    assert again.read_text() == page.read_text()


def test_what_cannot_be_reported_is_told(out, page, tmp_path, wakesleep):
    with pytest.raises(ws.InputError, match="exists already"):
        ws.report(out, page)
    with pytest.raises(ws.InputError, match=r"is an \.html file"):
        ws.report(out, tmp_path / "run.pdf")
    code, _, err = wakesleep("report", str(tmp_path / "none.zarr"), "-o", str(tmp_path / "a.html"))
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "a.html").exists()


def test_a_run_that_has_recorded_nothing_says_so(out, tmp_path, wakesleep):
    begun = tmp_path / "begun.zarr"
    shutil.copytree(out, begun)
    steps = zarr.open_group(begun)["step"]
    steps[:] = -1  # as it is before the first probe
    code, _, told = wakesleep("report", begun, "-o", tmp_path / "page.html")
    assert code == 0, told
    assert "nothing recorded yet" in Reader((tmp_path / "page.html").read_text()).text


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_shows_it_on_a_phone_and_on_paper(page, tmp_path):
    """In a frame of 390 pixels nothing is wider than the frame, and every figure is drawn."""
    frame = tmp_path / "frame.html"
    frame.write_text(
        f"""<!DOCTYPE html><body><iframe id=f width=390 height=800 src="file://{page}"></iframe>
<script>
const faults = [];
addEventListener("error", event => faults.push(event.message));
document.getElementById("f").onload = event => {{
  const inside = event.target.contentDocument;
  inside.defaultView.addEventListener("error", e => faults.push(e.message));
  const images = [...inside.images];
  document.body.dataset.width = inside.documentElement.scrollWidth;
  document.body.dataset.drawn = images.filter(its => its.naturalWidth > 100).length;
  document.body.dataset.images = images.length;
  document.body.dataset.faults = faults.length;
}};
</script>"""
    )
    options = options_of(tmp_path)
    shown = subprocess.run(
        [CHROMIUM, *options, "--virtual-time-budget=4000", "--dump-dom", f"file://{frame}"],
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    told = dict(re.findall(r'data-(\w+)="(\d+)"', shown))
    assert int(told["width"]) <= 390
    assert told["drawn"] == told["images"] == "3"
    assert told["faults"] == "0"
    paper = tmp_path / "page.pdf"
    subprocess.run(
        [CHROMIUM, *options, f"--print-to-pdf={paper}", f"file://{page}"],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    assert re.search(rb"/MediaBox \[0 0 59\d\.?\d* 84\d", paper.read_bytes())  # A4 in points


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.skipif("AXE_CORE" not in os.environ, reason="AXE_CORE does not name axe.min.js")
def test_axe_finds_nothing_serious(page, tmp_path):
    assert serious_faults(page, options_of(tmp_path)) == []
