"""Line charts as inline SVG; colours come from the page's CSS, so they follow light and dark."""
from __future__ import annotations

import math
from html import escape

from .ramps import number_text

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 640, 240, 56, 12, 34, 12
_COLOURS = ("#1f6f8b", "#d7301f", "#3f9960")


def curve_svg(lines: dict, label: str, x_label: str, levels: dict | None = None) -> str:
    """Lines over one axis, from 0 (or the least value) up.

    Args:
        lines: name -> list of (x, y).
        label: what is shown, for who cannot see it.
        x_label: under the axis.
        levels: name -> y of a dashed line across, for comparison.
    """
    levels = {name: y for name, y in (levels or {}).items() if y is not None and math.isfinite(y)}
    points = [point for line in lines.values() for point in line]
    if not points:
        return ""
    highest_x = max(x for x, _ in points) or 1
    values = [y for _, y in points] + list(levels.values())
    low, high = min(0.0, *values), max(values)
    high = high if high > low else low + 1.0
    step = _step((high - low) / 4)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step

    def place(x: float, y: float) -> tuple[float, float]:
        across = (_WIDTH - _LEFT - _RIGHT) * x / highest_x
        return _LEFT + across, _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - y) / (high - low)

    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">']
    for index in range(round((high - low) / step) + 1):
        value = low + index * step
        y = place(0, value)[1]
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                     f"{number_text(round(value, 6))}</text>")
    for x in (0, highest_x):
        parts.append(f'<text class="tick" x="{place(x, 0)[0]:.1f}" y="{_HEIGHT - 14}" '
                     f'text-anchor="{"end" if x else "start"}">{number_text(x)}</text>')
    parts.append(f'<text class="tick" x="{_WIDTH / 2}" y="{_HEIGHT - 14}" text-anchor="middle">'
                 f"{escape(x_label)}</text>")
    for value in levels.values():
        y = place(0, value)[1]
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                     'stroke-dasharray="5 4"/>')
    for colour, line in zip(_COLOURS, lines.values()):
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += ['<circle cx="{:.1f}" cy="{:.1f}" r="2.5" fill="{}"/>'.format(*place(x, y), colour) for x, y in line]
    keys = [f'<li><i style="background:{colour}"></i>{escape(name)}</li>' for colour, name in zip(_COLOURS, lines)]
    keys += [f"<li>dashed: {escape(name)}, {number_text(round(value, 4))}</li>" for name, value in levels.items()]
    return "".join([*parts, "</svg>", '<ul class="keys">', *keys, "</ul>"])


def _step(rough: float) -> float:
    """A round step not below `rough`: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
