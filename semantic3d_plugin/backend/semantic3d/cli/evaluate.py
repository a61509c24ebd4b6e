"""semantic3d evaluate: a reconstruction against reference rasters."""
from __future__ import annotations

import json
from dataclasses import fields

from s3d_protocol import EvaluateJob

_DEFAULTS = {field.name: field.default for field in fields(EvaluateJob)}
_SHOWN = (
    ("MAE", "mae_m", "m"), ("RMSE", "rmse_m", "m"), ("bias", "bias_m", "m"), ("NMAD", "nmad_m", "m"),
    ("MAE of buildings", "building_mae_m", "m"), ("MAE of background", "background_mae_m", "m"),
    ("delta_1", "delta_1", ""), ("delta_2", "delta_2", ""), ("delta_3", "delta_3", ""), ("accuracy", "accuracy", ""),
    ("mean IoU", "mean_iou", ""), ("building IoU", "building_iou", ""), ("UECC", "uecc", ""), ("AUSE", "ause_m", "m"),
    ("coverage of 50 %", "coverage_50", ""), ("coverage of 68.27 %", "coverage_68", ""),
    ("coverage of 95 %", "coverage_95", ""), ("Chamfer distance", "chamfer_m", "m"), ("F1 at 1.0 m", "f1_1m", ""),
    ("F1 at 0.5 m", "f1_05m", ""), ("F1 at 0.2 m", "f1_02m", ""),
)


def add_to(commands) -> None:
    """Add the command to the parser's `commands`."""
    parser = commands.add_parser(
        "evaluate", help="compare a reconstruction with reference rasters",
        epilog="References may have any grid and CRS: they are warped to the prediction's grid. Give heights with "
               "their reference, land cover with its reference, or both.")
    compared = parser.add_argument_group("what is compared")
    compared.add_argument("--height", dest="height_path", metavar="TIF", help="predicted metres above ground")
    compared.add_argument("--reference", dest="reference_height_path", metavar="TIF",
                          help="reference metres above ground, or a DSM with --reference-dtm")
    compared.add_argument("--reference-dtm", dest="reference_dtm_path", metavar="TIF", help="bare ground in metres")
    compared.add_argument("--sigma", dest="sigma_path", metavar="TIF", help="predictive standard deviation, band 1")
    compared.add_argument("--land-cover", dest="land_cover_path", metavar="TIF", help="predicted class ids")
    compared.add_argument("--reference-land-cover", dest="reference_land_cover_path", metavar="TIF",
                          help="0 unknown, 11 ground of type 1 or 2")
    compared.add_argument("--shadow", dest="shadow_path", metavar="TIF", help="1 shadow, 0 lit")
    compared.add_argument("--zones", dest="zones_path", metavar="TIF|GEOJSON",
                          help="a whole number for each zone, or polygons")
    compared.add_argument("--zones-field", metavar="FIELD", help="of the polygons; its values are the zones' names")
    compared.add_argument("--gsd", dest="gsd_m", type=float, metavar="METRES", help="of pixels without a CRS")
    compared.add_argument("--building-class", type=int, metavar="ID", help=f"default: {_DEFAULTS['building_class']}")
    outputs = parser.add_argument_group("outputs")
    outputs.add_argument("--report", dest="report_path", metavar="HTML")
    outputs.add_argument("--figures", dest="figures_path", metavar="JSON", help="all figures")
    outputs.add_argument("--table", dest="table_path", metavar="CSV", help="figures by part, class, zone")
    outputs.add_argument("--error", dest="error_path", metavar="TIF", help="predicted minus reference, metres")
    parser.add_argument("--quiet", action="store_true", help="no progress, warnings only")
    parser.add_argument("--json", action="store_true", help="print the main figures as JSON")
    parser.set_defaults(command=_evaluate)


def _evaluate(options, control) -> int:
    from ..jobs import evaluate

    given = {name: value for name, value in vars(options).items() if name in _DEFAULTS and value is not None}
    values = evaluate.run(EvaluateJob.from_dict(given), control)
    control.close()
    if options.json:
        print(json.dumps(values, indent=2))
    elif not options.quiet:
        print(_text(values))
    return 0


def _text(values: dict) -> str:
    lines = [f"{label:<20} {values[name]:.4g} {unit}".rstrip() for label, name, unit in _SHOWN
             if values[name] is not None]
    lines += [f"{name}: {path}" for name, path in values["outputs"].items()]
    return "\n".join([*lines, f"{values['pixels']:,} pixels compared in {values['seconds']:.1f} s"])
