"""The how-to pages do what they say: their files are written, their commands and code run."""

from __future__ import annotations

import re
import runpy
import shlex
import sys

import pytest

from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs" / "howto").glob("*.md"))


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the language and the content of every fenced block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page, tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    ran = 0
    for language, content in blocks(page.read_text()):
        named = re.match(r"# ([\w.]+)\n", content)
        if named and language in ("python", "yaml"):
            (tmp_path / named.group(1)).write_text(content)
        elif language == "python":
            exec(content, {})
            ran += 1
        elif language == "console":
            for line in content.splitlines():
                command, *words = shlex.split(line)
                if command == "python":
                    monkeypatch.setattr(sys, "argv", words)
                    runpy.run_path(words[0], run_name="__main__")
                else:
                    assert command == "wakesleep"
                    code, _, err = wakesleep(*words)
                    assert code == 0, f"{line}: {err}"
                ran += 1
    assert ran or page.stem == "package"
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
