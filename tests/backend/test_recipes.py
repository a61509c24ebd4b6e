"""The paper's tables: published figures, what each row runs, figures by hand, and a table from end to end."""

import csv
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from safetensors.torch import load_file  # noqa: E402

from s3d_protocol import InvalidInput, InvalidModel  # noqa: E402
from semantic3d.datasets.crops import Crop, CropSet, PublishedData  # noqa: E402
from semantic3d.datasets.labelled import Sample  # noqa: E402
from semantic3d.recipes.bases import open_base  # noqa: E402
from semantic3d.recipes.evaluation import Prediction, TestFigures, shadow_mask  # noqa: E402
from semantic3d.recipes.published import PUBLISHED  # noqa: E402
from semantic3d.recipes.recipe import PAPER_DC, PAPER_US3D, Recipe  # noqa: E402
from semantic3d.recipes.report import markdown  # noqa: E402
from semantic3d.recipes.smoke import tiny_base  # noqa: E402
from semantic3d.recipes.studies import STUDIES  # noqa: E402
from semantic3d.recipes.training import adapter_parameters, crops_of_step, make_network, run_recipe  # noqa: E402
from semantic3d.training.pretrain import save_base  # noqa: E402

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII")
SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "reproduce.py"


def script():
    spec = importlib.util.spec_from_file_location("reproduce", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figure(table, row, column):
    names = [item.name for item in STUDIES[table].columns]
    return PUBLISHED[table][row][names.index(column)]


def test_every_table_has_its_published_figures():
    assert tuple(PUBLISHED) == ROMAN
    for number in ROMAN:
        study = STUDIES[number]
        assert {row.label for row in study.rows} == set(PUBLISHED[number])
        assert all(len(values) == len(study.columns) for values in PUBLISHED[number].values())


def test_published_figures_agree_with_what_the_papers_text_says_of_them():
    def gain(table, column, better, worse):
        return 100 * (1 - figure(table, better, column) / figure(table, worse, column))

    assert gain("I", "MAE-A", "SD-v2.0 (r=64)", "VDP") == pytest.approx(8.1, abs=0.05)
    assert gain("I", "RMSE-A", "SD-v2.0 (r=64)", "VDP") == pytest.approx(5.2, abs=0.05)
    assert gain("II", "MAE-A", "SD-v2.0 (r=64)", "VDP") == pytest.approx(13.1, abs=0.05)
    assert gain("II", "MAE-A", "SD-v2.0 (r=128)", "VDP") == pytest.approx(17.04, abs=0.02)
    assert gain("XIII", "d_CD", "Ours (r=64)", "VDP") == pytest.approx(7.9, abs=0.05)
    assert -gain("III", "mIoU", "SD-v2.0 (r=256)", "VDP") == pytest.approx(5.8, abs=0.05)
    assert -gain("XII", "UECC", "EHR", "MC Dropout") == pytest.approx(16, abs=0.1)
    for data, worse in (("Open Data DC", 11.97), ("US3D JAX", 5.26)):
        shadow, lit = figure("VII", data, "shadow MAE"), figure("VII", data, "no shadow MAE")
        assert 100 * (shadow / lit - 1) == pytest.approx(worse, abs=0.01)
    assert figure("XII", "MSE", "UECC") is None


def test_recipes_carry_the_papers_settings():
    recipe = PAPER_DC
    assert (recipe.steps, recipe.batch_size, recipe.learning_rate, recipe.weight_decay) == (40_000, 4, 3e-4, 0.1)
    assert (recipe.penalty_weight, recipe.decoder_channels, recipe.crop_px) == (0.2, 128, 512)
    losses = recipe.losses(building_code=1)
    assert losses.smooth_l1_beta is None and losses.penalty_weight == 0.2 and losses.building_code == 1
    assert [row.recipe.base for row in STUDIES["X"].rows] == ["sd15", "sd2", "sdxl"]
    assert [row.recipe.penalty_weight for row in STUDIES["XI"].rows] == [0.01, 0.1, 0.2, 1.0]
    assert {row.recipe.lora_rank for number in ("V", "VI", "VII") for row in STUDIES[number].rows} == {64}


def test_ablations_switch_one_thing_after_the_other():
    rows = {row.label: row.recipe for row in STUDIES["VIII"].rows}
    assert rows["S1"].network == "latent_map" and rows["S1"].task == "height"
    assert rows["S2A"].task == "height" and replace(rows["S2A"], task="both") == rows["S2B"]
    assert replace(rows["S2B"], shortcuts=True) == rows["S2B,S3"]
    assert replace(rows["S2B,S3"], pyramid=True) == rows["S2B,S3,S4"] == PAPER_DC
    assert {row.recipe.task for row in STUDIES["IX"].rows[:2]} == {"classes"}


def test_tables_share_trainings_and_every_recipe_has_a_folder_of_its_own():
    assert STUDIES["II"].rows[-2].recipe == STUDIES["IV"].rows[-2].recipe == STUDIES["XII"].rows[-1].recipe
    recipes = {recipe for study in STUDIES.values() for recipe in study.recipes()}
    assert len({recipe.key for recipe in recipes}) == len(recipes)
    smoke = {recipe.smoke() for study in STUDIES.values() for recipe in study.recipes() if study.number != "FIG7"}
    assert all(recipe.steps == 2 for recipe in smoke)


def test_recipes_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="one map"):
        Recipe("dc", network="latent_map")
    with pytest.raises(ValueError, match="squared_error"):
        Recipe("dc", dropout=0.1)


