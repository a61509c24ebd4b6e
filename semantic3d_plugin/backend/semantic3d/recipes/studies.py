"""What each table of the paper compares: its rows, their configurations, and the columns.

A row without a recipe is a network of other authors that this project does not have; its published figures stand alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .published import PUBLISHED
from .recipe import BASES, PAPER_DC, PAPER_US3D, Recipe

MC_DROPOUT = 0.1  # ours: the paper does not say how much is dropped, nor where, nor in how many passes
RANKS = (8, 16, 32, 64, 128, 256)
TIMESTEPS = (1, 261, 999)  # VPD; CleanDIFT; E2E-FT and Lotus
SUBSETS = {"us3d": ("HD", "RZ", "IZ", "RN"), "dc": ("HD", "RZ", "IZ", "VZ")}
DATA_NAMES = {"us3d": "US3D JAX", "dc": "Open Data DC"}
OTHERS = "others"  # figures of pixels that are not building, the paper's background (-B)


@dataclass(frozen=True)
class Column:
    """A figure: its name, the group of pixels and the key in `evaluation`'s figures."""

    name: str
    group: str
    key: str


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        label: as in the paper.
        recipe: how it is trained; None where we have no such network.
        group: takes the place of the columns' group: a class, a subset.
        remark: what a reader must know about our figures.
    """

    label: str
    recipe: Recipe | None = None
    group: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Study:
    """One table.

    Attributes:
        number: "I" to "XIII", or the name of a study that the paper shows as a figure or leaves open.
        title: what it compares.
        columns: as in the paper; `extra` are ours, without published figures.
        rows: in the paper's order.
        parts: of the evaluation that the columns need.
        remarks: what the paper leaves open here, and what we took.
    """

    number: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    parts: tuple[str, ...] = ("main",)
    extra: tuple[Column, ...] = ()
    remarks: tuple[str, ...] = ()

    def published(self, row: Row) -> tuple[float | None, ...]:
        """The paper's figures of a row, None where it gives none."""
        return PUBLISHED.get(self.number, {}).get(row.label, (None,) * len(self.columns))

    def recipes(self) -> list[Recipe]:
        """Every training that the table needs, once."""
        return list(dict.fromkeys(row.recipe for row in self.rows if row.recipe))

    @property
    def data(self) -> list[str]:
        """The data sets that it needs."""
        return list(dict.fromkeys(recipe.data for recipe in self.recipes()))


_PARTS = (("A", "all"), ("F", "building"), ("B", OTHERS))
_HEIGHT = tuple(
    Column(f"{name}-{letter}", group, key) for name, key in (("MAE", "mae_m"), ("RMSE", "rmse_m"))
    for letter, group in _PARTS
)
_DELTA = tuple(Column(f"delta_{n}", "all", f"delta_{n}_all") for n in (1, 2, 3))
_TALL_DELTA = tuple(Column(f"delta_{n}, truth > 1 m", "all", f"delta_{n}") for n in (1, 2, 3))
_CLASSES = (
    *(Column(f"Acc-{letter}", group, "accuracy") for letter, group in _PARTS),
    Column("IoU-F", "building", "iou"), Column("mIoU", "all", "mean_iou"),
)
_SHORT_HEIGHT = (_HEIGHT[0], _HEIGHT[1], _HEIGHT[3], _HEIGHT[4])
_UECC = Column("UECC", "all", "uecc")
_CALIBRATED = Column("UECC of the predictive deviation", "all", "uecc_std")

_DELTA_REMARK = (
    "delta_n over all pixels is undefined where the truth is 0; heights below 0.1 m count as 0.1 m. Beside it, over "
    "pixels whose truth is above 1 m."
)
_STAND_IN = "stand-in: a small network of this kind, not the authors' code"


def _ours(paper: Recipe) -> tuple[Row, ...]:
    return tuple(Row(f"SD-v2.0 (r={rank})", replace(paper, lora_rank=rank)) for rank in (64, 128, 256))


