"""A progress bar for terminals; in a file or pipe, one line every tenth of the way."""
from __future__ import annotations

import shutil
from typing import TextIO

_BAR_CHARACTERS = 24


class ProgressBar:
    """Shows the progress messages of a job on a stream."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._width = 0
        self._last_tenth = -1

    def show(self, message: dict) -> None:
        """Show a message with done, total, unit, megapixels_per_s and seconds_left."""
        line = progress_line(message)
        if self._is_terminal:
            line = line[:shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
            self._stream.flush()
            return
        tenth = int(10 * _share(message))
        if tenth != self._last_tenth:
            self._last_tenth = tenth
            self._stream.write(line + "\n")
            self._stream.flush()

    def clear(self) -> None:
        """Wipe the bar before other text."""
        if self._is_terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0

    def finish(self) -> None:
        """Leave the bar standing and go to the next line."""
        if self._is_terminal and self._width:
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0


def progress_line(message: dict) -> str:
    """[######------------------]  25 %  30/120 tiles  0.8 MP/s  1:30 left."""
    share = _share(message)
    full = round(share * _BAR_CHARACTERS)
    parts = [f"[{'#' * full}{'-' * (_BAR_CHARACTERS - full)}] {share * 100:3.0f} %",
             f"{message['done']:g}/{message['total']:g} {message['unit']}"]
    if message.get("megapixels_per_s"):
        parts.append(f"{message['megapixels_per_s']:.3g} MP/s")
    if message.get("seconds_left") is not None and share < 1:
        parts.append(f"{duration_text(message['seconds_left'])} left")
    if message.get("text"):
        parts.append(message["text"])
    return "  ".join(parts)


def duration_text(seconds: float) -> str:
    """1:05 for 65 seconds, 2:00:09 for two hours and nine seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _share(message: dict) -> float:
    total = message["total"]
    return min(1.0, max(0.0, message["done"] / total)) if total else 0.0
