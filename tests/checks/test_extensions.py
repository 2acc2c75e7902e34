"""Descriptions of names are read from code that is not imported."""

from __future__ import annotations

from wakesleep.checks.extensions import first_line


def test_a_package_that_cannot_be_imported_is_described(tmp_path, monkeypatch):
    folder = tmp_path / "broken_package"
    folder.mkdir()
    (folder / "__init__.py").write_text('raise RuntimeError("no import")\n')
    (folder / "sets.py").write_text(
        '"""Sets of the package."""\n\n\n'
        'def load():\n    """Return ``many`` images.\n\n    More.\n    """\n\n\n'
        "def bare():\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert first_line("broken_package.sets:load") == "Many images."
    assert first_line("broken_package.sets:bare") == "Sets of the package."
    assert first_line("broken_package.nothing:load") == ""
    (folder / "sets.py").write_text("def load(:\n")
    assert first_line("broken_package.sets:load") == ""
