"""What workers answer to a block's task, read without relying on it: whoever reaches the scheduler can answer."""

from __future__ import annotations

from typing import Mapping

from s3d_protocol import JobControl
from s3d_protocol.messages import LOG_LEVELS, shown_text


def refusal(answer: object) -> tuple[str, str] | None:
    """Return (address, why) where a worker has refused a block, else None."""
    if not isinstance(answer, dict) or not isinstance(answer.get("unfit"), str):
        return None
    return answer["unfit"], shown_text(answer.get("why") or f"Worker {answer['unfit']} refuses.")


def messages(answer: object) -> list[tuple[str, str]]:
    """Return what of an answer can be shown: (text, level)."""
    said = answer.get("said") if isinstance(answer, dict) else None
    items = said if isinstance(said, (tuple, list)) else ()
    pairs = [item for item in items if isinstance(item, (tuple, list)) and len(item) == 2]
    return [(shown_text(text), level if level in LOG_LEVELS else "warning") for text, level in pairs]


def rounding(answer: object) -> dict[str, str]:
    """Return how a worker's model rounds, address -> `cluster_worker.rounding_of`; empty where it does not say."""
    said = [answer.get("worker"), answer.get("rounding")] if isinstance(answer, dict) else []
    return {shown_text(said[0]): said[1]} if said and all(isinstance(part, str) and part for part in said) else {}


class Roundings:
    """In how many ways a job's workers round the model's last digits; also those that come late."""

    def __init__(self, control: JobControl):
        self._control = control
        self._first: dict[str, str] = {}  # way -> the first worker that was seen to round so

    def compare(self, ways: Mapping[str, str]) -> None:
        """Warn where some of these workers (address -> way) are the first to round in another way than others."""
        known = len(self._first)
        for address, way in ways.items():
            self._first.setdefault(way, address)
        if len(self._first) > max(1, known):
            self._control.log(
                f"The workers' processors round the model's last digits in {len(self._first)} ways; workers that "
                f"differ are {' and '.join(list(self._first.values())[:3])}. The result is as good, but its bytes "
                "depend on who computes which block. For the same bytes each time use machines of one kind.",
                "warning",
            )
