"""The HTML report: one file that opens anywhere, without scripts, fonts or pictures from elsewhere."""
from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Mapping

import numpy as np

from ..metrics.uncertainty import INTERVALS
from ..models.package import ModelPackage
from .png import png_data_uri
from .preview import (
    class_picture, height_limit_m, image_picture, ramp_picture, read_preview, sigma_limit_m,
)
from .ramps import HEIGHT_RAMP, SIGMA_RAMP, number_text
from .report_charts import class_bars_svg, histogram_svg, ramp_legend

_PICTURE_PX = 720
_LONGEST_CARD = 6000
_STYLE_NAME = "report.css"


@dataclass(frozen=True)
class ReportData:
    """What a report tells. Pictures are read from the files; everything else is given.

    Attributes:
        image_name: the image as the user knows it (no path is shown).
        image_path, height_path, sigma_path, land_cover_path: rasters to read now (unfinished ones, too); empty is none.
        bands: one-based bands of the image used for red, green, blue.
        gsd_m: ground sampling distance of the outputs' pixels in metres.
        package: the model.
        mean_height_m: over all valid pixels; None is unknown.
        megapixels: millions of pixels of the outputs.
        class_areas_m2: class id -> area in square metres; empty is estimated from the picture.
        warnings: sentences the user should read.
        image_facts: label -> text (size, CRS, GSD, type, NoData ...).
        normalisation: label -> text (how pixel values were brought to [0, 1]).
        provenance: label -> text (parameters, versions).
    """

    image_name: str
    image_path: str
    package: ModelPackage
    height_path: str = ""
    sigma_path: str = ""
    land_cover_path: str = ""
    bands: tuple = (1, 2, 3)
    gsd_m: float = 0.0
    mean_height_m: float | None = None
    megapixels: float = 0.0
    class_areas_m2: Mapping = field(default_factory=dict)
    warnings: tuple = ()
    image_facts: Mapping = field(default_factory=dict)
    normalisation: Mapping = field(default_factory=dict)
    provenance: Mapping = field(default_factory=dict)


def write_report(path: str, data: ReportData) -> None:
    """Write the report; the same data and files give the same bytes."""
    Path(path).write_bytes(report_html(data).encode("utf-8"))


def report_html(data: ReportData) -> str:
    """The report as one HTML document."""
    title = f"Heights and land cover of {data.image_name}"
    sections = [_headline(data), _warnings(data.warnings), _pictures(data), _height_section(data),
                _cover_section(data), _input_section(data), _model_section(data.package),
                _table_section("Provenance", data.provenance, "What makes this result reproducible.")]
    style = (Path(__file__).parent / _STYLE_NAME).read_text(encoding="utf-8")
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
            f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n<header><p class=\"kicker\">Semantic3D report</p>"
            f"<h1>{escape(data.image_name)}</h1></header>\n"
            + "\n".join(section for section in sections if section) + "\n</main>\n</body>\n</html>\n")


def _headline(data: ReportData) -> str:
    cards = []
    if data.mean_height_m is not None:
        cards.append((f"{data.mean_height_m:.2f} m", "mean height above ground"))
    if data.sigma_path:
        sigma = _values(data.sigma_path)
        if sigma.size:
            cards.append((f"{np.median(sigma):.2f} m", "median uncertainty (1 sigma)"))
    if data.megapixels:
        cards.append((f"{data.megapixels:.3g} MP", "pixels processed"))
    if data.gsd_m:
        cards.append((f"{number_text(round(data.gsd_m, 4))} m", "ground sampling distance"))
    cards.append((f"{data.package.name} {data.package.version}".strip(), "model"))
    return '<section class="cards">' + "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(label)}</span></div>' for value, label in cards
    ) + "</section>"


def _warnings(warnings) -> str:
    if not warnings:
        return '<section class="note good"><p>No warnings.</p></section>'
    items = "".join(f"<li>{escape(text)}</li>" for text in warnings)
    return f'<section class="note warn"><h2>Please note</h2><ul>{items}</ul></section>'


def _pictures(data: ReportData) -> str:
    like = data.height_path or data.sigma_path or data.land_cover_path
    figures = [_figure("Image", image_picture(data.image_path, data.bands, _PICTURE_PX, like=like), "")]
    if data.height_path:
        limit = height_limit_m(data.height_path)
        figures.append(_figure("Height above ground", ramp_picture(data.height_path, HEIGHT_RAMP, limit, _PICTURE_PX),
                               ramp_legend(HEIGHT_RAMP, limit, "m")))
    if data.sigma_path:
        limit = sigma_limit_m(data.sigma_path)
        figures.append(_figure("Uncertainty (1 sigma)", ramp_picture(data.sigma_path, SIGMA_RAMP, limit, _PICTURE_PX),
                               ramp_legend(SIGMA_RAMP, limit, "m")))
    if data.land_cover_path:
        keys = "".join(f'<li><i style="background:{escape(item.colour)}"></i>{escape(item.name)}</li>'
                       for item in data.package.classes)
        picture = class_picture(data.land_cover_path, data.package.classes, _PICTURE_PX)
        figures.append(_figure("Land cover", picture, f'<ul class="keys">{keys}</ul>'))
    return '<section><h2>Quick look</h2><div class="pictures">' + "".join(figures) + "</div></section>"


def _figure(title: str, picture: np.ndarray, legend: str) -> str:
    return (f'<figure><figcaption>{escape(title)}</figcaption><img src="{png_data_uri(picture)}" '
            f'alt="{escape(title)}" width="{picture.shape[1]}" height="{picture.shape[0]}">{legend}</figure>')


