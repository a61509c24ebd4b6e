#!/usr/bin/env python3
"""Run a table of the paper: train its rows, evaluate them, and set the figures beside the published ones.

    python scripts/reproduce.py --list
    python scripts/reproduce.py I --data US3D_FOLDER --base SD2_FOLDER --out runs/paper
    python scripts/reproduce.py X --data DC_FOLDER --base sd15=FOLDER sd2=FOLDER sdxl=FOLDER --out runs/paper
    python scripts/reproduce.py V --data us3d=FOLDER dc=FOLDER --base SD2_FOLDER --out runs/paper
    python scripts/reproduce.py XII --smoke --out runs/smoke
    python scripts/reproduce.py X --set lora_rank=64 --set seed=2 --data DC_FOLDER --base ... --out runs/paper

TABLE is I to XIII, FIG7 (ranks), TSTAR (t*) or "all". Training goes on where it was broken off, finished rows are not
run again, and tables share what they have in common. --set gives every row's recipe another value of a field; such runs
have folders of their own, and their table is named after the change: table_X_lora_rank=64_seed=2.md.
docs/reproduce.md says how the data are to be laid out, and more.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args, get_type_hints

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

import torch  # noqa: E402

from s3d_protocol import InvalidInput, InvalidParameter, Semantic3DError  # noqa: E402
from semantic3d.datasets.crops import PublishedData  # noqa: E402
from semantic3d.datasets.open_data_dc import open_open_data_dc  # noqa: E402
from semantic3d.datasets.us3d import open_us3d  # noqa: E402
from semantic3d.models.latent import LatentDiffusion  # noqa: E402
from semantic3d.recipes.bases import check_base, open_base  # noqa: E402
from semantic3d.recipes.evaluation import SUBSET_PART  # noqa: E402
from semantic3d.recipes.identity import NoSubsets, check_subsets  # noqa: E402
from semantic3d.recipes.recipe import BASES, Recipe  # noqa: E402
from semantic3d.recipes.report import markdown, write_csv  # noqa: E402
from semantic3d.recipes.smoke import CROP_PX, MOST_TESTS, tiny_base, write_smoke_data  # noqa: E402
from semantic3d.recipes.studies import DATA_NAMES, STUDIES, Row, Study  # noqa: E402
from semantic3d.recipes.training import finished_figures, run_recipe  # noqa: E402

OPEN = {"us3d": open_us3d, "dc": open_open_data_dc}
PAPER_HOURS = {"us3d": 9.6, "dc": 13.9}  # a training at r = 64 on one A100 of 80 GB (section V-A)


class Bench:
    """What all rows share: data sets, bases, where runs lie."""

    def __init__(self, options) -> None:
        self.smoke, self.out, self.device = options.smoke, options.out, options.device
        self._data_folders = named(options.data, tuple(OPEN), "--data")
        self._bases = named(options.base, tuple(BASES), "--base")
        self._opened: dict[str, PublishedData] = {}
        self._steps, self._recompute = options.steps, options.recompute
        self._overrides = overrides_of(options.set)
        if options.steps is not None and "steps" in self._overrides:
            raise InvalidParameter(f"Both --steps {options.steps} and --set steps are given. Give one of them.")

    def recipe(self, recipe: Recipe) -> Recipe:
        """As it is run: small for a smoke run, of fewer steps where asked, with the fields that --set gives.

        Raises:
            InvalidParameter: it cannot have them.
        """
        made = recipe.smoke() if self.smoke else recipe
        made = made if self.smoke or self._steps is None else replace(made, steps=self._steps)
        try:
            return replace(made, **self._overrides)
        except ValueError as error:
            raise InvalidParameter(
                f"--set {self._changes(' ')} does not go with the recipe {recipe.key}: {error}. Change it, or choose "
                "other rows with --rows."
            ) from error

    def recipes(self, rows: list[Row]) -> list[Recipe]:
        """Those of rows, as they are run.

        Raises:
            InvalidParameter: --set does not go with one of them, or makes two of them the same.
        """
        row_of: dict[Recipe, Row] = {}
        for row in rows:
            other = row_of.setdefault(self.recipe(row.recipe), row)
            if self._overrides and other.recipe != row.recipe:
                raise InvalidParameter(
                    f"--set {self._changes(' ')} makes the rows {other.label!r} and {row.label!r}, which the table "
                    "compares, the same training. Change it, or choose one of them with --rows."
                )
        return list(row_of)

    def table_path(self, study: Study) -> Path:
        """Where a table is written: not over the plain one where --set changed the recipes."""
        change = f"_{self._changes('_')}" if self._overrides else ""
        return self.out / f"table_{study.number}{change}.md"

    def _changes(self, between: str) -> str:
        return between.join(f"{name}={str(value).lower()}" for name, value in self._overrides.items())

    def data(self, name: str) -> PublishedData:
        """A data set, opened once."""
        if name not in self._opened:
            if self.smoke:
                folder = write_smoke_data(self.out / "data", name)
                self._opened[name] = OPEN[name](folder, CROP_PX)
            else:
                self._opened[name] = OPEN[name](chosen(self._data_folders, name, "--data", DATA_NAMES[name]))
        return self._opened[name]

    def base(self, name: str) -> LatentDiffusion:
        """A fresh pretrained model."""
        if self.smoke:
            return tiny_base(name)
        base = open_base(chosen(self._bases, name, "--base", BASES[name]), self._condition_folder(name))
        if self._recompute:
            base.recompute_activations(True)
        return base

    def _condition_folder(self, base: str) -> Path:
        return self.out / "conditions" / base

    def facts(self, data: PublishedData) -> str:
        """A sentence on a data set."""
        wanted = " and ".join(f"{count:,}" for count in data.paper_counts)
        return (
            f"{data.name}: {len(data.train):,} training and {len(data.test):,} test crops (the paper: {wanted}). "
            + " ".join(data.remarks)
        ).strip()

    def check(self, study: Study, rows: list[Row]) -> list[PublishedData]:
        """Stop before anything is trained where data or a base are missing; returns the rows' data sets.

        Raises:
            Semantic3DError: InvalidInput, InvalidModel, InvalidParameter; `NoSubsets` where only these are missing.
        """
        recipes = self.recipes(rows)
        sets = list(dict.fromkeys(recipe.data for recipe in recipes))
        bases: dict[str, Path] = {}
        if not self.smoke:
            check_named(self._data_folders, sets, "--data")
            for name in sets:
                chosen(self._data_folders, name, "--data", DATA_NAMES[name])
            names = list(dict.fromkeys(recipe.base for recipe in recipes if recipe.needs_base))
            check_named(self._bases, names, "--base")
            bases = {name: chosen(self._bases, name, "--base", BASES[name]) for name in names}
        found = [self.data(name) for name in sets]
        for name, path in bases.items():
            check_base(path, self._condition_folder(name))
        if SUBSET_PART in study.parts:
            for name in sets:
                check_subsets(self.data(name), name)
        return found

    def finished(self, study: Study, rows: list[Row]) -> dict[str, dict]:
        """Figures of the rows that earlier calls ran, by label; with --set of the chosen rows alone.

        A changed recipe may be that of another row, whose figures would then stand under two names.
        """
        ours = {row.label: self.recipe(row.recipe) for row in (rows if self._overrides else study.rows) if row.recipe}
        found = {label: finished_figures(recipe, self.out / "runs", study.parts) for label, recipe in ours.items()}
        return {label: figures for label, figures in found.items() if figures is not None}

    def run(self, study: Study, rows: list[Row]) -> Path:
        """Run rows of a table, and write it anew after each."""
        facts = [self.facts(data) for data in self.check(study, rows)]
        facts += [f"Device: {device_name(self.device)}."]
        facts += ["**A smoke run: tiny random data and models. These figures say nothing.**"] if self.smoke else []
        if self._overrides:
            facts.append(f"Not the table's own recipes: every row was run with {self._changes(', ')}.")
        path = self.table_path(study)
        found = self.finished(study, rows)
        print("\n".join([*facts, *expectation(rows, self)]), flush=True)
        for row in rows:
            recipe = self.recipe(row.recipe)
            print(f"\n{study.number}, {row.label}: {recipe.key}", flush=True)
            found[row.label] = run_recipe(
                recipe, self.data(recipe.data), self.base, self.out / "runs", self.device, study.parts,
                MOST_TESTS if self.smoke else None,
            )
            path.write_text(markdown(study, found, facts), encoding="utf-8")
            write_csv(path.with_suffix(".csv"), study, found)
        return path


def overrides_of(given: list[str]) -> dict[str, object]:
    """FIELD=VALUE as fields of a recipe, in their order there.

    Raises:
        InvalidParameter: no such field, a value that is not of its type, or two values.
    """
    kinds = get_type_hints(Recipe)
    found: dict[str, object] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in kinds:
            what = f"A recipe has no field {name!r}" if equals else "Give FIELD=VALUE"
            raise InvalidParameter(f"--set {text}: {what}. Its fields are {', '.join(kinds)}.")
        if name in found:
            raise InvalidParameter(f"--set {name} is given twice. Give it once.")
        found[name] = field_value(name, kinds[name], value)
    return {item.name: found[item.name] for item in fields(Recipe) if item.name in found}


def field_value(name: str, kind: type, text: str) -> object:
    """A text as a value of a recipe's field.

    Raises:
        InvalidParameter: it is none.
    """
    choices = {bool: ("true", "false"), str: tuple(BASES)}.get(kind) or get_args(kind)
    if choices:
        if text not in choices:
            raise InvalidParameter(f"--set {name}={text}: give one of {', '.join(choices)}.")
        return text == "true" if kind is bool else text
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not math.isfinite(value) or value < 0:
        what = "a whole number" if kind is int else "a number"
        raise InvalidParameter(f"--set {name}={text}: give {what} from 0 on.")
    return value


def named(given: list[str], names: tuple[str, ...], option: str) -> dict[str, Path]:
    """Folders by name: NAME=FOLDER, or one FOLDER alone for whatever is needed (name "").

    Raises:
        InvalidParameter: a name that is not known.
    """
    found = {}
    for text in given:
        name, equals, folder = text.partition("=")
        if equals and name not in names:
            raise InvalidParameter(f"{option} {text}: {name} is none of {', '.join(names)}.")
        found[name if equals else ""] = Path(folder if equals else text)
    return found


def chosen(folders: dict[str, Path], name: str, option: str, what: str) -> Path:
    """The folder given for a name, or the one that was given without.

    Raises:
        InvalidInput: there is none.
    """
    folder = folders.get(name, folders.get(""))
    if folder is None:
        raise InvalidInput(f"This table needs {what}: give {option} {name}=FOLDER.")
    return folder


def check_named(folders: dict[str, Path], names: list[str], option: str) -> None:
    """Refuse one folder for several different things.

    Raises:
        InvalidParameter: it is not said which of the names a folder is for.
    """
    if "" in folders and len(names) > 1:
        wanted = " ".join(f"{name}=FOLDER" for name in names)
        raise InvalidParameter(f"{option} {folders['']}: this table needs several. Give {option} {wanted}.")


def device_name(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else "CPU"


def chosen_rows(study: Study, labels: list[str] | None) -> list[Row]:
    """The rows that can be run, all or those of these labels.

    Raises:
        InvalidParameter: a label that no such row has.
    """
    ours = [row for row in study.rows if row.recipe]
    wrong = [label for label in labels or () if label not in [row.label for row in ours]]
    if wrong:
        have = ", ".join(row.label for row in ours)
        raise InvalidParameter(f"Table {study.number} has no row {wrong[0]!r} that can be run; it has {have}.")
    return [row for row in ours if not labels or row.label in labels]


def expectation(rows: list[Row], bench: Bench) -> list[str]:
    """What rows cost, in sentences: trainings left, time and memory as far as the paper tells."""
    recipes = bench.recipes(rows)
    left = [recipe for recipe in recipes if not (bench.out / "runs" / recipe.key / "weights.safetensors").exists()]
    lines = [f"{len(left)} of {len(recipes)} trainings are left, {sum(r.steps for r in left):,} steps in all."]
    if bench.smoke:
        return lines
    with_base = [recipe for recipe in left if recipe.needs_base]
    hours = sum(PAPER_HOURS[r.data] * r.steps / 40_000 * (2 if r.base == "sdxl" else 1) for r in with_base)
    if with_base:
        lines.append(
            f"By the paper's times on one A100 (9.6 h US3D JAX, 13.9 h Open Data DC at r = 64; SD-XL nearly twice), "
            f"its {len(with_base)} trainings of a pretrained model take about {hours:.0f} h. The paper had 80 GB of "
            "GPU memory; --recompute takes less, and longer. While it trains, the time left is printed."
        )
    if bench.device == "cpu":
        lines.append("There is no GPU: a step of Stable Diffusion's size takes minutes here.")
    return lines


def contents() -> str:
    """What each table compares."""
    lines = []
    for study in STUDIES.values():
        runs = f"{len(study.recipes())} trainings on {' and '.join(DATA_NAMES[name] for name in study.data)}"
        lines.append(f"{study.number:6s} {study.title}: {runs}")
        for row in study.rows:
            lines.append(f"         {row.label}: {row.recipe.key if row.recipe else 'published figures alone'}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", help=f"{', '.join(STUDIES)} or all")
    parser.add_argument("--list", action="store_true", help="say what each table compares, and end")
    parser.add_argument("--data", nargs="+", default=[], help="FOLDER, or us3d=FOLDER dc=FOLDER")
    parser.add_argument("--base", nargs="+", default=[], help="diffusers FOLDER, or sd15=, sd2=, sdxl=FOLDER")
    parser.add_argument("--out", type=Path, help="folder for runs and tables")
    parser.add_argument("--rows", nargs="+", help="only these rows, by their labels")
    parser.add_argument("--steps", type=int, help="fewer steps than the paper's 40000, to try things out")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE",
                        help="another value of a recipe's field for every row, such as lora_rank=64; may be repeated")
    parser.add_argument("--recompute", action="store_true", help="gradient checkpointing: less memory, slower")
    parser.add_argument("--plan", action="store_true", help="check folders, say what it would take, and end")
    parser.add_argument("--smoke", action="store_true", help="tiny data and models: prove the machinery in seconds")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    if options.list:
        print(contents())
        return 0
    if options.out is None or options.table not in (*STUDIES, "all"):
        parser.error(f"give --out FOLDER and a table: {', '.join(STUDIES)} or all")
    studies = list(STUDIES.values()) if options.table == "all" else [STUDIES[options.table]]
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        bench = Bench(options)
        chosen_of = {study.number: chosen_rows(study, options.rows) for study in studies}
        for study in list(studies):  # all tables are looked over before the first is trained
            try:
                bench.check(study, chosen_of[study.number])
            except NoSubsets as error:
                if len(studies) == 1:
                    raise
                print(f"Table {study.number} is left out, the others go on. {error}", file=sys.stderr, flush=True)
                studies.remove(study)
        for study in studies:
            rows = chosen_of[study.number]
            if options.plan:
                print("\n".join([f"Table {study.number}", *expectation(rows, bench)]))
            else:
                print(f"\n{bench.run(study, rows).read_text(encoding='utf-8')}", flush=True)
    except Semantic3DError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
