"""reproduce.py --set: fields of recipes by name and type, runs and tables of their own."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from load_script import load_script  # noqa: E402
from s3d_protocol import InvalidParameter  # noqa: E402
from semantic3d.recipes.recipe import PAPER_DC  # noqa: E402


@pytest.fixture(scope="module")
def reproduce():
    return load_script("reproduce")


def test_values_have_the_fields_types_and_order(reproduce):
    given = ["seed=2", "learning_rate=1", "pyramid=false", "base=sd15", "lora_rank=64", "unet_training=full"]
    found = reproduce.overrides_of(given)
    assert list(found.items()) == [
        ("base", "sd15"), ("pyramid", False), ("unet_training", "full"), ("lora_rank", 64), ("learning_rate", 1.0),
        ("seed", 2),
    ]  # fmt: skip
    assert isinstance(found["learning_rate"], float)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("rank=64", "no field 'rank'. Its fields are data, network, .*lora_rank.*seed"),
        ("lora_rank", "FIELD=VALUE.*lora_rank"),
        ("lora_rank=64.5", "lora_rank=64.5: give a whole number"),
        ("learning_rate=fast", "learning_rate=fast: give a number"),
        ("penalty_weight=nan", "give a number"),
        ("steps=-1", "from 0 on"),
        ("pyramid=maybe", "true, false"),
        ("base=sd3", "sd15, sd2, sdxl"),
        ("task=roads", "both, height, classes"),
    ],
)
def test_what_no_recipe_can_have_is_refused(reproduce, given, words):
    with pytest.raises(InvalidParameter, match=words):
        reproduce.overrides_of([given])
    with pytest.raises(InvalidParameter, match="given twice"):
        reproduce.overrides_of(["seed=1", "seed=1"])


def plan(reproduce, out, capsys, *more):
    code = reproduce.main([*more, "--smoke", "--plan", "--device", "cpu", "--out", str(out)])
    return code, capsys.readouterr().err


def test_rows_that_become_one_and_rows_that_cannot_have_it_are_told_before_the_work(reproduce, tmp_path, capsys):
    code, told = plan(reproduce, tmp_path, capsys, "XI", "--set", "penalty_weight=0.5")
    assert code == 1 and "the same training" in told and "--rows" in told
    code, told = plan(reproduce, tmp_path, capsys, "XII", "--set", "supervision=evidential")
    assert code == 1 and "does not go with" in told and "--rows" in told
    code, told = plan(reproduce, tmp_path, capsys, "XII", "--steps", "5", "--set", "steps=6")
    assert code == 1 and "Give one of them" in told
    assert plan(reproduce, tmp_path, capsys, "XII", "--set", "seed=2") == (0, "")


def test_a_changed_recipe_has_a_run_and_a_table_of_its_own(reproduce, tmp_path, capsys):
    arguments = ["XII", "--rows", "MSE", "--smoke", "--device", "cpu", "--out", str(tmp_path)]
    assert reproduce.main(arguments) == 0
    before = {path: path.read_bytes() for path in tmp_path.glob("**/*") if path.is_file()}
    assert reproduce.main([*arguments, "--set", "seed=7", "--set", "learning_rate=0.001"]) == 0
    assert all(path.read_bytes() == content for path, content in before.items())
    changed = {path.name for path in tmp_path.iterdir()} - {path.name for path in before}
    assert {"table_XII_learning_rate=0.001_seed=7.md", "table_XII_learning_rate=0.001_seed=7.csv"} <= changed
    text = (tmp_path / "table_XII_learning_rate=0.001_seed=7.md").read_text(encoding="utf-8")
    assert "every row was run with learning_rate=0.001, seed=7" in text
    stored = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("runs/*/recipe.json")]
    assert sorted((item["seed"], item["learning_rate"]) for item in stored) == [(1, 3e-4), (7, 1e-3)]
    assert {item["steps"] for item in stored} == {PAPER_DC.smoke().steps}
