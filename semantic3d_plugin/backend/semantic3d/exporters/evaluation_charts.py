"""Charts of the evaluation report as inline SVG; colours come from the page's CSS variables."""
from __future__ import annotations

from html import escape

from .ramps import ERROR_RAMP, number_text, ticks

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 300, 56, 44, 26
_PLOT_WIDTH, _PLOT_HEIGHT = _WIDTH - _LEFT - 10, _HEIGHT - _BOTTOM - _TOP


def lines_svg(lines: list, x_limit: float, y_limit: float, x_label: str, y_label: str, percent: tuple) -> str:
    """Lines over a plain pair of axes that begin at 0.

    Args:
        lines: (name, CSS class, x values, y values); None in y is a gap.
        percent: whether x and whether y are shares, shown in per cent.
    """
    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(y_label)}">']
    for value in ticks(y_limit):
        y = _y(value / y_limit)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                     f"{_tick(value, percent[1])}</text>")
    for value in ticks(x_limit):
        parts.append(f'<text class="tick" x="{_x(value / x_limit):.1f}" y="{_y(0) + 17:.1f}" text-anchor="middle">'
                     f"{_tick(value, percent[0])}</text>")
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{_y(0)}" y2="{_y(0)}"/>'
                 f'<text class="tick" x="{_LEFT + _PLOT_WIDTH / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
                 f"{escape(x_label)}</text>")
    parts.append(f'<text class="tick" x="{_LEFT}" y="13">{escape(y_label)}</text>')
    for name, style, xs, ys in lines:
        points = " ".join(f"{_x(x / x_limit):.1f},{_y(min(y / y_limit, 1.0)):.1f}"
                          for x, y in zip(xs, ys) if y is not None)
        parts.append(f'<polyline class="line {style}" points="{points}"><title>{escape(name)}</title></polyline>')
    return "".join([*parts, "</svg>"]) + _keys(lines)


def error_histogram_svg(counts: list, limit_m: float) -> str:
    """Bars of predicted minus reference height over -`limit_m` to `limit_m`, heights by the square root."""
    total, tallest = max(1, sum(counts)), max([*counts, 1])
    bar = _PLOT_WIDTH / len(counts)
    colours = ERROR_RAMP.colours([(index + 0.5) / len(counts) for index in range(len(counts))])
    parts = [f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Errors of heights">']
    for share in (0.04, 0.25, 1.0):
        y = _y(share ** 0.5)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                     f"{tallest * share / total * 100:.2g} %</text>")
    for index, count in enumerate(counts):
        height = _PLOT_HEIGHT * (count / tallest) ** 0.5
        red, green, blue = (int(value) for value in colours[index])
        low = limit_m * (2 * index / len(counts) - 1)
        high = limit_m * (2 * (index + 1) / len(counts) - 1)
        parts.append(f'<rect class="bar" x="{_LEFT + index * bar:.2f}" y="{_y(0) - height:.2f}" '
                     f'width="{bar - 0.5:.2f}" height="{height:.2f}" fill="#{red:02x}{green:02x}{blue:02x}"><title>{low:.3g} to {high:.3g} m: '
                     f"{count / total * 100:.3g} %</title></rect>")
    parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{_y(0)}" y2="{_y(0)}"/>')
    for value in (-limit_m, -limit_m / 2, 0.0, limit_m / 2, limit_m):
        parts.append(f'<text class="tick" x="{_x((value / limit_m + 1) / 2):.1f}" y="{_y(0) + 17:.1f}" '
                     f'text-anchor="middle">{number_text(value)}</text>')
    parts.append(f'<text class="tick" x="{_LEFT + _PLOT_WIDTH / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
                 "predicted minus reference, m</text>")
    return "".join([*parts, "</svg>"])


def _keys(lines: list) -> str:
    items = "".join(f'<li><svg width="26" height="10"><line class="line {style}" x1="1" x2="25" y1="5" y2="5"/></svg> '
                    f"{escape(name)}</li>" for name, style, _, _ in lines)
    return f'<ul class="keys">{items}</ul>'


def _x(share: float) -> float:
    return _LEFT + share * _PLOT_WIDTH


def _y(share: float) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - share)


def _tick(value: float, percent: bool) -> str:
    return f"{value * 100:.4g} %" if percent else number_text(value)
