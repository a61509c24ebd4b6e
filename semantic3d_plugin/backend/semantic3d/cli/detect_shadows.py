"""semantic3d detect-shadows: the shadow mask of an orthophoto."""

from __future__ import annotations

import json
import os
from dataclasses import fields

from s3d_protocol import DetectShadowsJob

_DEFAULTS = {field.name: field.default for field in fields(DetectShadowsJob)}


def add_to(commands) -> None:
    """Add the command to the parser's commands."""
    from . import _integers, _numbers

    parser = commands.add_parser(
        "detect-shadows", help="shadow mask of an orthophoto",
        description="Marks cast shadows by their darkness, without a trained model: 1 shadow, 0 lit, 255 NoData.",
        epilog="Without --shadow, IMAGE_shadow.tif is written beside the image.",
    )  # fmt: skip
    parser.add_argument("image", metavar="IMAGE", help="orthophoto, any raster that GDAL reads")
    parser.add_argument("--shadow", dest="shadow_path", metavar="TIF", help="the mask")
    parser.add_argument("--bands", type=_integers, metavar="R,G,B", help="one-based bands (default: the image says)")
    parser.add_argument("--extent", type=_numbers, metavar="XMIN,YMIN,XMAX,YMAX", help="in the image's CRS")
    parser.add_argument("--gsd", dest="gsd_m", type=float, metavar="METRES", help="per pixel (default: from the grid)")
    parser.add_argument(
        "--threshold", type=float, metavar="INDEX",
        help="shadow index above which a pixel is shadow; higher finds less (default: found from the image)",
    )  # fmt: skip
    parser.add_argument(
        "--min-area", dest="min_area_m2", type=float, metavar="M2",
        help=f"smaller shadows and holes are dropped (default: {_DEFAULTS['min_area_m2']:g})",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="no progress, warnings only")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=_run)


def _run(options, control) -> int:
    from ..jobs import detect_shadows

    given = {name: value for name, value in vars(options).items() if name in _DEFAULTS and value is not None}
    given.setdefault("shadow_path", f"{os.path.splitext(options.image)[0]}_shadow.tif")
    values = detect_shadows.run(DetectShadowsJob.from_dict({"image_path": options.image, **given}), control)
    control.close()
    if options.json:
        print(json.dumps(values, indent=2))
    elif not options.quiet:
        print(f"shadow: {values['outputs']['shadow']}")
        print(
            f"{values['megapixels']:.2f} megapixels in {values['seconds']:.1f} s, {values['shadow_share']:.1%} shadow "
            f"above an index of {values['threshold']:.3g}"
        )
    return 0
