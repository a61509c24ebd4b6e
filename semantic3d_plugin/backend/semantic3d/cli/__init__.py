"""The command line: semantic3d reconstruct, quicklook, doctor, model-info.

Exit codes: 0 done, 1 the work failed, 2 wrong parameters, 130 cancelled (Ctrl-C).
"""
from __future__ import annotations

import argparse
import glob
import json
import os
import re
import signal
import sys
from dataclasses import fields, replace

from s3d_protocol import (
    DEVICES, Cancelled, DoctorJob, InternalError, InvalidParameter, JobControl, OutputFailed, ReconstructJob,
    Semantic3DError, product_version,
)
from s3d_protocol.diagnosis import diagnose, weight_file_errors
from s3d_protocol.job_base import check_output_files

from ..progress_bar import ProgressBar
from . import detect_shadows, evaluate, train
from .scenes import outputs_beside, reconstruct_scenes

EXIT_FAILED, EXIT_WRONG_PARAMETERS, EXIT_CANCELLED = 1, 2, 130
DEFAULTS = {field.name: field.default for field in fields(ReconstructJob)}
_NEGATIVE_LIST = re.compile(r"-[\d.][^a-zA-Z]*,")


class TerminalControl(JobControl):
    """Shows a job's progress and messages on standard error; Ctrl-C asks the job to stop."""

    def __init__(self, quiet: bool = False):
        super().__init__()
        self._quiet = quiet
        self._bar = ProgressBar(sys.stderr)

    def send_progress(self, message: dict) -> None:
        if not self._quiet:
            self._bar.show(message)

    def send_log(self, text: str, level: str) -> None:
        if not self._quiet or level != "info":
            self._bar.clear()
            print(text if level == "info" else f"{level}: {text}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the bar's line."""
        self._bar.finish()


def main(arguments: list | None = None) -> int:
    """Run the command line; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):  # a Windows code page lacks most letters that paths may have
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = _parsed(arguments)
    control = TerminalControl(getattr(options, "quiet", False))
    before = _cancel_on_signals(control)
    try:
        return options.command(options, control)
    except Cancelled:
        return _failed(control, "cancelled", EXIT_CANCELLED)
    except KeyboardInterrupt:
        return _failed(control, "interrupted", EXIT_CANCELLED)
    except InvalidParameter as error:
        return _failed(control, error.message, EXIT_WRONG_PARAMETERS)
    except Semantic3DError as error:
        return _failed(control, error.message, EXIT_FAILED)
    except BrokenPipeError:  # whoever reads our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except (MemoryError, ImportError, OSError, RuntimeError, *weight_file_errors()) as fault:
        error = diagnose(fault)
        if isinstance(error, InternalError):
            raise
        return _failed(control, error.message, EXIT_FAILED)
    finally:
        control.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _parsed(arguments: list) -> argparse.Namespace:
    """Parse the command line; what is left over ends it, with a hint where a shell has spread a pattern out."""
    parser = build_parser()
    options, left = parser.parse_known_args(_with_negative_lists(arguments))
    if left:
        hint = ""
        if options.command is _reconstruct and not left[0].startswith("-"):
            hint = ' (many images: put the pattern into quotes, as in "sheets/*.tif", or name their folder)'
        parser.error(f"unrecognized arguments: {' '.join(left)}{hint}")
    return options


def build_parser() -> argparse.ArgumentParser:
    """The parser; defaults come from the job dataclass."""
    parser = argparse.ArgumentParser(prog="semantic3d", description="Heights above ground, their uncertainty and "
                                     "land cover from one aerial image.")
    parser.add_argument("--version", action="version", version=f"semantic3d {product_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_reconstruct(commands)
    _add_quicklook(commands)
    evaluate.add_to(commands)
    detect_shadows.add_to(commands)
    train.add_to(commands)
    doctor = commands.add_parser("doctor", help="look over packages, model and devices")
    doctor.add_argument("--model", default=DoctorJob().model_path, metavar="PATH", help=_MODEL_HELP)
    doctor.add_argument("--device", choices=DEVICES, default=DoctorJob().device)
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(command=_doctor, quiet=True)
    info = commands.add_parser("model-info", help="check a model package and show what it says")
    info.add_argument("path", nargs="?", default="", help="folder, zip or ONNX file (default: the bundled model)")
    info.add_argument("--json", action="store_true", help="print all fields as JSON")
    info.set_defaults(command=_model_info, quiet=True)
    return parser


_MODEL_HELP = "model package: folder, zip, or Deepness-style ONNX (default: the bundled model)"


def _add_reconstruct(commands) -> None:
    parser = commands.add_parser(
        "reconstruct", help="heights, uncertainty and land cover of an orthophoto",
        epilog="Without any output option, IMAGE_height.tif, IMAGE_sigma.tif and IMAGE_land_cover.tif are written "
               "beside the image.")
    parser.add_argument("image", metavar="IMAGE", help="orthophoto, any raster that GDAL reads; or many images "
                        "as one mosaic: a folder, a pattern in quotes, a STAC item or item collection (JSON)")
    outputs = parser.add_argument_group("outputs")
    outputs.add_argument("--height", dest="height_path", metavar="TIF", help="metres above ground")
    outputs.add_argument("--sigma", dest="sigma_path", metavar="TIF", help="standard deviation in metres, its parts")
    outputs.add_argument("--land-cover", dest="land_cover_path", metavar="TIF", help="class ids")
    outputs.add_argument("--probabilities", dest="probabilities_path", metavar="TIF", help="one band per class")
    outputs.add_argument("--report", dest="report_path", metavar="HTML")
    outputs.add_argument("--quicklook", metavar="PNG", help="one picture of image and results, side by side")
    outputs.add_argument("--each", metavar="FOLDER", help="many images stay scenes of their own: NAME_height.tif, "
                         "NAME_sigma.tif and NAME_land_cover.tif of each come here; what is there is not done again")
    choices = parser.add_argument_group("parameters")
    choices.add_argument("--model", dest="model_path", metavar="PATH", help=_MODEL_HELP)
    choices.add_argument("--bands", type=_integers, metavar="R,G,B", help="one-based bands (default: the image says)")
    choices.add_argument("--extent", type=_numbers, metavar="XMIN,YMIN,XMAX,YMAX", help="in the image's CRS")
    choices.add_argument("--gsd", dest="gsd_m", type=float, metavar="METRES", help="per pixel (default: from the grid)")
    choices.add_argument("--overlap", dest="overlap_px", type=int, metavar="PIXELS", help=_default("overlap_px"))
    choices.add_argument("--device", choices=DEVICES, help=_default("device"))
    choices.add_argument("--batch-size", type=int, metavar="TILES", help=_default("batch_size"))
    choices.add_argument("--max-memory", dest="max_memory_mb", type=int, metavar="MB", help=_default("max_memory_mb"))
    choices.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler whose workers compute, such as "
                         "tcp://host:8786 (default: compute here)")
    parser.add_argument("--quiet", action="store_true", help="no progress, warnings only")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=_reconstruct)


def _add_quicklook(commands) -> None:
    parser = commands.add_parser("quicklook", help="one picture of an image and its results, side by side")
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("picture", metavar="PNG")
    parser.add_argument("--height", default="", metavar="TIF")
    parser.add_argument("--sigma", default="", metavar="TIF")
    parser.add_argument("--land-cover", default="", metavar="TIF")
    parser.add_argument("--bands", type=_integers, default=(), metavar="R,G,B")
    parser.add_argument("--gsd", type=float, default=0.0, metavar="METRES", help="for the scale bar")
    parser.add_argument("--title", default="")
    parser.set_defaults(command=_quicklook, quiet=True)


def _reconstruct(options, control: TerminalControl) -> int:
    from ..jobs import reconstruct

    given = {name: value for name, value in vars(options).items() if name in DEFAULTS and value is not None}
    job = ReconstructJob.from_dict({"image_path": options.image, **given})
    if options.each:
        if job.outputs() or options.quicklook:
            raise InvalidParameter("--each names the outputs itself: leave the other output options out.")
        return _reconstruct_each(job, options, control)
    if not job.outputs():
        job = replace(job, **outputs_beside(_output_stem(options.image)))
    if options.quicklook:
        _check_picture(options.quicklook, job.outputs(), _images(options.image))
    values = reconstruct.run(job, control)
    if options.quicklook:
        image = values.get("image_path") or options.image
        _write_quicklook(options.quicklook, image, job.height_path, job.sigma_path, job.land_cover_path,
                         job.bands, float(values.get("gsd_m") or job.gsd_m))
    control.close()
    _print_result(values, options)
    return 0


def _reconstruct_each(job: ReconstructJob, options, control: TerminalControl) -> int:
    found = reconstruct_scenes(job, options.each, control)
    control.close()
    failed = f"{len(found.failed)} failed" + (f" ({', '.join(found.failed)})" if found.failed else "")
    text = f"{found.done} scenes done, {found.there} were there, {failed}. Results are in {options.each}."
    if options.json:
        print(json.dumps({"done": found.done, "there": found.there, "failed": found.failed}, indent=2))
    elif found.failed:
        print(f"semantic3d: {text}", file=sys.stderr)
    elif not options.quiet:
        print(text)
    return EXIT_FAILED if found.failed else 0


def _output_stem(image: str) -> str:
    from ..raster.block_sizes import is_plain_path

    if not is_plain_path(image):
        raise InvalidParameter(
            f"{image} lies in an archive or on a server, where no results can be written beside it: name the outputs, "
            "such as --height heights.tif."
        )
    if glob.has_magic(image) and not os.path.exists(image):
        raise InvalidParameter(f"{image} is a pattern: name the outputs, such as --height heights.tif.")
    return os.path.abspath(image) if os.path.isdir(image) else os.path.splitext(image)[0]


def _print_result(values: dict, options) -> None:
    if options.json:
        print(json.dumps(values, indent=2))
        return
    if options.quiet:
        return
    pictures = {"quicklook": options.quicklook} if options.quicklook else {}
    for name, path in {**values["outputs"], **pictures}.items():
        print(f"{name}: {path}")
    height = values.get("mean_height_m")
    mean = "" if height is None else f", mean height {height:.2f} m"
    print(f"{values['megapixels']:.2f} megapixels in {values['seconds']:.1f} s on {values['device']}{mean}")


def _quicklook(options, control: TerminalControl) -> int:
    shown = {"the height": options.height, "the uncertainty": options.sigma, "the land cover": options.land_cover}
    _check_picture(options.picture, {}, {options.image: "the image", **{path: what for what, path in shown.items()}})
    _write_quicklook(options.picture, options.image, options.height, options.sigma, options.land_cover, options.bands,
                     options.gsd, options.title)
    return 0


def _check_picture(picture: str, outputs: dict, inputs: dict) -> None:
    """Check before the work that a picture can be written, and would take the place of nothing that is needed.

    Args:
        outputs: of the same command, name -> path.
        inputs: path -> what to call it.
    """
    from ..jobs.whole_outputs import check_paths

    needed = {path: what for path, what in inputs.items() if path}
    needed.update({path: f"the {name} output" for name, path in outputs.items()})
    check_output_files({"quicklook": picture}, {"quicklook": (".png",)}, needed)
    check_paths({"quicklook": picture}, needed)


def _images(image: str) -> dict[str, str]:
    """Return the files that IMAGE names -> what to call them."""
    from ..raster.image_collection import find_images, is_collection

    several = find_images(image) if is_collection(image) else ()
    return {image: "the image", **dict.fromkeys(several, "one of the images")}


def _write_quicklook(path: str, image: str, height: str, sigma: str, land_cover: str, bands: tuple, gsd_m: float,
                     title: str = "") -> None:
    from rasterio.errors import RasterioError

    from ..exporters.quicklook import write_quicklook

    try:
        write_quicklook(path, image, height, sigma, land_cover, tuple(bands), gsd_m, (),
                        title or os.path.basename(image))
    except (OSError, RasterioError) as error:
        raise OutputFailed(f"The quick-look {path} cannot be made: {error}") from error


def _doctor(options, control: TerminalControl) -> int:
    from ..jobs import doctor

    values = doctor.run(DoctorJob(options.model, options.device), control)
    print(json.dumps(values, indent=2) if options.json else doctor.report_text(values))
    return 0 if values["healthy"] else EXIT_FAILED


def _model_info(options, control: TerminalControl) -> int:
    from ..models.package import load_package, package_summary

    package = load_package(options.path)
    if options.json:
        print(json.dumps(package_summary(package), indent=2))
        return 0
    classes = ", ".join(f"{item.id} {item.name}" for item in package.classes) or "none"
    low, high = package.gsd_range_m
    lines = {
        "name": f"{package.name} {package.version}".strip(), "title": package.title, "licence": package.licence,
        "path": package.path, "identity": "sha256:" + package.sha256,
        "gives": ", ".join(package.output_names), "classes": classes,
        "GSD": f"{package.gsd_m:g} m (valid {low:g} to {high:g} m)", "tile": f"{package.tile_size_px} pixels",
        "calibration": f"{package.calibration['method']}, factor {package.predictive_std_scale:g}, "
                       f"power {package.predictive_std_power:g}",
        "training data": "; ".join(f"{item['name']} ({item['licence']})" for item in package.training_data) or "none",
        "validation": json.dumps(package_summary(package)["validation"]),
    }
    width = max(map(len, lines))
    print("\n".join(f"{label:<{width}}  {text}" for label, text in lines.items()))
    return 0


def _default(name: str) -> str:
    return f"default: {DEFAULTS[name]}"


def _integers(text: str) -> tuple:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 1,2,3") from error


def _numbers(text: str) -> tuple:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 500000,4800000,500500,4800500") from error


def _with_negative_lists(arguments: list) -> list:
    """Join "--extent" and "-10,0,5,8": argparse takes a list that begins with a minus for an option."""
    joined: list = []
    for argument in arguments:
        if joined and joined[-1] == "--extent" and _NEGATIVE_LIST.match(argument):
            joined[-1] = f"--extent={argument}"
        else:
            joined.append(argument)
    return joined


def _cancel_on_signals(control: JobControl) -> dict:
    """The first signal asks the job to stop, a second one breaks off; returns the handlers of before."""

    def handle(number, frame):
        if control.cancelled:
            raise KeyboardInterrupt
        control.cancel()

    numbers = [signal.SIGINT, signal.SIGTERM]
    hang_up = getattr(signal, "SIGHUP", None)  # the terminal was closed; there is none on Windows
    if hang_up is not None and signal.getsignal(hang_up) != signal.SIG_IGN:  # nohup wants it ignored
        numbers.append(hang_up)
    try:
        return {number: signal.signal(number, handle) for number in numbers}
    except ValueError:  # not the main thread: signals are somebody else's business
        return {}


def _failed(control: TerminalControl, message: str, code: int) -> int:
    control.close()
    print(f"semantic3d: {' '.join(message.split())}", file=sys.stderr)
    return code

