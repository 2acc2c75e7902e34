"""What is installed and in use: info."""

from __future__ import annotations

import typer

from wakesleep.files import library


def info() -> None:
    """Print versions, the device that 'auto' selects, the compiler and the folders."""
    from wakesleep import data
    from wakesleep.learners.spiking.builds import build_folder, compiler
    from wakesleep.results.provenance import versions
    from wakesleep.runtime.device import describe, resolve

    for name, version in versions().items():
        typer.echo(f"{name:<10} {version}")
    typer.echo(f"{'device':<10} {describe(resolve('auto'))}")
    typer.echo(f"{'compiler':<10} {compiler() or 'none: spiking networks run in torch'}")
    typer.echo(f"{'builds':<10} {build_folder()}")
    typer.echo(f"{'data':<10} {data.folder()}")
    typer.echo(f"{'library':<10} {library.root()}")