def test_every_round_sees_every_crop_once():
    seen = [index for step in range(5) for index in crops_of_step(10, 4, 7, step)]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10)) and seen[:10] != seen[10:]
    assert crops_of_step(10, 4, 7, 3) == seen[12:16]


def data_of(samples, subset_of=None):
    places = tuple(Crop(s.name, "image", 0, 0) for s in samples)
    crops = CropSet(places, lambda crop: next(s for s in samples if s.name == crop.name))
    return PublishedData("made", ("ground", "building"), 2, 1.0, crops, crops, (1, 1), subset_of or {})


def test_figures_by_hand():
    truth = Sample("a", np.zeros((1, 4, 3), np.uint8), np.array([[0, 2, 4, np.nan]], np.float32),
                   np.array([[1, 1, 2, 2]], np.uint8), 1.0)
    found = Prediction(np.array([[1, 2, 1, 9]], np.float32), np.array([[1, 2, 2, 1]], np.uint8),
                       np.array([[0.2, 0.1, 0.4, 0.0]], np.float32))
    figures = TestFigures(data_of([truth], {"a": "HD"}))
    figures.add(Crop("a", "image", 0, 0), truth, found)
    result = figures.result()
    assert result["all"]["mae_m"] == pytest.approx(4 / 3) and result["building"]["mae_m"] == 3
    assert result["others"]["rmse_m"] == pytest.approx(0.5**0.5)
    assert result["all"]["accuracy"] == 0.5 and result["building"]["accuracy"] == 0.5
    assert result["building"]["iou"] == pytest.approx(1 / 3) and result["all"]["mean_iou"] == pytest.approx(1 / 3)
    assert result["class ground"]["iou"] == pytest.approx(1 / 3)
    assert result["subset HD"]["mae_m"] == pytest.approx(4 / 3)
    errors, index = np.array([1, 0, 3.0]), np.array([0.2, 0.1, 0.4])  # Pearson by its definition
    a, b = errors - errors.mean(), index - index.mean()
    assert result["all"]["uecc"] == pytest.approx((a @ b) / np.sqrt((a @ a) * (b @ b)), rel=1e-6)
    assert result["all"]["uecc_std"] is None


