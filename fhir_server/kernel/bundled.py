"""Finds the content that ships with the code: `profiles`, `terminology`, `migrations`.

In a wheel they lie under `fhir_server/_bundled/`; in a checkout, at its root.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled(*parts: str) -> Path:
    """Return the path of a shipped file or folder, e.g. `bundled("profiles", "r4")`.

    Raises FileNotFoundError where neither the wheel nor the checkout has it.
    """
    for root in (_PACKAGE / "_bundled", _PACKAGE.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"{'/'.join(parts)} is neither in the wheel nor in the checkout")
