"""Compile a spiking network: ``python -m wakesleep.learners.spiking.compile`` with a task on stdin.

Brian2 keeps one device for a whole process and changes directory while it compiles; hence a process
of its own.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Read a task, compile, and write what runs are given and leave (``manifest.json``)."""
    from wakesleep.learners.spiking import brian
    from wakesleep.learners.spiking.parameters import Parameters
    from wakesleep.runtime.brian import brian2

    b2 = brian2()
    task = json.load(sys.stdin)
    folder = Path(task["folder"])
    # Brian2 starts the compiler for all files at once; as many as there are processors are quicker.
    b2.prefs.devices.cpp_standalone.extra_make_args_unix = [f"-j{os.cpu_count() or 1}"]
    b2.set_device("cpp_standalone", build_on_run=False)
    p = Parameters.model_validate_json(task["parameters"])
    pixels, classes, block = task["inputs"]
    network = brian.build(p, pixels, classes, block, "numpy")
    network.network.run(network.seconds * b2.second)
    b2.device.build(directory=str(folder), run=False, with_output=False)
    manifest: dict[str, Any] = {
        "arrays": {name: {"set": f"{its.name}.values"} for name, its in network.arrays.items()},
        "states": {
            name: {
                "set": f"{view.group_name}.{view.name}",
                "file": Path(b2.device.get_array_filename(view.variable)).name,
            }
            for name, view in network.states.items()
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


if __name__ == "__main__":
    main()
