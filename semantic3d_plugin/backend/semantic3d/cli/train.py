"""semantic3d train: fine-tune a model on one's own rasters."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields

from s3d_protocol import CHECKPOINTING, DEVICES, HEIGHT_LOSSES, TrainJob, model_name_of, usual_validate_every

_DEFAULTS = {field.name: None if field.default is MISSING else field.default for field in fields(TrainJob)}


def add_to(commands) -> None:
    """Add the command to the parser's commands."""
    parser = commands.add_parser(
        "train", help="fine-tune a model on your own rasters",
        description="Fine-tunes a model on images with heights, land cover or building outlines, and writes a model "
        "package that `semantic3d reconstruct --model` takes at once. References may have any grid and CRS.",
        epilog="Broken off (Ctrl-C), the same command goes on from PACKAGE.training. On several GPUs: accelerate "
        "launch -m semantic3d.cli train ... Needs the full environment: pip install \"semantic3d[cpu,train]\".",
    )  # fmt: skip
    parser.add_argument("image_paths", nargs="+", metavar="IMAGE", help="orthophotos to learn from")
    parser.add_argument(
        "--package", dest="package_path", required=True, metavar="FOLDER", help="model package to create"
    )
    labels = parser.add_argument_group("labels (heights, classes or both)")
    for name, words in (
        ("ndsm", "heights above ground in metres"), ("dsm", "surface heights, with --dtm"), ("dtm", "ground heights"),
        ("land-cover", "class rasters"),
    ):  # fmt: skip
        labels.add_argument(
            f"--{name}", dest=f"{name.replace('-', '_')}_paths", nargs="+", metavar="TIF",
            help=f"{words}; of several, the first with a value wins",
        )  # fmt: skip
    labels.add_argument(
        "--class-map", metavar="PAIRS", help="such as 10=1,20=3: value in the raster = class of the model; with "
        "--class-field also house=4,garden=2"
    )
    labels.add_argument("--buildings", dest="buildings_path", metavar="GEOJSON",
                        help="building outlines: within the rectangle around them all else is no building")
    labels.add_argument("--class-field", metavar="NAME",
                        help="field of the polygons whose value, by --class-map, is their class; they need not be "
                        "buildings then, and nothing is known outside of them")
    _add_settings(parser)
    parser.add_argument("--report", dest="report_path", metavar="HTML", help="curves, figures, data and split")
    parser.add_argument("--quiet", action="store_true", help="no progress, warnings only")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=_run)


def _add_settings(parser) -> None:
    from . import _integers

    choices = parser.add_argument_group("parameters")
    choices.add_argument("--base", dest="base_path", metavar="PATH",
                         help="to start from: model package, base.safetensors, diffusers folder of Stable Diffusion "
                         "1.5, 2.x or XL, or ORG/NAME@COMMIT on the Hugging Face hub (default: the bundled model)")
    choices.add_argument("--bands", type=_integers, metavar="R,G,B", help="one-based bands (default: the image says)")
    for option, field, kind, metavar, words in (
        ("--steps", "steps", int, "N", "optimisation steps"),
        ("--rank", "lora_rank", int, "N", "rank of the adapter, 8 to 256"),
        ("--batch-size", "batch_size", int, "N", "patches per step"),
        ("--accumulation", "accumulation", int, "N", "batches whose gradients make one step"),
        ("--patch", "patch_px", int, "PIXELS", "side of a patch"),
        ("--learning-rate", "learning_rate", float, "RATE", "of AdamW"),
        ("--weight-decay", "weight_decay", float, "X", "of AdamW"),
        ("--penalty-weight", "penalty_weight", float, "X", "lambda of the evidential penalty"),
        ("--validation-share", "validation_share", float, "SHARE", "of the labelled blocks"),
        ("--block", "block_m", float, "METRES", "side of the blocks that are split"),
        ("--validate-every", "validate_every", int, "STEPS", "from one validation to the next"),
        ("--patience", "patience", int, "N", "validations without gain that end training, 0 never"),
        ("--seed", "seed", int, "N", "of split, first weights and patches"),
        ("--max-memory", "max_memory_mb", int, "MB", "for images and labels"),
    ):  # fmt: skip
        usual = f"{_DEFAULTS[field]:g}" + (", or a tenth of the steps" if field == "validate_every" else "")
        words = f"{words} (default: {usual})"
        choices.add_argument(option, dest=field, type=kind, metavar=metavar, help=words)
    choices.add_argument("--height-loss", choices=HEIGHT_LOSSES, help=f"default: {_DEFAULTS['height_loss']}")
    choices.add_argument("--gradient-checkpointing", choices=CHECKPOINTING,
                         help="compute activations again instead of keeping them: less memory, more time, the same "
                         f"result (default: {_DEFAULTS['gradient_checkpointing']}, on for Stable Diffusion)")
    choices.add_argument("--device", choices=DEVICES, help=f"default: {_DEFAULTS['device']}")
    choices.add_argument("--name", dest="model_name", metavar="NAME", help="of the model (default: of its folder)")
    choices.add_argument("--title", metavar="TEXT", help=f"of the model (default: {_DEFAULTS['title']})")


def _run(options, control) -> int:
    from ..jobs import train

    given = {name: value for name, value in vars(options).items() if name in _DEFAULTS and value is not None}
    given.setdefault("model_name", model_name_of(options.package_path))
    given.setdefault("validate_every", usual_validate_every(given.get("steps", _DEFAULTS["steps"])))
    values = train.run(TrainJob.from_dict(given), control)
    control.close()
    if not values:  # a process beside the first, which tells all
        return 0
    if options.json:
        print(json.dumps(values, indent=2))
    elif not options.quiet:
        for name, path in values["outputs"].items():
            print(f"{name}: {path}")
        found = [
            text.format(values[name])
            for name, text in (("validation_mae_m", "MAE {:.2f} m"), ("validation_rmse_m", "RMSE {:.2f} m"),
                               ("accuracy", "accuracy {:.1%}"), ("building_iou", "building IoU {:.3f}"))
            if values[name] is not None
        ]
        print(f"{values['steps_done']} steps in {values['seconds']:.0f} s on {values['device']}; held-out blocks: "
              f"{', '.join(found)}")
    return 0