def _height_section(data: ReportData) -> str:
    parts = []
    for path, ramp, limit_of, title in ((data.height_path, HEIGHT_RAMP, height_limit_m, "Heights above ground"),
                                        (data.sigma_path, SIGMA_RAMP, sigma_limit_m, "Uncertainty (1 sigma)")):
        if not path:
            continue
        values = _values(path)
        if not values.size:
            parts.append(f"<div><h3>{title}</h3><p>No valid pixels.</p></div>")
            continue
        quantiles = np.percentile(values, (5, 25, 50, 75, 95, 99))
        cells = "".join(f"<td>{value:.2f}</td>" for value in quantiles)
        heads = "".join(f"<th>{name}</th>" for name in ("5 %", "25 %", "median", "75 %", "95 %", "99 %"))
        parts.append(f"<div><h3>{title}</h3>{histogram_svg(values, limit_of(path), ramp, 'm', title)}"
                     f'<table class="numbers"><tr>{heads}</tr><tr>{cells}</tr></table></div>')
    if not parts:
        return ""
    note = "Shares of valid pixels (square-root scale) and percentiles in metres, from an evenly picked sample."
    pair = f'<div class="pair">{"".join(parts)}</div>'
    return f'<section><h2>Distribution</h2>{pair}<p class="faint">{note}</p></section>'


def _cover_section(data: ReportData) -> str:
    if not data.land_cover_path:
        return ""
    areas = dict(data.class_areas_m2) or _estimated_areas(data)
    total = sum(areas.values())
    rows = []
    for item in data.package.classes:
        area_m2 = float(areas.get(item.id, 0.0))
        share = area_m2 / total if total else 0.0
        rows.append((item.name, item.colour, share, f"{share * 100:.1f} %  ·  {_area_text(area_m2)}"))
    return f"<section><h2>Land cover by area</h2>{class_bars_svg(rows)}</section>"


def _estimated_areas(data: ReportData) -> dict:
    preview = read_preview(data.land_cover_path)
    values, counts = np.unique(preview.values[0][preview.valid], return_counts=True)
    pixel_m2 = (max(data.gsd_m, 0.0) * preview.step_px) ** 2 or 1.0
    return {int(value): float(count) * pixel_m2 for value, count in zip(values, counts) if value}


def _area_text(area_m2: float) -> str:
    if area_m2 >= 1e6:
        return f"{area_m2 / 1e6:.3g} km²"
    return f"{area_m2 / 1e4:.3g} ha" if area_m2 >= 1e3 else f"{area_m2:.3g} m²"


def _input_section(data: ReportData) -> str:
    if not data.image_facts and not data.normalisation:
        return ""
    return ("<section><h2>Input</h2><div class=\"pair\">" + _table("Image", data.image_facts)
            + _table("Normalisation", data.normalisation) + "</div></section>")


def _model_section(package: ModelPackage) -> str:
    facts = {
        "Title": package.title, "Version": package.version or "not stated", "Licence": package.licence,
        "Identity": "sha256:" + package.sha256,
        "Made for": f"{number_text(package.gsd_m)} m per pixel ({number_text(package.gsd_range_m[0])} to "
                    f"{number_text(package.gsd_range_m[1])} m)",
        "Calibration": f"{package.calibration['method']} (factor {number_text(package.predictive_std_scale)}, power {number_text(package.predictive_std_power)})",
    }
    if package.intervals:
        facts["Central intervals"] = ", ".join(
            f"{100 * level:g} %: height ± {factor:.3g} sigma" for level, factor in package.intervals
            if level in INTERVALS
        )
    data_rows = "".join(
        f"<li>{escape(item['name'])} – {escape(item['licence'])}"
        + (f" – {escape(item['attribution'])}" if item["attribution"] else "") + "</li>"
        for item in package.training_data)
    figures = _table("Validation", _flat(package.validation)) if package.validation else ""
    training = f"<h3>Training data</h3><ul>{data_rows}</ul>" if data_rows else ""
    card = package.card if len(package.card) <= _LONGEST_CARD else package.card[:_LONGEST_CARD].rstrip() + " …"
    card = f"<details><summary>Model card</summary><pre>{escape(card)}</pre></details>" if card else ""
    return (f'<section><h2>Model</h2><p>{escape(package.description)}</p><div class="pair">{_table("Package", facts)}'
            f"{figures}</div>{training}{card}</section>")


def _table_section(title: str, rows: Mapping, intro: str) -> str:
    if not rows:
        return ""
    return f'<section><h2>{escape(title)}</h2><p class="faint">{escape(intro)}</p>{_table("", rows)}</section>'


def _table(title: str, rows: Mapping) -> str:
    if not rows:
        return ""
    body = "".join(f"<tr><th>{escape(str(key))}</th><td>{escape(_plain_text(value))}</td></tr>"
                   for key, value in rows.items())
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f'<div>{head}<table class="facts">{body}</table></div>'


def _flat(values: Mapping, prefix: str = "") -> dict:
    """Nested figures as one level: {"a": {"b": 1}} -> {"a / b": 1}."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key} / "))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _plain_text(value) -> str:
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain_text(item) for item in value)
    return str(value)


def _values(path: str) -> np.ndarray:
    preview = read_preview(path)
    return preview.values[0][preview.valid].astype(np.float64)