def _height_rows(number: str, paper: Recipe) -> tuple[Row, ...]:
    have = {
        "U-Net": Row("U-Net", replace(paper, network="unet"), remark=_STAND_IN),
        "HTC-DC": Row("HTC-DC", replace(paper, network="bins"), remark=_STAND_IN),
        "Marigold": Row(
            "Marigold", replace(paper, network="latent_map", task="height", lora_rank=64),
            remark="stand-in: S1, one step without noise",
        ),
        **{row.label: row for row in _ours(paper)},
    }
    return tuple(have.get(label, Row(label)) for label in PUBLISHED[number])


def _class_rows(number: str, paper: Recipe) -> tuple[Row, ...]:
    have = {
        "Unet": Row("Unet", replace(paper, network="unet"), remark=_STAND_IN),
        "DeeplabV3+": Row("DeeplabV3+", replace(paper, network="deeplab"), remark=_STAND_IN),
        **{row.label: row for row in _ours(paper)},
    }
    return tuple(have.get(label, Row(label)) for label in PUBLISHED[number])


def _ablations(task: str) -> tuple[Row, ...]:
    plain = replace(PAPER_DC, shortcuts=False, pyramid=False)
    return (
        Row("S1", replace(PAPER_DC, network="latent_map", task=task)),
        Row("S2A", replace(plain, task=task)),
        Row("S2B", plain),
        Row("S2B,S3", replace(plain, shortcuts=True)),
        Row("S2B,S3,S4", PAPER_DC),
    )


def _by_data(data: str, rank: int = 64) -> Recipe:
    return replace(PAPER_US3D if data == "us3d" else PAPER_DC, lora_rank=rank)


_CATEGORIES = {
    "US3D JAX: Ground": "ground", "US3D JAX: Tree": "tree", "US3D JAX: Water": "water",
    "US3D JAX: Bridge/Elevated/Road": "bridge or elevated road",
    "Open Data DC: Tree": "tree", "Open Data DC: Understory Vegetation": "understory vegetation",
    "Open Data DC: Impervious Surface": "impervious surface", "Open Data DC: Road": "road",
    "Open Data DC: Water": "water",
}


def _data_of(label: str) -> str:
    return "us3d" if label.startswith(DATA_NAMES["us3d"]) else "dc"


