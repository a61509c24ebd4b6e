"""Progress in words: "12 of 120 tiles · 0.8 MP/s · 2 min left"."""

from __future__ import annotations

import math
from typing import Any, Mapping

from ..backend.s3d_protocol.messages import shown_text

_LONGEST_TEXT = 200


def progress_text(message: Mapping[str, Any]) -> str:
    """Return a ``progress`` message as one line; what is unknown, or no number, is left out."""
    done, total = _number(message.get("done")), _number(message.get("total"))
    parts = [_text(message["text"])] if message.get("text") else []
    parts.append(f"{_shown(done)} of {_shown(total)} {_text(message.get('unit') or 'steps')}")
    rate = _number(message.get("megapixels_per_s"))
    if rate is not None and rate > 0:
        parts.append(f"{rate:.2g} MP/s" if rate < 10 else f"{rate:.0f} MP/s")
    left = _number(message.get("seconds_left"))
    if left is not None and done != total:
        parts.append(f"{time_text(left)} left")
    return " · ".join(parts)


def progress_percent(message: Mapping[str, Any]) -> float:
    """Return 0 to 100, whatever the numbers are."""
    done, total = _number(message.get("done")), _number(message.get("total"))
    if done is None or total is None or total <= 0:
        return 0.0
    return 100.0 * min(1.0, max(0.0, done / total))


def time_text(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 2 min, 1 h 05 min."""
    if seconds < 59.5:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _number(value: Any) -> float | None:
    """A value that is a finite number, else None; messages come from another process."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) < 1e18 and math.isfinite(value) else None


def _shown(value: float | None) -> str:
    return "?" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _text(value: Any) -> str:
    return shown_text(value)[:_LONGEST_TEXT]
