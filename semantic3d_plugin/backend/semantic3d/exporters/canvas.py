"""A picture to draw on: rectangles, other pictures, text. Needs numpy, and rasterio to read the glyphs.

The glyphs (glyphs_*.png) are DejaVu Sans 15 px and DejaVu Sans Bold 18 px, printable Latin-1 and two signs, side by
side; the first row of the file marks where each begins. DejaVu's licence permits this use.
"""
from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from ..raster.block_sizes import open_quietly

INK = (33, 37, 41)
FAINT_INK = (108, 117, 125)
_CHARACTERS = "".join(map(chr, [*range(32, 127), *range(160, 256)])) + "–…"


class Canvas:
    """A white RGB picture; `pixels` is [rows, columns, 3] uint8. Coordinates are (x, y) in pixels."""

    def __init__(self, width: int, height: int):
        self.pixels = np.full((height, width, 3), 255, dtype=np.uint8)

    def paste(self, x: int, y: int, picture: np.ndarray) -> None:
        """Put a picture [rows, columns, 3] with its upper left corner at (x, y), cut at the canvas's edge."""
        rows, columns = self.pixels[y:, x:].shape[:2]
        self.pixels[y:y + picture.shape[0], x:x + picture.shape[1]] = picture[:rows, :columns]

    def rectangle(self, x: int, y: int, width: int, height: int, colour) -> None:
        """Fill a rectangle."""
        self.pixels[y:y + height, x:x + width] = colour

    def frame(self, x: int, y: int, width: int, height: int, colour=(173, 181, 189)) -> None:
        """Draw a one-pixel line around the outside of a rectangle."""
        for edge in ((x - 1, y - 1, width + 2, 1), (x - 1, y + height, width + 2, 1),
                     (x - 1, y - 1, 1, height + 2), (x + width, y - 1, 1, height + 2)):
            self.rectangle(*edge, colour)

    def text(self, x: int, y: int, text: str, bold: bool = False, colour=INK, anchor: str = "left",
             width: int = 0) -> None:
        """Write text with its upper edge at y; `anchor` says what x is: left, middle or right.

        A `width` above 0 shortens the text to fit.
        """
        if width:
            text = shortened(text, width, bold)
        glyphs = _glyphs(bold)
        x -= {"left": 0, "middle": text_width(text, bold) // 2, "right": text_width(text, bold)}[anchor]
        for character in text:
            shape = glyphs.get(character, glyphs["?"])
            left, right = max(x, 0), min(x + shape.shape[1], self.pixels.shape[1])
            if left < right:
                self._blend(left, y, shape[:, left - x:right - x], colour)
            x += shape.shape[1]

    def _blend(self, x: int, y: int, shape: np.ndarray, colour) -> None:
        under = self.pixels[y:y + shape.shape[0], x:x + shape.shape[1]]
        opacity = shape[:under.shape[0], :, None].astype(np.float32) / 255.0
        under[:] = np.rint(under * (1 - opacity) + np.asarray(colour, np.float32) * opacity).astype(np.uint8)


def text_height(bold: bool = False) -> int:
    """Height of a line of text in pixels."""
    return _glyphs(bold)["?"].shape[0]


def text_width(text: str, bold: bool = False) -> int:
    """Width of a text in pixels."""
    glyphs = _glyphs(bold)
    return sum(glyphs.get(character, glyphs["?"]).shape[1] for character in text)


def shortened(text: str, width: int, bold: bool = False) -> str:
    """The text, or its beginning and an ellipsis, no wider than `width` pixels."""
    if text_width(text, bold) <= width:
        return text
    while text and text_width(text + "…", bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


@functools.lru_cache(maxsize=2)
def _glyphs(bold: bool) -> dict:
    name = "glyphs_bold.png" if bold else "glyphs_regular.png"
    with open_quietly(str(Path(__file__).parent / name)) as source:
        atlas = source.read(1)
    starts = [*np.flatnonzero(atlas[0]), atlas.shape[1]]
    return {c: atlas[1:, a:b] for c, a, b in zip(_CHARACTERS, starts[:-1], starts[1:])}
