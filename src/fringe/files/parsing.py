"""Parse JSON from other programs."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["parse_json"]


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        If the text is not JSON, or is nested so deeply that Python cannot read it.

    Examples
    --------
    >>> parse_json('{"labels": null}')
    {'labels': None}
    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
        ...
    ValueError: is nested too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
