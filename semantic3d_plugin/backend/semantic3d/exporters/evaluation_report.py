"""The evaluation's HTML report: one file, without scripts or pictures from elsewhere."""
from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Mapping

import numpy as np

from ..metrics.figures import GROUND_UNSEPARATED
from .evaluation_charts import error_histogram_svg, lines_svg
from .png import png_data_uri
from .ramps import ERROR_RAMP, HEIGHT_RAMP, NODATA_COLOUR, Ramp, nice_maximum, number_text, rgb
from .report_charts import class_bars_svg, ramp_legend
from .thumbnail import Thumbnail

CLASS_COLOURS = {1: "#b8b2a7", 2: "#a6d96a", 3: "#1a9641", 4: "#d7301f", 5: "#4393c3", 6: "#8073ac", 7: "#fdae61",
                 11: "#d8cfa8"}
_OTHER_COLOUR = "#7f7f7f"
_STYLE = """.line { fill: none; stroke-width: 2; stroke: var(--accent); }
.line.oracle { stroke: #3f9960; stroke-dasharray: 6 4; }
.line.ideal { stroke: var(--faint); stroke-dasharray: 2 4; }
.numbers th:first-child, .numbers td:first-child { text-align: left; }
.numbers td.right { background: var(--good); }
.wide { overflow-x: auto; }
"""
_HEIGHT_COLUMNS = (
    ("pixels", "pixels"), ("mae_m", "MAE, m"), ("rmse_m", "RMSE, m"), ("bias_m", "bias, m"), ("nmad_m", "NMAD, m"),
    ("delta_1", "δ1"), ("delta_2", "δ2"), ("delta_3", "δ3"), ("delta_1_all", "δ1 all"), ("delta_2_all", "δ2 all"),
    ("delta_3_all", "δ3 all"),
)
_COVER_COLUMNS = (("class_pixels", "pixels with class"), ("accuracy", "accuracy"), ("mean_iou", "mean IoU"),
                  ("building_iou", "building IoU"))
_MOST_ROWS = 200


def write_evaluation_report(path: str, name: str, figures: Mapping, thumbnails: Mapping[str, Thumbnail]) -> None:
    """Write the report; the same figures give the same bytes.

    Args:
        name: what was evaluated, for the head line.
        figures: as the evaluate job collects them.
        thumbnails: layer -> its small picture.
    """
    Path(path).write_bytes(evaluation_html(name, figures, thumbnails).encode("utf-8"))


def evaluation_html(name: str, figures: Mapping, thumbnails: Mapping[str, Thumbnail]) -> str:
    """The report as one HTML document."""
    sections = [_cards(figures), _warnings(figures["warnings"]), _pictures(figures, thumbnails), _heights(figures),
                _groups("Shadow and light", figures.get("shadow")), _groups("Zones", figures.get("zones")),
                _land_cover(figures.get("land_cover")), _uncertainty(figures.get("uncertainty")),
                _surface(figures.get("surface")), _method(figures)]
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8") + _STYLE
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>Evaluation of {escape(name)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
            f'<header><p class="kicker">Semantic3D evaluation</p><h1>{escape(name)}</h1></header>\n'
            + "\n".join(section for section in sections if section) + "\n</main>\n</body>\n</html>\n")


def _cards(figures: Mapping) -> str:
    whole = figures.get("heights", {}).get("all", {})
    cover, sigma, surface = (figures.get(key) or {} for key in ("land_cover", "uncertainty", "surface"))
    cards = [
        (whole.get("mae_m"), "m", "MAE of heights"), (whole.get("rmse_m"), "m", "RMSE of heights"),
        (whole.get("delta_1"), "%", "heights within a factor of 1.25 (δ1)"),
        (cover.get("accuracy"), "%", "pixels with the right class"), (cover.get("building_iou"), "", "building IoU"),
        (sigma.get("uecc"), "", "correlation of |error| and sigma (UECC)"),
        (sigma.get("coverage_68"), "%", "errors within 1 sigma (68.3 % expected)"),
        (surface.get("chamfer_m"), "m", "Chamfer distance of the surfaces"),
    ]
    shown = "".join(f'<div class="card"><b>{_value(value, unit)}</b><span>{escape(label)}</span></div>'
                    for value, unit, label in cards if value is not None)
    return f'<section class="cards">{shown}</section>'


def _warnings(warnings) -> str:
    if not warnings:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in warnings)
    return f'<section class="note warn"><h2>Please note</h2><ul>{items}</ul></section>'


