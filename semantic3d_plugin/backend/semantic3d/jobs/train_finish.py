"""What a training job says about its model: manifest, card, report, result."""

from __future__ import annotations

import math
from dataclasses import dataclass

from s3d_protocol import OutputFailed, product_version
from s3d_protocol.messages import one_line

from ..datasets.labelled import NOT_BUILDING
from ..exporters.train_report import TrainReportData, write_train_report
from ..metrics.calibration import Calibration
from ..metrics.figures import GROUND_UNSEPARATED
from ..models.package import CLASS_PART, HEIGHT_PART
from ..training.bases import architecture_of, images_text, split_settings
from ..training.fine_tune import Validation
from ..training.packaging import NORMALISATION
from ..training.scoring import Scores

_LONGEST_CURVE = 60  # rows of the card's table
_CLEARLY_BETTER = 0.99  # of the better guess's error
_LEAST_BLOCKS = 4  # fewer held-out blocks say little
_LEAST_BUILDING_IOU = 0.05  # below, a map of buildings is of no use


@dataclass(frozen=True)
class Outcome:
    """A finished run.

    Attributes:
        prepared: the job's `Prepared`.
        rows: validations, before training first.
        best_step, steps_done: whose weights the package holds; how far the run went.
        scores: of the stored model on the held-out blocks.
        plain: name -> figures of predictors that need no network.
        calibration: of the standard deviations, on the held-out blocks; the base's where these have no height.
    """

    prepared: object
    rows: list[Validation]
    best_step: int
    steps_done: int
    scores: Scores
    plain: dict[str, Scores]
    calibration: Calibration

    @property
    def building_iou(self) -> float:
        return self.scores.iou.get(self.prepared.classes.building_code, math.nan)

    @property
    def warnings(self) -> list[str]:
        """What the user should know about the outcome; what concerns the data was said before."""
        found = []
        before, best = self.rows[0], next(row for row in self.rows if row.step == self.best_step)
        if self.prepared.base.has_decoder and best.rank >= before.rank:
            found.append(
                "Training brought no gain on the held-out blocks: before it "
                f"{_short(before.figures)}, after step {best.step} {_short(best.figures)}. Keep the base model."
            )
        name, plain_mae_m = min(((name, item.mae_m) for name, item in self.plain.items()), key=lambda pair: pair[1])
        if self.scores.height_pixels and self.scores.mae_m >= _CLEARLY_BETTER * plain_mae_m:
            found.append(
                f"The heights are hardly better (MAE {self.scores.mae_m:.2f} m) than a guess, {name} "
                f"({plain_mae_m:.2f} m): train longer, or check that references and images show the same time and place."
            )
        if not self.scores.height_pixels and self.prepared.base.has_decoder:
            found.append(
                "Sigma keeps the calibration of the base, because no held-out block has a height: how far the new "
                "model's heights can be trusted was not measured."
            )
        found += self._class_warnings()
        if len(self.prepared.split.validation) < _LEAST_BLOCKS:
            found.append(
                f"Only {len(self.prepared.split.validation)} block(s) were held out, so that the validation figures "
                "are rough. More labelled ground makes them firmer."
            )
        return found

    def _class_warnings(self) -> list[str]:
        found = []
        plain = self.plain["mean of the training heights"]
        if self.scores.class_pixels and self.scores.accuracy <= plain.accuracy:
            found.append(
                f"The land cover is no better ({self.scores.accuracy:.1%} right) than one class everywhere "
                f"({plain.accuracy:.1%}): train longer, or check that references and images show the same time and "
                "place."
            )
        if self.building_iou < _LEAST_BUILDING_IOU:  # NaN, where none is labelled, is not
            found.append(
                f"The model finds almost none of the buildings in the held-out blocks (IoU {self.building_iou:.3f}): "
                "train longer, or give more ground with buildings."
            )
        return found


