"""Fixtures that every room's tests share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of golden vectors and real images beside the checkout, or skip."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no {folder.name}/ folder beside the checkout: golden vectors are absent")
    return folder