_STUDIES = (
    Study("I", "Heights beside other methods, US3D JAX", (*_HEIGHT, *_DELTA), _height_rows("I", PAPER_US3D),
          extra=_TALL_DELTA, remarks=(_DELTA_REMARK,)),
    Study("II", "Heights beside other methods, Open Data DC", (*_HEIGHT, *_DELTA), _height_rows("II", PAPER_DC),
          extra=_TALL_DELTA, remarks=(_DELTA_REMARK,)),
    Study("III", "Land cover beside other methods, US3D JAX", _CLASSES, _class_rows("III", PAPER_US3D)),
    Study("IV", "Land cover beside other methods, Open Data DC", _CLASSES, _class_rows("IV", PAPER_DC)),
    Study("V", "Classes other than building, r = 64",
          (Column("MAE", "", "mae_m"), Column("RMSE", "", "rmse_m"), Column("Acc", "", "accuracy"),
           Column("IoU", "", "iou")),
          tuple(Row(label, _by_data(_data_of(label)), f"class {name}") for label, name in _CATEGORIES.items())),
    Study("VI", "Land-use subsets of the test sets, r = 64",
          (Column("MAE-A", "", "mae_m"), Column("RMSE-A", "", "rmse_m"), Column("Acc-A", "", "accuracy"),
           Column("mIoU", "", "mean_iou")),
          tuple(Row(f"{DATA_NAMES[data]}: {name}", _by_data(data), f"subset {name}")
                for data, names in SUBSETS.items() for name in names), ("subsets",),
          remarks=("The paper does not publish which crop belongs to which subset: give subsets.csv.",)),
    Study("VII", "Shadow and no shadow, r = 64",
          (Column("shadow MAE", "shadow", "mae_m"), Column("shadow RMSE", "shadow", "rmse_m"),
           Column("no shadow MAE", "lit", "mae_m"), Column("no shadow RMSE", "lit", "rmse_m")),
          tuple(Row(DATA_NAMES[data], _by_data(data)) for data in ("dc", "us3d")), ("main", "shadow"),
          extra=(Column("share in shadow", "shadow", "pixel_share"),),
          remarks=("Shadows are those of this project's detector, after Silva et al. 2018 as in the paper, not of "
                   "their code. The paper finds 14.39 % shadow in US3D JAX and 13.77 % in Open Data DC.",)),
    Study("VIII", "Ablation of heights, Open Data DC", (*_SHORT_HEIGHT, _DELTA[0]), _ablations("height"),
          remarks=("S2A is a network per task. The ranks of tables VIII to XII are not stated; r = 128 has their "
                   "figures in table II.", _DELTA_REMARK)),
    Study("IX", "Ablation of land cover, Open Data DC", _CLASSES, _ablations("classes"),
          remarks=("The paper does not say how S1 makes colours of classes: here, corners of the colour cube.",)),
    Study("X", "Base models, r = 128, Open Data DC",
          (Column("#Params, M", "model", "adapter_millions"), *_SHORT_HEIGHT, _DELTA[0], *_CLASSES[:2],
           Column("IoU-A", OTHERS, "accuracy"), *_CLASSES[3:]),
          tuple(Row(name, replace(PAPER_DC, base=base)) for base, name in BASES.items()),
          remarks=("IoU-A is not defined in the paper. Its 0.8278 of SD-v2.0 is Acc-B of the same run in table IX, so "
                   "that Acc-B stands here.",)),
    Study("XI", "Weight lambda of the evidence's penalty, Open Data DC", (_UECC,),
          tuple(Row(f"lambda = {value:g}", replace(PAPER_DC, penalty_weight=value)) for value in (0.01, 0.1, 0.2, 1.0)),
          extra=(_CALIBRATED,)),
    Study("XII", "Supervision of heights: MSE, MC dropout, EHR; Open Data DC", (*_SHORT_HEIGHT, _UECC),
          (Row("MSE", replace(PAPER_DC, supervision="squared_error")),
           Row("MC Dropout", replace(PAPER_DC, supervision="squared_error", dropout=MC_DROPOUT)),
           Row("EHR", PAPER_DC)),
          extra=(_CALIBRATED,),
          remarks=(f"The paper states neither the dropout nor the passes: here {MC_DROPOUT:g} in the decoder, "
                   f"{PAPER_DC.passes} passes.",)),
    Study("XIII", "Surfaces as point clouds, r = 64, Open Data DC",
          (Column("d_CD", "surface", "chamfer_m"),
           *(Column(f"F1@{limit}", "surface", f"f1_{limit}") for limit in ("1.0", "0.5", "0.2"))),
          (Row("DenseCLIP"), Row("VDP"), Row("Ours (r=64)", replace(PAPER_DC, lora_rank=64))), ("main", "surface"),
          remarks=("The paper defines neither the sampling nor its Chamfer distance. Here: one point per pixel, mean "
                   "of both directed mean distances, which are cut at 5 m; d_CD is not to be set beside its own.",)),
    Study("FIG7", "LoRA ranks, Open Data DC (figure 7: the paper plots it without numbers)",
          (*_SHORT_HEIGHT, _DELTA[0], _CLASSES[0], _CLASSES[4]),
          tuple(Row(f"r = {rank}", replace(PAPER_DC, lora_rank=rank)) for rank in RANKS)),
    Study("TSTAR", "Timestep t*, Open Data DC (open in the paper: no figures)", (*_SHORT_HEIGHT, _UECC, _CLASSES[4]),
          tuple(Row(f"t* = {step}", replace(PAPER_DC, timestep=step)) for step in TIMESTEPS)),
)  # fmt: skip
STUDIES = {study.number: study for study in _STUDIES}
