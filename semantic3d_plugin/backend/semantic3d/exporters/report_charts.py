"""Charts of the report as inline SVG; colours come from the page's CSS variables, so they follow light and dark."""
from __future__ import annotations

from html import escape

import numpy as np

from .png import png_data_uri
from .ramps import Ramp, number_text, ticks

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 220, 48, 34


def histogram_svg(values: np.ndarray, limit: float, ramp: Ramp, unit: str, label: str) -> str:
    """Shares of pixels over values from 0 to `limit`; what lies above is counted in the last bar.

    Bars grow with the square root of the share, else flat ground would dwarf everything that stands on it.

    Args:
        values: [n] valid values.
    """
    bins = 40
    clipped = np.clip(values, 0.0, limit)
    counts, _ = np.histogram(clipped, bins=bins, range=(0.0, limit))
    shares = counts / max(1, values.size)
    tallest = max(float(shares.max()), 1e-9)
    colours = ramp.colours((np.arange(bins) + 0.5) / bins)
    plot_width, plot_height = _WIDTH - _LEFT - 8, _HEIGHT - _BOTTOM - 10
    bar = plot_width / bins
    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">']
    for share in (0.04, 0.25, 1.0):
        y = 10 + plot_height * (1 - share ** 0.5)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                     f"{_percent(tallest * share)}</text>")
    for index, share in enumerate(shares):
        height = plot_height * (float(share) / tallest) ** 0.5
        red, green, blue = (int(value) for value in colours[index])
        low, high = limit * index / bins, limit * (index + 1) / bins
        parts.append(
            f'<rect x="{_LEFT + index * bar:.2f}" y="{10 + plot_height - height:.2f}" width="{bar - 1:.2f}" '
            f'height="{height:.2f}" fill="#{red:02x}{green:02x}{blue:02x}"><title>{number_text(round(low, 3))} to '
            f"{number_text(round(high, 3))} {unit}: {_percent(float(share))}</title></rect>")
    base = 10 + plot_height
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{base}" y2="{base}"/>')
    values_at = ticks(limit)
    for value in values_at:
        text = number_text(value) + (f" {unit}" if value == values_at[-1] else "")
        anchor = "end" if value == limit else "middle"
        parts.append(f'<text class="tick" x="{_LEFT + value / limit * plot_width:.1f}" y="{base + 18}" '
                     f'text-anchor="{anchor}">{text}</text>')
    return "".join([*parts, "</svg>"])


def class_bars_svg(rows: list) -> str:
    """Horizontal bars; `rows` holds (name, colour, share 0..1, text at the end)."""
    line, name_px, end_px = 26, 190, 130
    height = line * max(1, len(rows)) + 4
    longest = max([share for _, _, share, _ in rows] + [1e-9])
    room = _WIDTH - name_px - end_px
    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Area of each class">']
    for index, (name, colour, share, text) in enumerate(rows):
        y = index * line + 4
        width = max(1.0, room * share / longest) if share > 0 else 0.0
        parts.append(f'<text class="name" x="{name_px - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
                     f'<rect class="bar" x="{name_px}" y="{y}" width="{width:.2f}" height="18" rx="2" '
                     f'fill="{escape(colour)}"/><text class="tick" x="{name_px + width + 8:.1f}" y="{y + 14}">'
                     f"{escape(text)}</text>")
    return "".join([*parts, "</svg>"])


def ramp_legend(ramp: Ramp, limit: float, unit: str) -> str:
    """A colour bar with numbers, as HTML."""
    bar = np.repeat(ramp.colours(np.linspace(0, 1, 256))[None], 8, axis=0)
    marks = "".join(
        f'<span style="left:{value / limit * 100:.2f}%">{number_text(value)}</span>' for value in ticks(limit)
    )
    words = f"colour scale from 0 to {number_text(limit)} {unit}"
    return (f'<div class="ramp"><img src="{png_data_uri(bar)}" alt="{escape(words)}">'
            f'<div class="marks">{marks}</div><span class="unit">{escape(unit)}</span></div>')


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
