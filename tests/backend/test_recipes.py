"""The paper's tables: published figures, what each row runs, figures by hand, and a table from end to end."""

import csv
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from load_script import load_script  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from test_training_loop import without_buffers  # noqa: E402

from s3d_protocol import InvalidInput, InvalidModel  # noqa: E402
from semantic3d.datasets.crops import Crop, CropSet, PublishedData  # noqa: E402
from semantic3d.datasets.labelled import Sample  # noqa: E402
from semantic3d.recipes import training  # noqa: E402
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


def script():
    return load_script("reproduce")


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
    smoke = {recipe.smoke() for recipe in recipes}
    assert len(smoke) == len(recipes) and all(recipe.steps == 2 for recipe in smoke)


def test_recipes_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="one map"):
        Recipe("dc", network="latent_map")
    with pytest.raises(ValueError, match="squared_error"):
        Recipe("dc", dropout=0.1)
    with pytest.raises(ValueError, match="S1 learns a LoRA"):
        Recipe("dc", network="latent_map", task="height", unet_training="full")


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
    figures = TestFigures(data_of([truth], {"a": "HD"}), ("main", "subsets"))
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


@pytest.fixture(scope="module")
def us3d(tmp_path_factory):
    reproduce = script()
    return reproduce.OPEN["us3d"](reproduce.write_smoke_data(tmp_path_factory.mktemp("data"), "us3d"), 64)


SHORT = replace(PAPER_US3D.smoke(), steps=4, lora_rank=1)
MC_DROPOUT = replace(SHORT, supervision="squared_error", dropout=0.5)
UNET = replace(SHORT, network="unet")


@pytest.mark.parametrize("recipe", [SHORT, MC_DROPOUT, UNET], ids=["adapted", "dropout", "unet"])
def test_a_run_that_was_broken_off_ends_as_if_it_had_not_been(tmp_path, us3d, recipe):
    bench_data, calls = us3d, []

    def breaking(crop):
        calls.append(crop)
        if len(calls) > 8:  # four crops are looked at before it begins
            raise OSError("the disk is gone")
        return bench_data.train.read(crop)

    broken = replace(bench_data, train=CropSet(bench_data.train.crops, breaking))
    with pytest.raises(OSError, match="disk is gone"):
        run_recipe(recipe, broken, tiny_base, tmp_path / "one", "cpu", most_tests=1)
    assert (tmp_path / "one" / recipe.key / "state.safetensors").exists()
    found = [run_recipe(recipe, bench_data, tiny_base, tmp_path / n, "cpu", most_tests=1) for n in ("one", "two")]
    assert_same_weights(*(tmp_path / name / recipe.key for name in ("one", "two")))
    assert found[0]["all"] == pytest.approx(found[1]["all"], rel=1e-4)


def assert_same_weights(one, two):
    resumed, whole = (load_file(str(folder / "weights.safetensors")) for folder in (one, two))
    assert resumed.keys() == whole.keys()
    assert all(torch.allclose(value, whole[name], rtol=0, atol=1e-6) for name, value in resumed.items())


@pytest.mark.parametrize("version", ["this", "earlier"])
def test_a_run_that_was_broken_off_before_its_weights_were_written_has_its_batch_norms(
    tmp_path, us3d, monkeypatch, version
):
    def failing(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(training, "save_file", failing)
        with pytest.raises(OSError, match="disk is full"):
            run_recipe(UNET, us3d, tiny_base, tmp_path / "one", "cpu", most_tests=1)
    assert not (tmp_path / "one" / UNET.key / "weights.safetensors").exists()
    if version == "earlier":
        without_buffers(tmp_path / "one" / UNET.key / "state.safetensors")
    for name in ("one", "two"):
        run_recipe(UNET, us3d, tiny_base, tmp_path / name, "cpu", most_tests=1)
    if version == "this":
        assert_same_weights(*(tmp_path / name / UNET.key for name in ("one", "two")))
    kept = load_file(str(tmp_path / "one" / UNET.key / "weights.safetensors"))
    means = [value for name, value in kept.items() if name.endswith("running_mean")]
    assert means and all(value.abs().max() > 1e-4 for value in means)  # untrained ones are 0


def test_figures_of_mc_dropout_do_not_depend_on_whether_training_came_before(tmp_path, us3d):
    first = run_recipe(MC_DROPOUT, us3d, tiny_base, tmp_path, "cpu", most_tests=1)
    (tmp_path / MC_DROPOUT.key / "figures_main.json").unlink()
    assert run_recipe(MC_DROPOUT, us3d, tiny_base, tmp_path, "cpu", most_tests=1) == first


def test_a_folder_of_another_recipe_is_refused(tmp_path):
    recipe = PAPER_DC.smoke()
    folder = tmp_path / recipe.key
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps({"data": "us3d"}))
    with pytest.raises(InvalidInput, match="another recipe"):
        run_recipe(recipe, data_of([]), tiny_base, tmp_path, "cpu")


