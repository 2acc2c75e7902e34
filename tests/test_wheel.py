"""The built wheel, installed into an environment of its own, runs a shipped protocol."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


def call(*command: object, folder: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "dependencies",
    ["those of this environment", pytest.param("installed", marks=pytest.mark.long)],
)
def test_wheel(dependencies, tmp_path):
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, folder=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"wakesleep"}
    shipped = {
        path.relative_to(ROOT).as_posix()
        for folder in ("models", "protocols", "analysis", "published")
        for path in (ROOT / folder).rglob("*.yaml")
    }
    assert {
        name.removeprefix("wakesleep/_library/") for name in names if name.endswith(".yaml")
    } == shipped

    empty = tmp_path / "empty" / "bin"
    call(sys.executable, "-m", "venv", "--without-pip", "empty", folder=tmp_path)
    install = [sys.executable, "-m", "pip", "--python", empty / "python", "install", "--quiet"]
    if dependencies == "installed":
        call(*install, "--no-compile", "-c", ROOT / "constraints.txt", wheel, folder=tmp_path)
    else:
        call(*install, "--no-deps", wheel, folder=tmp_path)
        (own,) = (tmp_path / "empty").glob("lib/python*/site-packages")
        (own / "others.pth").write_text(sysconfig.get_path("purelib"))
    place = call(empty / "python", "-c", "import wakesleep; print(wakesleep.__file__)",
                 folder=tmp_path)  # fmt: skip
    assert Path(place.strip()).is_relative_to(tmp_path)
    listed = call(empty / "wakesleep", "list", "protocols", folder=tmp_path)
    assert "total_sleep_deprivation" in listed
    call(
        empty / "wakesleep",
        "run",
        "total_sleep_deprivation",
        "ff_digits",
        "-p",
        "nights=1",
        "-p",
        "updates_per_hour=0.4166667",
        "-o",
        "run.zarr",
        folder=tmp_path,
    )
    call(empty / "wakesleep", "plot", "run.zarr", folder=tmp_path)
    assert (tmp_path / "run.png").stat().st_size > 10_000
    if dependencies != "installed":
        return
    # Every declared dependency imports, and they agree with one another.
    call(sys.executable, "-m", "pip", "--python", empty / "python", "check", folder=tmp_path)
    call(
        empty / "python",
        "-c",
        "import brian2, numpy, torch, xarray, zarr, seaborn, sklearn, "
        "pooch, pydantic, ruamel.yaml, typer, rich, matplotlib, jinja2, scipy",
        folder=tmp_path,
    )
