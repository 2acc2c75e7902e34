"""The provenance that a result stores."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def versions() -> dict[str, str]:
    """Return the versions of the packages that a result depends on; missing ones are left out."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from wakesleep import __version__

    found = {"python": platform.python_version(), "wakesleep": __version__}
    for name in ("torch", "numpy", "xarray", "zarr", "brian2"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str:
    """Return the commit of the checkout the package lies in, or ``""`` for an installed package."""
    checkout = Path(__file__).resolve().parent.parent.parent
    if not (checkout / ".git").exists():  # otherwise the commit of an enclosing repository
        return ""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="],
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def sha256(text: str) -> str:
    """Return the sha256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def now() -> str:
    """Return the current time in UTC, to the second (ISO 8601)."""
    return datetime.now(UTC).isoformat(timespec="seconds")