def stored_run(runs, recipe, data, **figures):
    """A finished run, as far as its folder tells."""
    folder = runs / recipe.key
    training._check_recipe(folder, recipe, training._identity(recipe, data, tiny_base))
    for part, found in figures.items():
        (folder / f"figures_{part}.json").write_text(json.dumps(found))
    return folder


def flat_data(names="abcd", grey=90, train=2, subset_of=None):
    side = np.zeros((8, 8), np.uint8)
    samples = [Sample(n, np.full((8, 8, 3), grey, np.uint8), side.astype(np.float32), side + 1, 1.0) for n in names]
    made = data_of(samples, subset_of)
    read, crops = made.train.read, made.train.crops
    return replace(made, train=CropSet(crops[:train], read), test=CropSet(crops[train:], read))


def test_figures_of_the_same_data_and_base_are_taken_as_they_are(tmp_path):
    stored_run(tmp_path, PAPER_DC.smoke(), flat_data(), main={"all": {"mae_m": 1.5}})
    found = run_recipe(PAPER_DC.smoke(), flat_data(), tiny_base, tmp_path, "cpu")  # read anew, from another folder
    assert found == {"all": {"mae_m": 1.5}}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (flat_data(train=1), "2 training and 2 test crops, and have 1 training and 3 test crops now"),
        (flat_data("abxd"), r"split.csv"),
        (flat_data("bacd"), r"split.csv"),
        (flat_data(grey=120), "crop a showed something else"),
    ],
    ids=["count", "name", "order", "pixels"],
)
def test_runs_on_other_data_are_refused_by_this_run_and_by_others_beside_it(tmp_path, now, words):
    recipe = PAPER_DC.smoke()
    folder = stored_run(tmp_path, recipe, flat_data(), main={"all": {"mae_m": 1.5}})
    for asked in (recipe, replace(recipe, seed=5)):
        with pytest.raises(InvalidInput, match=f"{folder} holds a run .*{words}.*choose another folder"):
            run_recipe(asked, now, tiny_base, tmp_path, "cpu")
    assert [path.name for path in tmp_path.iterdir()] == [recipe.key]


def test_runs_from_another_base_are_refused_where_a_base_is_needed(tmp_path):
    recipe, unet = PAPER_DC.smoke(), replace(PAPER_DC.smoke(), network="unet")
    stored_run(tmp_path, recipe, flat_data(), main={"all": {}})
    stored_run(tmp_path, unet, flat_data(), main={"all": {}})

    def other_base(name):
        base = tiny_base(name)
        next(base.unet.parameters()).data += 1e-3
        return base

    with pytest.raises(InvalidInput, match="pretrained model had other weights"):
        run_recipe(recipe, flat_data(), other_base, tmp_path, "cpu")
    assert run_recipe(unet, flat_data(), other_base, tmp_path, "cpu") == {"all": {}}
    assert run_recipe(replace(unet, data="us3d", network="unet"), flat_data(), other_base, tmp_path, "cpu", ()) == {}


def test_a_run_of_an_earlier_version_goes_on_and_knows_its_data_from_then_on(tmp_path):
    recipe = PAPER_DC.smoke()
    (tmp_path / recipe.key).mkdir()
    (tmp_path / recipe.key / "recipe.json").write_text(json.dumps(asdict(recipe)))
    (tmp_path / recipe.key / "figures_main.json").write_text('{"all": {}}')
    assert run_recipe(recipe, flat_data(), tiny_base, tmp_path, "cpu") == {"all": {}}
    with pytest.raises(InvalidInput, match="showed something else"):
        run_recipe(recipe, flat_data(grey=120), tiny_base, tmp_path, "cpu")