def describe(outcome: Outcome) -> tuple[dict, str]:
    """The package's manifest (without files and weights) and its card."""
    prepared, base, job = outcome.prepared, outcome.prepared.base, outcome.prepared.job
    manifest = {
        "name": job.model_name,
        "version": "1.0.0",
        "title": one_line(job.title),
        "licence": base.licence,
        "description": f"{one_line(base.name)}, fine-tuned on {prepared.data.megapixels:.1f} megapixels of the user's "
                       "rasters.",
        "bands": ["red", "green", "blue"],
        "normalisation": NORMALISATION,
        "gsd_m": base.gsd_m,
        "gsd_range_m": list(base.gsd_range_m),
        "tile_size_px": base.tile_px,
        "height_scale_m": base.adaptation.height_scale_m,
        "timestep": base.adaptation.timestep,
        "condition": _condition(base),
        "classes": base.classes,
        "calibration": {
            "predictive_std_scale": round(outcome.calibration.scale, 4),
            "predictive_std_power": outcome.calibration.power,
            "method": _calibration_method(outcome),
            **({"intervals": [list(pair) for pair in outcome.calibration.intervals]}
               if outcome.calibration.intervals else {}),
        },
        "training_data": [
            *base.training_data,
            {
                "name": images_text(job.image_paths),
                "licence": "the user's own data, terms not stated",
                "attribution": "",
            },
        ],
        "validation": {
            "held_out": outcome.scores.to_dict(),
            "split": split_settings(job),
            "untaught": untaught(prepared),
            "before_training": outcome.rows[0].figures if base.has_decoder else None,
            **{name.replace(" ", "_"): scores.to_dict() for name, scores in outcome.plain.items()},
        },
        "architecture": architecture_of(base, job.lora_rank),
    }
    return manifest, card(outcome)


def untaught(prepared) -> list[str]:
    """Which of the outputs neither these labels nor the base's training taught, as the manifest states it."""
    training, package = prepared.split.training, prepared.base.package
    parts = {
        HEIGHT_PART: any(sample.has_heights for sample in training),
        CLASS_PART: any(sample.has_land_cover for sample in training),
    }
    unknown = parts if package is None else package.untaught  # to the base
    return [part for part, is_taught in parts.items() if part in unknown and not is_taught]


def _condition(base) -> dict:
    """What the manifest says of C'."""
    if base.diffusion is None:
        return {"kind": "stored", "note": "as in the base"}
    return {"kind": "stored", "note": "the empty prompt's embedding", "sha256": base.diffusion.prompt.sha256}


def card(outcome: Outcome) -> str:
    """The model card, markdown."""
    prepared, job = outcome.prepared, outcome.prepared.job
    lines = [f"# {job.title} ({job.model_name})", ""]
    lines += [f"Heights above ground, their uncertainty and land cover, fine-tuned from {prepared.base.name} by "
              f"Semantic 3D {product_version()}.", "", "## Learnt from", ""]
    lines += [f"- {text}" for text in prepared.data.facts]
    lines += [f"- {label}: {text}" for label, text in _label_facts(outcome).items()]
    lines += ["", "## Split", ""] + [f"- {label}: {text}" for label, text in _split_facts(outcome).items()]
    lines += ["", "## Held-out blocks", "", *_markdown(figure_rows(outcome))]
    lines += ["", _calibration_text(outcome), "", "## Curve", "", *_markdown(_curve_rows(outcome))]
    lines += ["", "## Settings", ""] + [f"- {label}: {text}" for label, text in _setting_facts(outcome).items()]
    warnings = [*prepared.data.warnings, *outcome.warnings]
    if warnings:
        lines += ["", "## Please note", ""] + [f"- {text}" for text in warnings]
    lines += ["", "Expect good results on imagery like the above, and less on other places, seasons and cameras."]
    return "\n".join(lines) + "\n"


