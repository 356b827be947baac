"""Values out of JSON objects, with ``None`` for whatever is not there or is something else.

A result of an earlier version lacks keys, one of a later version has more of them: neither is an error.
"""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]


def record(of: Record, key: str) -> Record:
    """The object at ``key``; empty where there is none."""
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def records(of: Record, key: str) -> list[Record]:
    """The objects in the list at ``key``; empty where there is none."""
    value = of.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def number(of: Record, key: str) -> float | None:
    """The number at ``key``, in the unit that the key names."""
    value = of.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole(of: Record, key: str) -> int:
    """The count at ``key``; 0 where there is none."""
    value = of.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def text(of: Record, key: str) -> str | None:
    """The text at ``key``."""
    value = of.get(key)
    return value if isinstance(value, str) else None


def texts(of: Record, key: str) -> list[str]:
    """The texts in the list at ``key``; empty where there is none."""
    value = of.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
