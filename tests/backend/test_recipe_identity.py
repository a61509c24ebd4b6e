"""What a run was made from: labels that were corrected are other data, and a base folder's own condition is used."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("transformers")

from safetensors.torch import save_file  # noqa: E402
from tiny_diffusion import TOKENS, WIDTH, save_folder  # noqa: E402

from semantic3d.datasets.crops import Crop, CropSet, PublishedData  # noqa: E402
from semantic3d.datasets.labelled import Sample  # noqa: E402
from semantic3d.datasets.open_data_dc import open_open_data_dc  # noqa: E402
from semantic3d.recipes.bases import open_base  # noqa: E402
from semantic3d.recipes.identity import data_identity, difference  # noqa: E402
from semantic3d.recipes.smoke import CROP_PX, write_smoke_data  # noqa: E402


def told_apart(before, now):
    """What a later run says, after the first one's identity was written and read."""
    return difference({"data": json.loads(json.dumps(data_identity(before)))}, {"data": data_identity(now)})


def made(**layers):
    """One crop in each part; layers of 20 x 20 pixels in place of the sample's own."""
    codes = np.repeat(np.arange(4, dtype=np.uint8), 100).reshape(20, 20)
    sample = Sample("a", np.full((20, 20, 3), 90, np.uint8), np.full((20, 20), 5, np.float32), codes, 1.0)
    sample = replace(sample, **layers)
    parts = [CropSet((Crop(name, name, 0, 0),), lambda crop: sample) for name in "ab"]
    return PublishedData("made", ("ground", "tree", "building"), 3, 1.0, *parts, (1, 1), {})


def test_a_corrected_list_of_classes_is_noticed(tmp_path):
    """Two classes are swapped: also where no crop that is looked at shows them."""
    folder = write_smoke_data(tmp_path, "dc")
    before = open_open_data_dc(folder, CROP_PX)
    with (folder / "landcover.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[3]["class"], rows[4]["class"] = rows[4]["class"], rows[3]["class"]
    (folder / "landcover.csv").write_text("name,class\n" + "".join(f"{row['name']},{row['class']}\n" for row in rows))
    after = open_open_data_dc(folder, CROP_PX)
    assert told_apart(before, after).startswith("the list of classes (landcover.csv)")
    # the same crops from a raster whose codes were swapped: the mean code moves by far less than 0.5
    assert told_apart(before, replace(after, label_sources=before.label_sources)).endswith("else in its land cover")


def holed(share):
    heights_m = np.full((20, 20), 5, np.float32)
    heights_m.ravel()[: round(400 * share)] = np.nan
    return heights_m


@pytest.mark.parametrize(
    ("layers", "what"),
    [
        ({"ndsm_m": np.full((20, 20), 5.1, np.float32)}, "heights"),
        ({"ndsm_m": holed(0.02)}, "known heights"),
        ({"ndsm_m": holed(1)}, "heights"),
        ({"rgb": np.full((20, 20, 3), 91, np.uint8)}, "image"),
    ],
)
def test_other_layers_are_noticed(layers, what):
    assert told_apart(made(), made(**layers)) == f"the data's crop a showed something else in its {what}"


def test_what_another_reader_makes_of_the_same_data_is_the_same():
    codes = made().train.sample(0).land_cover.copy()
    codes[5, :3] = 2  # 3 of 400 pixels at an edge
    heights_m = np.full((20, 20), 5.02, np.float32)
    heights_m[0, 0] = np.nan
    assert told_apart(made(), made(land_cover=codes, ndsm_m=heights_m)) == ""


def test_the_identity_of_an_earlier_version_counts_as_other_data():
    earlier = data_identity(made())
    del earlier["shown"]
    earlier["means"] = {name: [90.0, 90.0, 90.0, 5.0, 1.5] for name in "ab"}
    assert "an earlier version" in difference({"data": earlier}, {"data": data_identity(made())})


def test_a_bases_own_condition_is_used(tmp_path):
    """A folder of unet/, vae/ and the condition alone; what an earlier run kept elsewhere does not count."""
    save_folder(tmp_path / "all")
    (tmp_path / "sd").mkdir()
    for name in ("unet", "vae"):
        (tmp_path / "all" / name).rename(tmp_path / "sd" / name)
    condition = torch.linspace(-1, 1, TOKENS * WIDTH).reshape(1, TOKENS, WIDTH)
    save_file({"condition": condition}, tmp_path / "sd" / "condition.safetensors")
    (tmp_path / "kept").mkdir()
    save_file({"condition": torch.zeros(1, TOKENS, WIDTH)}, tmp_path / "kept" / "condition.safetensors")
    for kept in ("kept", "none"):
        assert torch.equal(open_base(tmp_path / "sd", tmp_path / kept).condition, condition)
    assert not (tmp_path / "none").exists()
