"""The example package is built, installed and used by name."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the example package in it, as pip installs it."""
    folder = tmp_path_factory.mktemp("package")
    built = folder / "wheels"
    example = ROOT / "examples" / "wakesleep-rings"
    for command in (
        ["build", "--wheel", "--no-isolation", "-o", built, example],
        ["pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", folder / "site"],
    ):
        wheels = list(built.glob("*.whl")) if command[0] == "pip" else []
        done = subprocess.run(
            [sys.executable, "-m", *map(str, [*command, *wheels])],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def wakesleep(site, folder, *words: str) -> tuple[int, str, str]:
    path = os.pathsep.join([str(site), str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "wakesleep", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_its_names_are_listed(site, tmp_path):
    code, out, _ = wakesleep(site, tmp_path, "list")
    assert code == 0
    assert "data: rings  (from wakesleep-rings)" in out
    assert "negatives: swapped_halves  (from wakesleep-rings)" in out
    code, out, _ = wakesleep(site, tmp_path, "list", "negatives")
    assert code == 0
    (line,) = (its for its in out.splitlines() if its.startswith("swapped_halves"))
    assert re.fullmatch(r"swapped_halves  \w.+  ?\(from wakesleep-rings\)", line)


def test_its_names_can_be_used(site, tmp_path):
    code, out, err = wakesleep(site, tmp_path, "data", "rings")
    assert code == 0, err
    assert "10 x 10" in out
    (tmp_path / "net.yaml").write_text(
        "model: net\nkind: forward_forward\ndata: rings\nparameters: {layers: [32, 32]}\n"
    )
    settings = ["-p", "negatives=swapped_halves", "-p", "sweeps=8", "-p", "batch=20"]
    code, out, err = wakesleep(
        site, tmp_path, "run", "interleaved", "net.yaml", *settings, "-o", "out.zarr"
    )
    assert code == 0, err
    import wakesleep as ws

    result = ws.open(tmp_path / "out.zarr")
    assert float(result["error"].isel(probe=-1).min()) < 0.2
    assert "wakesleep_rings" in result.attrs["code"]


def test_without_it_the_names_are_unknown(tmp_path):
    code, _, err = wakesleep("", tmp_path, "run", "interleaved", "ff_digits", "--data", "rings")
    assert code == 2
    assert "data set 'rings' is unknown" in err