def write_report_aside(outcome: Outcome, card_text: str, path: str) -> None:
    """Write the HTML report.

    Raises:
        OutputFailed: it cannot be written.
    """
    prepared, scores = outcome.prepared, outcome.scores
    plain = outcome.plain["mean of the training heights"]
    rows = outcome.rows
    cards = {
        "height MAE, held-out blocks": _number(scores.mae_m, "{:.2f} m"),
        "height RMSE": _number(scores.rmse_m, "{:.2f} m"),
        "right classes": _number(scores.accuracy, "{:.1%}"),
        "building IoU": _number(outcome.building_iou, "{:.3f}"),
        "steps": f"{outcome.steps_done} (best: {outcome.best_step})",
    }
    data = TrainReportData(
        title=prepared.job.title,
        cards={label: text for label, text in cards.items() if text != "-"},
        losses=[(row.step, row.loss) for row in rows if row.loss is not None],
        heights=[(row.step, row.figures["mae_m"]) for row in rows if row.figures["mae_m"] is not None],
        accuracies=[(row.step, row.figures["accuracy"]) for row in rows if row.figures["accuracy"] is not None],
        plain_mae_m={name: item.mae_m for name, item in outcome.plain.items() if item.height_pixels},
        plain_accuracy=plain.accuracy if plain.class_pixels else None,
        figures=figure_rows(outcome),
        facts={
            "Images and labels": dict(enumerate(prepared.data.facts, 1)) | _label_facts(outcome),
            "Split": _split_facts(outcome),
            "Settings": _setting_facts(outcome),
        },
        warnings=(*prepared.data.warnings, *outcome.warnings),
        card=card_text,
    )
    try:
        write_train_report(path, data)
    except OSError as error:
        raise OutputFailed(f"The report {prepared.job.report_path} cannot be written: {error}.") from error


def result_values(outcome: Outcome) -> dict:
    """The job's result, without time and outputs."""
    scores, prepared = outcome.scores, outcome.prepared
    iou = outcome.building_iou
    return {
        "validation_mae_m": scores.mae_m if scores.height_pixels else None,
        "validation_rmse_m": scores.rmse_m if scores.height_pixels else None,
        "accuracy": scores.accuracy if scores.class_pixels else None,
        "building_iou": None if math.isnan(iou) else iou,
        "steps_done": outcome.steps_done,
        "best_step": outcome.best_step,
        "device": prepared.device,
        "megapixels": prepared.data.megapixels,
        "warnings": [*prepared.data.warnings, *outcome.warnings],
    }


def figure_rows(outcome: Outcome) -> list[list[str]]:
    """A table of figures: this model, the base, predictors without a network; head first."""
    names = {code: item["name"] for code, item in enumerate(outcome.prepared.base.classes, 1)}
    shown = [code for code, value in outcome.scores.iou.items() if not math.isnan(value)]
    head = ["", "MAE, m", "RMSE, m", "bias, m", "right classes", *(f"IoU {names[code]}" for code in shown)]
    rows = [("this model", outcome.scores.to_dict())]
    if outcome.prepared.base.has_decoder:
        rows.append(("before training", outcome.rows[0].figures))
    rows += [(name, scores.to_dict()) for name, scores in outcome.plain.items()]
    return [head] + [
        [name, *(_number(values[key], "{:.2f}") for key in ("mae_m", "rmse_m", "bias_m")),
         _number(values["accuracy"], "{:.3f}"), *(_number(values["iou"][str(code)], "{:.3f}") for code in shown)]
        for name, values in rows
    ]


def _calibration_text(outcome: Outcome) -> str:
    """What becomes of the standard deviations, for the card."""
    found = outcome.calibration
    becomes = f"Standard deviations s become {found.scale:.4g} s^{found.power:g}"
    if not outcome.scores.height_pixels:
        return f"{becomes}{', as in the base' if outcome.prepared.base.has_decoder else ''}: {_uncalibrated(outcome)}."
    return (
        f"{becomes}, with which 1 sigma covers {_number(found.cover_one_sigma, '{:.1%}')} and 1.96 sigma "
        f"{_number(found.cover_two_sigma, '{:.1%}')} of the held-out heights. The same blocks chose weights and "
        "calibration, so that these figures are a little too good."
    )


