"""Where the official suites and examples lie, and the definitions everything compiles against."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fhirpath_suite import SHARED

from fhir_server.spec.packages import load_definitions


@pytest.fixture(scope="session")
def definitions():
    return load_definitions()


@pytest.fixture(scope="session")
def r4_examples():
    folder = SHARED / "samples" / "r4-examples"
    if not folder.is_dir():
        pytest.skip("the R4 examples are not here (../shared/samples/r4-examples)")
    return [json.loads(path.read_bytes(), parse_float=Decimal) for path in sorted(folder.glob("*.json"))]