@pytest.mark.parametrize("subset_of", [{}, {"elsewhere": "HD"}, {"c": "marsh"}], ids=["none", "others", "unknown"])
def test_table_six_without_subsets_is_refused_before_work_begins(tmp_path, subset_of):
    study = STUDIES["VI"]
    assert study.parts == ("subsets",)
    recipe = study.rows[0].recipe.smoke()
    words = "none of its 2 test crops.*columns name and subset.*c or image.*HD, RZ, IZ, RN"
    with pytest.raises(InvalidInput, match=words):
        run_recipe(recipe, flat_data(subset_of=subset_of), tiny_base, tmp_path, "cpu", study.parts)
    assert list(tmp_path.iterdir()) == []


def test_subsets_that_came_or_changed_later_are_evaluated(tmp_path, monkeypatch):
    recipe, evaluated = replace(PAPER_DC.smoke(), network="unet"), []
    monkeypatch.setattr(training, "train", lambda *_: None)
    monkeypatch.setattr(training, "predictor", lambda *_: lambda rgb: Prediction(np.ones((8, 8), np.float32)))
    real = training.evaluate
    monkeypatch.setattr(training, "evaluate", lambda *given: evaluated.append(given[2]) or real(*given))

    def figures(parts, **subset_of):
        return run_recipe(recipe, flat_data(subset_of=subset_of), tiny_base, tmp_path, "cpu", parts)

    assert figures(("main",))["all"]["mae_m"] == 1  # table V, when there was no list
    first = figures(("subsets",), c="HD")
    assert first["subset HD"]["pixels"] == 64 and list(first) == ["subset HD"]
    assert figures(("subsets",), c="HD") == first
    assert figures(("subsets",), c="HD", d="HD")["subset HD"]["pixels"] == 128
    assert evaluated == [("main",), ("subsets",), ("subsets",)]


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


def test_a_base_that_is_none_is_said_before_anything_is_trained(tmp_path, capsys):
    reproduce, smoke = script(), ["--smoke", "--plan", "--device", "cpu", "--out", str(tmp_path / "smoke")]
    main, open_dc = reproduce.main, reproduce.OPEN["dc"]
    assert main(["all", *smoke]) == 0
    assert "Table FIG7\n6 of 6 trainings are left" in capsys.readouterr().out
    save_base(tiny_base("sd2"), tmp_path / "base.safetensors", "tiny")
    real = ["X", "--data", str(tmp_path / "smoke" / "data" / "dc"), "--out", str(tmp_path / "o"), "--plan"]
    (tmp_path / "hollow" / "unet").mkdir(parents=True)
    reproduce.OPEN["dc"] = lambda folder: open_dc(folder, 64)  # of a city without room for the paper's crops
    for wrong in (tmp_path / "absent", tmp_path / "hollow"):
        bases = [f"{name}={tmp_path / 'base.safetensors'}" for name in ("sd15", "sd2")] + [f"sdxl={wrong}"]
        assert main([*real, "--base", *bases]) == 1
        assert wrong.name in capsys.readouterr().err


def test_all_tables_but_the_one_that_nobody_has_the_subsets_for(tmp_path, capsys):
    main, smoke = script().main, ["--smoke", "--plan", "--device", "cpu", "--out", str(tmp_path)]
    assert main(["VI", *smoke]) == 0
    for path in tmp_path.glob("data/*/subsets.csv"):
        path.write_text("name,subset\n")
    capsys.readouterr()
    assert main(["VI", *smoke]) == 1
    assert "Table VI compares land-use subsets" in capsys.readouterr().err
    assert main(["all", *smoke]) == 0
    out, told = capsys.readouterr()
    assert told.startswith("Table VI is left out, the others go on. Table VI compares land-use subsets")
    assert "Table VI\n" not in out and "Table XIII\n" in out


def test_the_trainable_parameters_are_those_of_the_adapter_alone():
    model = make_network(PAPER_DC.smoke(), data_of([]), tiny_base)
    lora = sum(value.numel() for name, value in model.named_parameters() if ".lora_" in name)
    assert adapter_parameters(model) == lora > 0
    assert adapter_parameters(make_network(replace(PAPER_DC, network="unet"), data_of([]), tiny_base)) == 0