def _pictures(figures: Mapping, thumbnails: Mapping[str, Thumbnail]) -> str:
    shown = []
    if "error" in thumbnails:
        reference = thumbnails["reference_height"]
        known = reference.values[reference.valid]
        limit = nice_maximum(float(np.percentile(known, 99.5)) if known.size else 0.0, 5.0)
        for key, title in (("height", "Predicted height"), ("reference_height", "Reference height")):
            shown.append(_figure(title, _ramp_picture(thumbnails[key], HEIGHT_RAMP, 0.0, limit),
                                 ramp_legend(HEIGHT_RAMP, limit, "m")))
        reach = figures["error_histogram"]["limit_m"]
        shown.append(_figure("Error: predicted minus reference",
                             _ramp_picture(thumbnails["error"], ERROR_RAMP, -reach, reach), _error_legend(reach)))
    covers = (("land_cover", "Predicted land cover"), ("reference_land_cover", "Reference land cover"))
    for key, title in covers:
        if key in thumbnails:
            shown.append(_figure(title, _class_picture(thumbnails[key]), _class_keys(thumbnails[key], figures)))
    return f'<section><h2>Quick look</h2><div class="pictures">{"".join(shown)}</div></section>'


def _ramp_picture(thumbnail: Thumbnail, ramp: Ramp, low: float, high: float) -> np.ndarray:
    picture = ramp.colours((thumbnail.values - low) / (high - low))
    picture[~thumbnail.valid] = NODATA_COLOUR
    return picture


def _class_picture(thumbnail: Thumbnail) -> np.ndarray:
    table = np.full((256, 3), rgb(_OTHER_COLOUR), np.uint8)
    for code, colour in CLASS_COLOURS.items():
        table[code] = rgb(colour)
    picture = table[thumbnail.values.astype(np.int64)]
    picture[~thumbnail.valid] = NODATA_COLOUR
    return picture


def _class_keys(thumbnail: Thumbnail, figures: Mapping) -> str:
    names = {entry["id"]: entry["name"] for entry in figures.get("heights_by_class", [])}
    names.update({entry["id"]: entry["name"] for entry in (figures.get("land_cover") or {}).get("classes", [])})
    codes = sorted({int(code) for code in np.unique(thumbnail.values[thumbnail.valid])})
    items = "".join(f'<li><i style="background:{CLASS_COLOURS.get(code, _OTHER_COLOUR)}"></i>'
                    f"{escape(names.get(code, str(code)))}</li>" for code in codes)
    return f'<ul class="keys">{items}</ul>'


def _error_legend(limit_m: float) -> str:
    bar = np.repeat(ERROR_RAMP.colours(np.linspace(0, 1, 256))[None], 8, axis=0)
    marks = "".join(f'<span style="left:{share * 100:.0f}%">{number_text(limit_m * (2 * share - 1))}</span>'
                    for share in (0, 0.25, 0.5, 0.75, 1))
    return (f'<div class="ramp"><img src="{png_data_uri(bar)}" alt="colour scale of errors"><div class="marks">{marks}'
            '</div><span class="unit">m</span></div>')


def _figure(title: str, picture: np.ndarray, legend: str) -> str:
    return (f'<figure><figcaption>{escape(title)}</figcaption><img src="{png_data_uri(picture)}" '
            f'alt="{escape(title)}" width="{picture.shape[1]}" height="{picture.shape[0]}">{legend}</figure>')


def _heights(figures: Mapping) -> str:
    if "heights" not in figures:
        return ""
    rows = [{"name": name, **part} for name, part in figures["heights"].items()]
    classes = figures.get("heights_by_class") or []
    named = [{**entry, "name": f"class {entry['id']}: {entry['name']}"} for entry in classes]
    histogram = figures["error_histogram"]
    longest = [(entry["name"], CLASS_COLOURS.get(entry["id"], _OTHER_COLOUR), entry["mae_m"] or 0.0,
                _value(entry["mae_m"], "m")) for entry in classes]
    bars = f"<h3>MAE by class of the reference</h3>{class_bars_svg(longest)}" if longest else ""
    chart = error_histogram_svg(histogram["counts"], histogram["limit_m"])
    return (f"<section><h2>Heights</h2>{_table(rows + named, _HEIGHT_COLUMNS)}<div class=\"pair\"><div><h3>Errors</h3>"
            f'{chart}<p class="faint">Shares of pixels (square-root scale); the last bars hold what lies beyond.</p>'
            f"</div><div>{bars}</div></div></section>")


def _groups(title: str, entries) -> str:
    if not entries:
        return ""
    columns = tuple(item for item in _HEIGHT_COLUMNS + _COVER_COLUMNS if any(item[0] in entry for entry in entries))
    more = f'<p class="faint">The first {_MOST_ROWS} of {len(entries)}; all are in the table file.</p>'
    return (f"<section><h2>{escape(title)}</h2>{_table(entries[:_MOST_ROWS], columns)}"
            f"{more if len(entries) > _MOST_ROWS else ''}</section>")


def _table(rows: list, columns: tuple) -> str:
    heads = "<th></th>" + "".join(f"<th>{escape(title)}</th>" for _, title in columns)
    body = "".join(f"<tr><td>{escape(str(row['name']))}</td>"
                   + "".join(f"<td>{_cell(key, row.get(key))}</td>" for key, _ in columns) + "</tr>" for row in rows)
    return f'<div class="wide"><table class="numbers"><tr>{heads}</tr>{body}</table></div>'