def _calibration_method(outcome: Outcome) -> str:
    if outcome.scores.height_pixels:
        return (
            "1 sigma covers 68.27 % of the pixels with a height in the held-out blocks; intervals give the half width "
            "of other central intervals in sigma"
        )
    kept = "as in the base, not calibrated anew" if outcome.prepared.base.has_decoder else "none"
    return f"{kept}: {_uncalibrated(outcome)}"


def _uncalibrated(outcome: Outcome) -> str:
    """Why nothing was calibrated."""
    if any(sample.has_heights for sample in outcome.prepared.split.training):
        return "heights were given, but none of them lies in a held-out block"
    return "no heights were given"


def _curve_rows(outcome: Outcome) -> list[list[str]]:
    step = max(1, math.ceil(len(outcome.rows) / _LONGEST_CURVE))
    always = (outcome.best_step, outcome.steps_done)
    kept = [row for n, row in enumerate(outcome.rows) if n % step == 0 or row.step in always]
    return [["step", "loss", "MAE, m", "right classes"]] + [
        [str(row.step), _number(row.loss, "{:.4f}"), _number(row.figures["mae_m"], "{:.3f}"),
         _number(row.figures["accuracy"], "{:.3f}")]
        for row in kept
    ]


def _label_facts(outcome: Outcome) -> dict[str, str]:
    data, classes = outcome.prepared.data, outcome.prepared.base.classes
    names = {code: item["name"] for code, item in enumerate(classes, 1)}
    names |= {NOT_BUILDING: "no building, else unknown"}
    names.setdefault(GROUND_UNSEPARATED, "ground of unknown kind")
    total = sum(data.class_pixels.values())
    shares = ", ".join(f"{names[code]} {count / total:.1%}" for code, count in sorted(data.class_pixels.items()))
    return {
        "Pixels": f"{data.megapixels:.2f} megapixels; heights on {data.height_share:.1%}, "
        f"land cover on {data.class_share:.1%}",
        "Land cover": shares or "none",
    }


def _split_facts(outcome: Outcome) -> dict[str, str]:
    split, job = outcome.prepared.split, outcome.prepared.job
    return {
        "Blocks": f"{len(split.training)} to learn from, {len(split.validation)} held out, of about {job.block_m:g} m",
        "Between them": f"a strip of {split.guard_m:g} m, cut from the held-out blocks",
        "Judged": "with the image around them, as at work; their own pixels alone count",
        "Drawn with": f"seed {job.seed}, share {job.validation_share:g}",
    }


def _setting_facts(outcome: Outcome) -> dict[str, str]:
    job, prepared = outcome.prepared.job, outcome.prepared
    return {
        "Base": f"{prepared.base.name}, sha256 {prepared.base.identity[:16]}",
        "Adapter": f"LoRA of rank {job.lora_rank}; decoder and VAE encoder learn whole"
        if prepared.base.adaptation.train_encoder else f"LoRA of rank {job.lora_rank}; the decoder learns whole",
        "Steps": f"{outcome.steps_done} of {job.steps}, {prepared.batches_per_step * job.batch_size} patches of "
        f"{job.patch_px} pixels each",
        "Weights": f"running average, best validation: step {outcome.best_step}",
        "Optimiser": f"AdamW, learning rate {job.learning_rate:g}, weight decay {job.weight_decay:g}",
        "Loss": f"evidential, {job.height_loss}, penalty {job.penalty_weight:g}; cross-entropy",
        "Device": prepared.device,
    }


def _markdown(rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


def _number(value, form: str) -> str:
    return "-" if value is None or not math.isfinite(value) else form.format(value)


def _short(figures: dict) -> str:
    return f"MAE {_number(figures['mae_m'], '{:.2f} m')}, right classes {_number(figures['accuracy'], '{:.1%}')}"
