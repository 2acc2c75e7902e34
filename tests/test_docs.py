"""The documentation site: it builds without a warning, and needs no network."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

mkdocs = pytest.importorskip("mkdocs")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_it_has_every_tutorial_command_and_key(site):
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert (site / "notebooks" / f"{notebook.stem}.html").exists()
    for page in (ROOT / "docs" / "howto").glob("*.md"):
        assert (site / "howto" / f"{page.stem}.html").exists()
    commands = (site / "reference" / "command_line.html").read_text()
    assert "wakesleep hypnogram" in commands
    assert "--import" in commands
    keys = (site / "reference" / "protocol_keys.html").read_text()
    assert "<code>shares</code>" in keys
    api = (site / "reference" / "python.html").read_text()
    assert "against_published" in api


def test_it_needs_no_network_and_can_be_searched(site):
    for page in (site / "index.html", site / "concepts.html", site / "reference" / "python.html"):
        loaded = re.findall(r'<(?:script|link rel="stylesheet")[^>]*(?:src|href)="([^"]+)"',
                            page.read_text())  # fmt: skip
        assert loaded
        assert not [its for its in loaded if its.startswith(("http", "//"))]
    index = json.loads((site / "search" / "search_index.json").read_text())
    assert any("criterion" in its["text"] for its in index["docs"])
