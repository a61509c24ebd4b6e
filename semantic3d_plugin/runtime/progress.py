"""Progress in words: "12 of 120 tiles · 0.8 MP/s · 2 min left"."""

from __future__ import annotations

from typing import Any, Mapping


def progress_text(message: Mapping[str, Any]) -> str:
    """Return a ``progress`` message as one line; what is unknown is left out."""
    parts = [str(message["text"])] if message.get("text") else []
    parts.append(f"{_number(message.get('done'))} of {_number(message.get('total'))} {message.get('unit') or 'steps'}")
    rate = message.get("megapixels_per_s")
    if isinstance(rate, (int, float)) and rate > 0:
        parts.append(f"{rate:.2g} MP/s" if rate < 10 else f"{rate:.0f} MP/s")
    left = message.get("seconds_left")
    if isinstance(left, (int, float)) and message.get("done") != message.get("total"):
        parts.append(f"{time_text(left)} left")
    return " · ".join(parts)


def progress_percent(message: Mapping[str, Any]) -> float:
    """Return 0 to 100, whatever the numbers are."""
    done, total = message.get("done"), message.get("total")
    if not isinstance(done, (int, float)) or not isinstance(total, (int, float)) or total <= 0:
        return 0.0
    return min(100.0, max(0.0, 100.0 * done / total))


def time_text(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 2 min, 1 h 05 min."""
    if seconds < 59.5:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
