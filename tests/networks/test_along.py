"""Networks that are kept along a run."""

from __future__ import annotations

import numpy as np
import pytest

import wakesleep as ws
from wakesleep.errors import InputError
from wakesleep.files import documents
from wakesleep.protocols import protocol_file

TEXT = """\
protocol: along
data: {batch: 10, train: 100}
phases:
  - repeat: 2
    block: nights
    phases:
      - {phase: wake, steps: 5}
      - {phase: sleep, steps: 5}
record: {cases: 20, networks: phase_ends, every: 2}
"""


@pytest.fixture
def protocol():
    return protocol_file.from_document(documents.parse(TEXT, "test"), {})


def small(protocol, out, **more):
    return ws.run(protocol, "ff_digits", parameters={"layers": [6]}, out=out, **more)


def test_networks_are_those_that_the_run_had(protocol, tmp_path):
    result = small(protocol, tmp_path / "a.zarr")
    its = result.isel(probe=result["phase_end"].values)
    assert list(its["step"].values) == [5, 10, 15, 20]
    for number, step in enumerate(its["step"].values):
        network = ws.trained(tmp_path / "a.zarr", step=int(step))
        norm = float(network.learner.weight_norms()[0])
        assert norm == pytest.approx(float(its["weight_norm"][number, 0]), rel=1e-5)
    last = ws.trained(tmp_path / "a.zarr")
    for name, value in ws.trained(tmp_path / "a.zarr", step=20).state_dict().items():
        assert np.array_equal(value.numpy(), last.state_dict()[name].numpy()), name


def test_a_step_without_a_network_names_those_that_have_one(protocol, tmp_path):
    small(protocol, tmp_path / "a.zarr")
    with pytest.raises(
        InputError, match="no network after 7 steps; networks were kept after 5, 10"
    ):
        ws.trained(tmp_path / "a.zarr", step=7)
    ws.run("phase_separation", "ff_digits", inputs={"nights": 1, "phase_steps": 1},
           out=tmp_path / "b.zarr")  # fmt: skip
    with pytest.raises(InputError, match="none was kept"):
        ws.trained(tmp_path / "b.zarr", step=7)


def test_networks_of_another_run_are_refused(protocol, tmp_path):
    small(protocol, tmp_path / "a.zarr")
    small(protocol, tmp_path / "b.zarr", seed=1)
    folders = [tmp_path / f"{name}.zarr.networks" for name in "ab"]
    (folders[1] / "5.pt").replace(folders[0] / "5.pt")
    with pytest.raises(InputError, match="is the checkpoint of another run"):
        ws.trained(tmp_path / "a.zarr", step=5)


def test_networks_need_a_store(protocol):
    with pytest.raises(InputError, match="needs 'out'"):
        small(protocol, None)


def test_export_of_a_network_on_the_way(protocol, tmp_path, wakesleep):
    small(protocol, tmp_path / "a.zarr")
    for name, more in (("end", ()), ("way", ("--step", "5"))):
        done = wakesleep("export", tmp_path / "a.zarr", "-o", tmp_path / f"{name}.npz", *more)
        assert done[0] == 0, done
    end, way = (np.load(tmp_path / f"{name}.npz") for name in ("end", "way"))
    assert set(end.files) == set(way.files)
    assert not np.array_equal(end["layers.0.weight"], way["layers.0.weight"])
    code, _, told = wakesleep("export", tmp_path / "a.zarr", "-o", tmp_path / "x.npz", "--step", 6)
    assert (code, told.count("\n")) == (2, 1)