def test_uecc_is_the_mean_over_crops_and_not_over_all_pixels():
    heights = np.array([[0, 0, 0]], np.float32)
    one, two = (Sample(n, np.zeros((1, 3, 3), np.uint8), heights, np.ones((1, 3), np.uint8), 1.0) for n in "ab")
    figures = TestFigures(data_of([one, two]))
    figures.add(Crop("a", "", 0, 0), one, Prediction(np.array([[1, 2, 3]], np.float32), None, np.array([[1, 2, 3.0]])))
    figures.add(Crop("b", "", 0, 0), two, Prediction(np.array([[1, 2, 3]], np.float32), None, np.array([[9, 8, 7.0]])))
    assert figures.result()["all"]["uecc"] == pytest.approx(0, abs=1e-9)


def test_shadow_and_light_are_told_apart():
    rgb = np.full((64, 64, 3), (150, 140, 130), np.uint8)
    rgb[20:44, 20:44] = (30, 32, 45)
    sample = Sample("a", rgb, np.zeros((64, 64), np.float32), np.ones((64, 64), np.uint8), 0.31)
    dark = shadow_mask(sample)
    assert dark[24:40, 24:40].all() and not dark[:16].any()
    height_m = np.where(dark, 2.0, 0.5).astype(np.float32)
    figures = TestFigures(data_of([sample]), ("shadow",))
    figures.add(Crop("a", "", 0, 0), sample, Prediction(height_m))
    result = figures.result()
    assert result["shadow"]["mae_m"] == 2 and result["lit"]["mae_m"] == 0.5
    assert result["shadow"]["pixel_share"] == pytest.approx(dark.mean())