def _cell(key: str, value) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if key.endswith("pixels") else f"{value:.2f}" if key.endswith("_m") else f"{value:.3f}"


def _land_cover(cover) -> str:
    if not cover:
        return ""
    names = {entry["id"]: entry["name"] for entry in cover["classes"]}
    bars = [(entry["name"], CLASS_COLOURS.get(entry["id"], _OTHER_COLOUR), entry["iou"] or 0.0,
             _value(entry["iou"], "")) for entry in cover["classes"]]
    confusion = cover["confusion"]
    heads = "".join(f"<th>{escape(names.get(code, str(code)))}</th>" for code in confusion["predicted"])
    rows = ""
    for code, counts in zip(confusion["reference"], confusion["pixels"]):
        right = (1, 2, code) if code == GROUND_UNSEPARATED else (code,)
        cells = "".join(f'<td{" class=right" if other in right else ""}>{count:,}</td>'
                        for other, count in zip(confusion["predicted"], counts))
        rows += f"<tr><td>{escape(names.get(code, str(code)))}</td>{cells}</tr>"
    facts = (f"Accuracy {_value(cover['accuracy'], '%')}, mean IoU {_value(cover['mean_iou'], '')}, building IoU "
             f"{_value(cover['building_iou'], '')}, {cover['pixels']:,} pixels.")
    return (f"<section><h2>Land cover</h2><p>{facts}</p><h3>IoU by class</h3>{class_bars_svg(bars)}"
            '<h3>Confusion: rows are the reference, columns the prediction, in pixels</h3><div class="wide">'
            f'<table class="numbers"><tr><th></th>{heads}</tr>{rows}</table></div></section>')


def _uncertainty(sigma) -> str:
    if not sigma or not sigma["pixels"]:
        return ""
    reliability, curves = sigma["reliability"], sigma["sparsification"]
    diagram = lines_svg([("perfect", "ideal", (0.0, 1.0), (0.0, 1.0)),
                         ("observed", "", (0.0, *reliability["nominal"]), (0.0, *reliability["observed"]))],
                        1.0, 1.0, "nominal level of the central interval", "share of errors inside", (True, True))
    values = [value for value in curves["by_sigma_m"] + curves["oracle_m"] if value is not None]
    top = nice_maximum(max(values, default=0.0), 0.1)
    sparsified = lines_svg([("oracle: largest |error| first", "oracle", curves["removed"], curves["oracle_m"]),
                            ("largest sigma first", "", curves["removed"], curves["by_sigma_m"])],
                           1.0, top, "share of pixels removed", "mean |error| of the rest, m", (True, False))
    facts = (f"UECC {_value(sigma['uecc'], '')}; AUSE {_value(sigma['ause_m'], 'm')} "
             f"({_value(sigma['ause_relative'], '')} of the MAE). Intervals of 50, 68.27 and 95 % hold "
             f"{_value(sigma['coverage_50'], '%')}, {_value(sigma['coverage_68'], '%')} and "
             f"{_value(sigma['coverage_95'], '%')} of the errors.")
    return (f'<section><h2>Uncertainty</h2><p>{facts}</p><div class="pair"><div><h3>Reliability</h3>{diagram}</div>'
            f"<div><h3>Sparsification</h3>{sparsified}</div></div></section>")


def _surface(surface) -> str:
    if not surface or not surface["points"]:
        return ""
    f1 = (surface["f1_1m"], surface["f1_05m"], surface["f1_02m"])
    rows = "".join(f"<tr><td>{number_text(limit)} m</td>" + "".join(f"<td>{_cell('share', v)}</td>" for v in values)
                   + "</tr>" for limit, *values in zip(surface["thresholds_m"], surface["precision"],
                                                      surface["recall"], f1))
    facts = (f"Chamfer distance {_value(surface['chamfer_m'], 'm')}: predicted to reference "
             f"{_value(surface['accuracy_m'], 'm')}, reference to predicted {_value(surface['completeness_m'], 'm')}; "
             f"{surface['points']:,} points each, {_value(surface['beyond_bound'], '%')} beyond the bound of "
             f"{number_text(surface['bound_m'])} m.")
    return (f'<section><h2>Surfaces in 3D</h2><p>{facts}</p><table class="numbers"><tr><th>within</th>'
            f"<th>precision</th><th>recall</th><th>F1</th></tr>{rows}</table></section>")


def _method(figures: Mapping) -> str:
    texts = "".join(f"<li>{escape(text)}</li>" for text in figures["method"])
    rows = "".join(f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>"
                   for key, value in figures["provenance"].items())
    return (f'<section><h2>How it was measured</h2><ul>{texts}</ul><h3>Provenance</h3><table class="facts">{rows}'
            "</table></section>")


def _value(value, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "%":
        return f"{value * 100:.1f} %"
    return f"{value:.2f} {unit}" if unit else f"{value:.3f}"