def test_surfaces_of_a_raised_plane():
    sample = Sample("a", np.zeros((6, 6, 3), np.uint8), np.zeros((6, 6), np.float32), np.ones((6, 6), np.uint8), 1.0)
    figures = TestFigures(data_of([sample]), ("surface",))
    figures.add(Crop("a", "", 0, 0), sample, Prediction(np.full((6, 6), 0.4, np.float32)))
    surface = figures.result()["surface"]
    assert surface["chamfer_m"] == pytest.approx(0.4, rel=1e-5)
    assert (surface["f1_1.0"], surface["f1_0.5"], surface["f1_0.2"]) == (1, 1, 0)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Table XII from end to end, and once more."""
    out, reproduce = tmp_path_factory.mktemp("smoke"), script()
    arguments = ["XII", "--smoke", "--device", "cpu", "--out", str(out)]
    assert reproduce.main([*arguments, "--rows", "MSE", "EHR"]) == 0
    assert "Not run yet: MC Dropout" in (out / "table_XII.md").read_text()
    assert reproduce.main([*arguments, "--rows", "MC Dropout"]) == 0
    assert "| here |" in (out / "table_XII.md").read_text().split("| EHR | paper")[1]  # of the call before
    changed = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*")}
    assert reproduce.main(arguments) == 0
    return out, changed


def test_a_table_runs_from_end_to_end(smoke):
    out, _ = smoke
    text = (out / "table_XII.md").read_text()
    assert "| EHR | paper | 1.7784 | 1.9405 | 3.0419 | 2.6437 | 0.4834 |" in text and "smoke run" in text
    rows = list(csv.DictReader((out / "table_XII.csv").open()))
    ours = {(row["row"], row["metric"]): row["value"] for row in rows if row["source"] == "here"}
    assert all(float(ours[name, "MAE-A"]) > 0 for name in ("MSE", "MC Dropout", "EHR"))
    assert ours["MSE", "UECC"] == "" and all(-1 <= float(ours[name, "UECC"]) <= 1 for name in ("MC Dropout", "EHR"))


def test_finished_rows_are_not_run_again(smoke):
    out, changed = smoke
    assert {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*")} == changed
    assert not list(out.glob("runs/*/state.safetensors"))


def test_a_run_that_was_broken_off_ends_as_if_it_had_not_been(tmp_path):
    reproduce = script()
    bench_data = reproduce.OPEN["us3d"](reproduce.write_smoke_data(tmp_path, "us3d"), 64)
    recipe = replace(PAPER_US3D.smoke(), steps=4, lora_rank=1)
    calls = []

    def breaking(crop):
        calls.append(crop)
        if len(calls) > 4:
            raise OSError("the disk is gone")
        return bench_data.train.read(crop)

    broken = replace(bench_data, train=CropSet(bench_data.train.crops, breaking))
    with pytest.raises(OSError, match="disk is gone"):
        run_recipe(recipe, broken, tiny_base, tmp_path / "one", "cpu", most_tests=1)
    assert (tmp_path / "one" / recipe.key / "state.safetensors").exists()
    for name in ("one", "two"):
        run_recipe(recipe, bench_data, tiny_base, tmp_path / name, "cpu", most_tests=1)
    resumed, whole = (load_file(str(tmp_path / n / recipe.key / "weights.safetensors")) for n in ("one", "two"))
    assert resumed.keys() == whole.keys()
    assert all(torch.allclose(value, whole[name], rtol=0, atol=1e-6) for name, value in resumed.items())


def test_a_folder_of_another_recipe_is_refused(tmp_path):
    recipe = PAPER_DC.smoke()
    folder = tmp_path / recipe.key
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps({"data": "us3d"}))
    with pytest.raises(InvalidInput, match="another recipe"):
        run_recipe(recipe, data_of([]), tiny_base, tmp_path, "cpu")


def test_a_base_comes_from_a_file_or_is_refused(tmp_path):
    made = tiny_base("sd2")
    save_base(made, tmp_path / "base.safetensors", "tiny")
    read = open_base(tmp_path / "base.safetensors", tmp_path / "kept")
    assert all(torch.equal(value, read.state_dict()[name]) for name, value in made.state_dict().items())
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    for path in (tmp_path / "broken.safetensors", tmp_path / "absent", tmp_path):
        with pytest.raises(InvalidModel, match=path.name):
            open_base(path, tmp_path / "kept")


def test_a_table_says_what_was_not_run():
    text = markdown(STUDIES["I"], {}, [])
    assert "| HRNet | paper | 2.4187 |" in text and "no such network in this project: HRNet, SwinT" in text
    assert "Not run yet: U-Net, HTC-DC, Marigold, SD-v2.0 (r=64)" in text and "| here |" not in text


def test_missing_folders_are_said_before_anything_is_trained(tmp_path, capsys):
    main = script().main
    assert main(["I", "--data", str(tmp_path / "absent"), "--base", "x", "--out", str(tmp_path / "o")]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert main(["I", "--out", str(tmp_path / "o")]) == 1
    assert "This table needs US3D JAX: give --data us3d=FOLDER" in capsys.readouterr().err
    assert main(["I", "--data", "mars=x", "--out", str(tmp_path / "o")]) == 1
    assert "mars is none of us3d, dc" in capsys.readouterr().err
    assert main(["X", "--data", str(tmp_path), "--base", "x", "--out", str(tmp_path / "o")]) == 1
    assert "Give --base sd15=FOLDER sd2=FOLDER sdxl=FOLDER" in capsys.readouterr().err
    assert main(["I", "--rows", "HRNet", "--smoke", "--out", str(tmp_path / "o")]) == 1
    assert "no row 'HRNet' that can be run; it has U-Net" in capsys.readouterr().err
    assert main(["XI", "--rows", "nothing", "--smoke", "--out", str(tmp_path / "o")]) == 1
    assert "no row 'nothing'" in capsys.readouterr().err
    assert not (tmp_path / "o" / "runs").exists()


def test_the_trainable_parameters_are_those_of_the_adapter_alone():
    model = make_network(PAPER_DC.smoke(), data_of([]), tiny_base)
    lora = sum(value.numel() for name, value in model.named_parameters() if ".lora_" in name)
    assert adapter_parameters(model) == lora > 0
    assert adapter_parameters(make_network(replace(PAPER_DC, network="unet"), data_of([]), tiny_base)) == 0
