"""The train job: from rasters to a package that reconstructs; resume, cancel, and clear errors."""

from __future__ import annotations

import dataclasses
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")
pytest.importorskip("onnxscript")

from s3d_protocol import (  # noqa: E402
    Cancelled,
    DeviceUnavailable,
    InvalidInput,
    InvalidModel,
    InvalidParameter,
    JobControl,
    MissingDependency,
    OutOfMemory,
    OutputFailed,
    ReconstructJob,
    TrainJob,
)
from semantic3d.jobs import reconstruct, train  # noqa: E402
from semantic3d.models.latent import TINY, LatentDiffusion  # noqa: E402
from semantic3d.models.package import load_package  # noqa: E402
from semantic3d.training.bases import find_base  # noqa: E402
from semantic3d.training.pretrain import save_base  # noqa: E402
from semantic3d.training.run_folder import RunIdentity  # noqa: E402

EAST, NORTH, SIDE = 500000.0, 5300000.0, 176


def write(path, bands, gsd=0.5, dtype="uint8", **more):
    bands = np.atleast_3d(np.asarray(bands).T).T
    with rasterio.open(path, "w", driver="GTiff", width=bands.shape[2], height=bands.shape[1], count=bands.shape[0],
                       dtype=dtype, crs="EPSG:32632", transform=from_origin(EAST, NORTH, gsd, gsd), **more) as out:
        out.write(bands.astype(dtype))
    return str(path)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Bright blocks of 8 m on dark ground, their heights and classes, and a tiny base."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    tall = np.zeros((SIDE, SIDE), bool)
    for row in range(8, SIDE, 44):
        for column in range(8, SIDE, 44):
            tall[row : row + 22, column : column + 22] = True
    rgb = np.where(tall, 200, 60)[None] + rng.integers(0, 30, (3, SIDE, SIDE))
    heights = np.where(tall, 8.0, 0.0)
    heights[:10, :10] = -9999
    torch.manual_seed(0)
    save_base(LatentDiffusion.from_config(TINY), folder / "tiny.safetensors", "tiny")
    ring = [[EAST + 4, NORTH - 4], [EAST + 15, NORTH - 4], [EAST + 15, NORTH - 15], [EAST + 4, NORTH - 15]]
    polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    (folder / "outlines.geojson").write_text(json.dumps(polygon), encoding="utf-8")
    return {
        "image": write(folder / "ortho.tif", rgb),
        "ndsm": write(folder / "ndsm.tif", heights, dtype="float32", nodata=-9999),
        "dsm": write(folder / "dsm.tif", np.where(heights < 0, -9999, heights + 412.5), dtype="float32", nodata=-9999),
        "dtm": write(folder / "dtm.tif", np.full((SIDE // 2, SIDE // 2), 412.5), gsd=1.0, dtype="float32"),
        "cover": write(folder / "cover.tif", np.where(tall, 30, 10)),
        "outlines": str(folder / "outlines.geojson"),
        "base": str(folder / "tiny.safetensors"),
    }


def job_of(data, package, **changes):
    values = {
        "image_paths": (data["image"],), "ndsm_paths": (data["ndsm"],), "land_cover_paths": (data["cover"],),
        "class_map": "10=2,30=4", "base_path": data["base"], "package_path": str(package), "lora_rank": 8, "steps": 4,
        "batch_size": 1, "patch_px": 64, "block_m": 44.0, "validation_share": 0.25, "validate_every": 2,
        "device": "cpu", "model_name": "mine", "title": "My town",
    }
    return TrainJob(**{**values, **changes})


class Control(JobControl):
    """Remembers what was said; cancels when a step is reached."""

    def __init__(self, cancel_at=None):
        super().__init__()
        self.cancel_at, self.logs, self.progresses = cancel_at, [], []

    def send_progress(self, message):
        self.progresses.append(message)
        if message["unit"] == "steps" and self.cancel_at is not None and message["done"] >= self.cancel_at:
            self.cancel()

    def send_log(self, text, level):
        self.logs.append((level, text))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """One whole run."""
    folder = tmp_path_factory.mktemp("whole")
    job = job_of(data, folder / "mine", report_path=str(folder / "mine.html"))
    control = Control()
    return job, train.run(job, control), control, folder


def test_the_package_is_whole(trained):
    job, values, control, folder = trained
    assert sorted(path.name for path in folder.iterdir()) == ["mine", "mine.html"]  # no checkpoint, nothing aside
    package = load_package(job.package_path)
    assert (package.name, package.title, package.tile_size_px, len(package.classes)) == ("mine", "My town", 64, 7)
    assert package.validation["onnx_parity_m"] < 1e-3
    held_out = package.validation["held_out"]
    assert held_out["mae_m"] == pytest.approx(values["validation_mae_m"])
    assert values["steps_done"] == 4 and values["best_step"] in (2, 4)
    assert any(f"Best trained weights: after step {values['best_step']}." in text for _, text in control.logs)
    assert values["outputs"] == {"package": job.package_path, "report": job.report_path}
    assert "My town" in package.card and "ortho.tif" in package.card and "held out" in package.card
    assert package.architecture["config"] == "tiny" and package.architecture["smooth"] is True


def test_a_package_that_says_nothing_of_smooth_maps_has_none(trained, tmp_path):
    """Those made before there was the switch must be trained as the network that they are."""
    shutil.copytree(trained[0].package_path, tmp_path / "old")
    path = tmp_path / "old" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert find_base(str(tmp_path / "old")).adaptation.smooth is True
    del manifest["architecture"]["smooth"]
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert find_base(str(tmp_path / "old")).adaptation.smooth is False


@pytest.mark.parametrize(
    "stated",
    [{"config": 3}, {"config": ["tiny"]}, {"decoder_channels": "abc"}, {"decoder_channels": True}, {"decoder_channels": 0},
     {"decoder_channels": 10**5}, {"decoder_channels": 15}, {"alpha_min": "x"}, {"alpha_min": -1}, {"pyramid": 1},
     {"config": "s3d_small"}],
    ids=str,
)  # fmt: skip
def test_a_package_of_an_impossible_shape_is_refused(trained, tmp_path, stated):
    shutil.copytree(trained[0].package_path, tmp_path / "odd")
    path = tmp_path / "odd" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["architecture"].update(stated)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(InvalidModel):
        find_base(str(tmp_path / "odd")).model(4)


def test_plain_predictors_stand_beside_it(trained, data):
    """Zero's and the mean's errors, from the reference raster alone: its held-out part is a quarter less a strip."""
    job, *_ = trained
    found = load_package(job.package_path).validation["zero_everywhere"]
    assert found["mae_m"] == pytest.approx(found["bias_m"] * -1)
    assert found["rmse_m"] == pytest.approx((8 * found["mae_m"]) ** 0.5, rel=1e-4)  # heights are 0 or 8 m
    assert found["iou"]["4"] == 0.0


def test_it_reconstructs_at_once(trained, data, tmp_path):
    job, *_ = trained
    target = str(tmp_path / "h.tif")
    reconstruct.run(ReconstructJob(data["image"], job.package_path, height_path=target, overlap_px=16), JobControl())
    with rasterio.open(target) as result:
        assert result.shape == (SIDE, SIDE) and np.isfinite(result.read(1)).all()


def test_progress_and_report(trained):
    job, _, control, folder = trained
    steps = [message["done"] for message in control.progresses if message["unit"] == "steps"]
    assert steps == sorted(steps) and steps[-1] == 4
    assert "validation MAE" in control.progresses[-1]["text"]
    said = " ".join(text for _, text in control.logs)
    assert "0.03 megapixels" in said and "3 blocks to learn from, 1 to validate on, 4 m between" in said
    report = (folder / "mine.html").read_text(encoding="utf-8")
    assert report.count("<svg") == 3 and "My town" in report and "before training" not in report


@pytest.fixture
def quick_export(monkeypatch):
    """The exporter takes half a minute, whatever the size: one test has the real one, the others these weights."""
    import package_model
    from semantic3d.models.package import write_package
    from semantic3d.training import packaging

    stored = []

    def write_stand_in(folder, model, tile_px, manifest, card):
        stored.append({name: value.clone() for name, value in model.state_dict().items()})
        complete = {**manifest, "weights": {"onnx": "model.onnx", "safetensors": None}}
        onnx = package_model.fake_onnx(tile_px, len(manifest["classes"]))
        return write_package(folder, complete, {"model.onnx": onnx, "CARD.md": card.encode()})

    monkeypatch.setattr(packaging, "package_model", write_stand_in)
    return stored


def test_names_with_blanks_of_all_kinds_do_not_fail_at_the_end(data, tmp_path, quick_export):
    """As screenshots have them on a Mac, and texts pasted from elsewhere; the manifest takes none of them."""
    image, base = tmp_path / "Screenshot 10.15.32\u202fAM.tif", tmp_path / "tiny\u00a0base.safetensors"
    shutil.copy(data["image"], image)
    shutil.copy(data["base"], base)
    title = "My\u00a0town\tof\u2028now"
    given = {"image_paths": (str(image),), "base_path": str(base), "title": title}
    job = job_of(data, tmp_path / "m", steps=1, validate_every=1, **given)
    train.run(job, JobControl())
    package = load_package(job.package_path)
    assert package.title == "My town of now"
    assert package.training_data[-1]["name"] == "Screenshot 10.15.32 AM.tif"


def test_training_goes_on_from_the_package(trained, data, tmp_path, quick_export):
    """The package is a base; what it gave before is told."""
    job, *_ = trained
    again = job_of(data, tmp_path / "more", base_path=job.package_path, steps=1, validate_every=1)
    found = train.run(again, JobControl())
    assert not any("learnt from images" in text for text in found["warnings"])
    other = prepared(dataclasses.replace(again, seed=2)).data.warnings
    assert any("mine 1.0.0 learnt from images of the same names (ortho.tif)" in text for text in other)
    package = load_package(again.package_path)
    before = package.validation["before_training"]
    assert before["mae_m"] == pytest.approx(load_package(job.package_path).validation["held_out"]["mae_m"], abs=0.02)


@pytest.mark.parametrize("step", [1, 3])
def test_a_cancelled_run_leaves_no_package_and_goes_on_to_the_same_weights(
    step, trained, data, tmp_path, quick_export
):
    job, values, *_ = trained
    parts = dataclasses.replace(job, package_path=str(tmp_path / "mine"), report_path="")
    control = Control(cancel_at=step)
    with pytest.raises(Cancelled):
        train.run(parts, control)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.training"]
    second = Control()
    found = train.run(parts, second)
    assert any(f"Going on after step {step} of 4" in text for _, text in second.logs)
    assert found["validation_mae_m"] == values["validation_mae_m"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    whole = stored_weights(job)
    assert len(whole) > 100
    for name, value in whole.items():
        torch.testing.assert_close(quick_export[0][name].reshape(value.shape), value, atol=2e-6, rtol=1e-3)


def stored_weights(job):
    """The weights in the package's ONNX file."""
    from semantic3d.training.onnx_weights import read_weights

    return read_weights(load_package(job.package_path).read_onnx())[0]


def prepared(job):
    return train.prepare(job, JobControl())


def test_another_job_starts_anew(data, tmp_path):
    job = job_of(data, tmp_path / "mine")
    first = prepared(job).identity
    assert prepared(dataclasses.replace(job, title="Other", report_path="r.html")).identity == first
    faster, other = dataclasses.replace(job, learning_rate=1e-3), dataclasses.replace(job, class_map="10=2")
    assert prepared(faster).fingerprint != first.fingerprint
    assert prepared(other).fingerprint != first.fingerprint
    assert list(prepared(faster).identity.differences(vars(first))) == ["learning_rate"]
    assert list(prepared(other).identity.differences(vars(first))) == ["data"]
    assert prepared(dataclasses.replace(job, patience=3)).identity.differences(vars(first)) == {}

    from semantic3d.training.fine_tune import Ledger, Validation

    folder = tmp_path / "x.training"
    folder.mkdir()
    (folder / "foreign.txt").write_text("stays")
    one = Ledger(folder, first)
    one.add(Validation(0, None, 1.0, {}), None)
    assert len(Ledger(folder, first).rows) == 1
    assert Ledger(folder, RunIdentity("another", {}, "")).rows == [] and (folder / "foreign.txt").exists()


def test_the_best_weights_and_patience(tmp_path):
    from semantic3d.training.fine_tune import Ledger, Validation

    ledger = Ledger(tmp_path / "t", RunIdentity("f", {}, "f"))
    for step, merit in ((0, 0.1), (2, 0.9), (4, 0.5), (6, 0.6), (8, 0.5)):
        ledger.add(Validation(step, 1.0, merit, {}), {"w": torch.tensor([float(step)])})
    assert ledger.best.step == 4 and ledger.best_state()["w"].item() == 4  # step 0 is no training
    assert ledger.is_exhausted(2) and not ledger.is_exhausted(3) and not ledger.is_exhausted(0)


def test_a_diverged_validation_is_never_the_best(tmp_path):
    from semantic3d.training.fine_tune import Ledger, Validation

    ledger = Ledger(tmp_path / "t", RunIdentity("f", {}, "f"))
    for step, merit in ((0, 0.1), (2, float("nan")), (4, 0.9), (6, float("inf")), (8, float("nan"))):
        ledger.add(Validation(step, 1.0, merit, {}), {"w": torch.tensor([float(step)])})
        assert ledger.best is None or ledger.best.step == min(step, 4)
    assert Ledger(tmp_path / "t", RunIdentity("f", {}, "f")).best.step == 4 and ledger.best_state()["w"].item() == 4
    assert ledger.is_exhausted(2)


def test_dsm_less_dtm_is_the_ndsm(data, tmp_path):
    one = prepared(job_of(data, tmp_path / "m"))
    other = prepared(job_of(data, tmp_path / "m", ndsm_paths=(), dsm_paths=(data["dsm"],), dtm_paths=(data["dtm"],)))
    for a, b in zip(one.split.training, other.split.training):
        known = np.isfinite(b.ndsm_m)
        assert known.mean() > 0.9  # the coarser ground has no value half a pixel from its edge
        np.testing.assert_allclose(a.ndsm_m[known], b.ndsm_m[known], atol=1e-3)


def test_the_spread_of_heights_is_a_fact(data, tmp_path):
    (fact,) = prepared(job_of(data, tmp_path / "m")).data.facts
    assert "2 %, 50 % and 98 % of its heights lie below 0.0, 0.0 and 8.0 m" in fact


def test_references_with_several_bands_are_told(data, tmp_path):
    with rasterio.open(data["ndsm"]) as raster:
        heights = raster.read(1)
    three = write(tmp_path / "three.tif", np.stack([heights] * 3), dtype="float32", nodata=-9999)
    found = prepared(job_of(data, tmp_path / "m", ndsm_paths=(three,), land_cover_paths=(data["image"],),
                            class_map="60=2,200=4")).data.warnings
    assert f"The nDSM {three} has 3 bands, and the first is taken." in found
    assert f"The land cover {data['image']} has 3 bands, and the first is taken." in found


def test_outlines_alone_teach_building_and_no_building(data, tmp_path):
    job = job_of(data, tmp_path / "m", land_cover_paths=(), class_map="", buildings_path=data["outlines"])
    codes = prepared(job).data.scenes[0].sample.land_cover
    assert set(np.unique(codes)) == {0, 4}  # within the rectangle around one rectangle all is building
    assert (codes == 4).sum() == 22 * 22


def test_heights_without_land_cover(data, tmp_path):
    from semantic3d.jobs.train_setup import trainable_model

    found = prepared(job_of(data, tmp_path / "m", land_cover_paths=(), class_map=""))
    assert any("No land cover" in text and "means nothing" in text for text in found.data.warnings)
    (text,) = train.missing_labels(found.split, base_has_decoder=True)
    assert "the land cover changes with the rest of the model" in text and "stays" not in text
    model = trainable_model(found)
    assert not any(p.requires_grad for p in model.decoder.class_head.parameters())
    assert all(p.requires_grad for p in model.decoder.gamma_head.parameters())


def only_in(data, folder, block, source, unknown):
    """A copy of a raster that has values in one block alone."""
    with rasterio.open(data[source]) as raster:
        values, dtype = raster.read(1), raster.dtypes[0]
    place = slice(block.top, block.top + block.height), slice(block.left, block.left + block.width)
    kept = np.full_like(values, unknown)
    kept[place] = values[place]
    return write(folder / f"{source}_part.tif", kept, dtype=dtype, nodata=unknown)


@pytest.mark.parametrize(
    ("source", "field", "unknown", "words"),
    [
        ("ndsm", "ndsm_paths", -9999, "Heights lie in the 3 training blocks, but in none of the 1 held-out"),
        ("cover", "land_cover_paths", 0, "Land cover lies in the 3 training blocks, but in none of the 1 held-out"),
    ],
)
def test_labels_in_no_held_out_block_are_told(data, tmp_path, source, field, unknown, words):
    from semantic3d.jobs.train_finish import _calibration_method

    job = job_of(data, tmp_path / "m")
    whole = prepared(job)
    assert not any("held-out" in text for text in whole.data.warnings)
    part = only_in(data, tmp_path, whole.split.training_blocks[0], source, unknown)
    control = Control()
    found = train.prepare(dataclasses.replace(job, **{field: (part,)}), control)
    (warning,) = [text for level, text in control.logs if level == "warning"]
    assert words in warning and "Change the seed, make the blocks smaller" in warning
    assert warning in found.data.warnings  # which the report and the result repeat
    for split, pixels, words in (
        (found.split, 0, "heights were given, but"),
        (found.split, 9, "1 sigma covers"),
        (dataclasses.replace(found.split, training=[]), 0, "no heights were given"),
    ):
        outcome = SimpleNamespace(
            prepared=dataclasses.replace(found, split=split), scores=SimpleNamespace(height_pixels=pixels)
        )
        assert words in _calibration_method(outcome)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"image_paths": ("no.tif",)}, InvalidInput, "no.tif does not exist"),
        ({"ndsm_paths": ("no.tif",)}, InvalidInput, "nDSM no.tif cannot be opened"),
        ({"class_map": ""}, InvalidInput, "10, 30.*class map"),
        ({"class_map": "10=9"}, InvalidParameter, "names class 9"),
        ({"block_m": 500.0}, InvalidInput, r"1 block\(s\) of 500 m"),
        ({"base_path": "no.safetensors"}, InvalidModel, "no pretrained base at no.safetensors"),
        ({"base_path": "nowhere"}, InvalidModel, "no model package"),
        ({"base_path": "org/name-2"}, InvalidModel, "no model at org/name-2.*write org/name-2@ and the 40 hex digits"),
        ({"package_path": "/nowhere/there/mine"}, OutputFailed, "/nowhere/there"),
        ({"buildings_path": "no.geojson"}, InvalidInput, "no.geojson"),
        ({"device": "cuda"}, DeviceUnavailable, "CUDA"),
    ],
)
def test_garbage_is_told_before_the_work(data, tmp_path, changes, error, words):
    if changes.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(error, match=words):
        train.run(job_of(data, tmp_path / "m", **changes), JobControl())
    assert not (tmp_path / "m").exists()


def test_nothing_overlaps(data, tmp_path):
    far = write(tmp_path / "far.tif", np.ones((20, 20)), dtype="float32")
    with rasterio.open(far, "r+") as moved:
        moved.transform = from_origin(EAST + 5000, NORTH, 0.5, 0.5)
    with pytest.raises(InvalidInput, match="No reference.*0.03 megapixels"):
        train.run(job_of(data, tmp_path / "m", ndsm_paths=(far,), land_cover_paths=(), class_map=""), JobControl())


def test_what_does_not_fit_into_memory_is_refused_with_numbers(data, tmp_path):
    big = tmp_path / "big.tif"
    with rasterio.open(big, "w", driver="GTiff", width=20000, height=20000, count=3, dtype="uint8", crs="EPSG:32632",
                       transform=from_origin(EAST, NORTH, 0.5, 0.5), sparse_ok=True, compress="deflate", tiled=True):
        pass
    with pytest.raises(OutOfMemory, match="400.0 megapixels.*4096 MB"):
        train.run(job_of(data, tmp_path / "m", image_paths=(str(big),)), JobControl())


def test_places_that_are_taken(data, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "holiday.jpg").write_text("x")
    with pytest.raises(OutputFailed, match="holiday.jpg"):
        train.run(job_of(data, tmp_path / "m"), JobControl())
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFailed, match="is a file"):
        train.run(job_of(data, tmp_path / "file"), JobControl())


def test_bases_that_cannot_be_trained(data, tmp_path):
    from package_model import write_fake_package

    write_fake_package(tmp_path / "fake")
    with pytest.raises(InvalidModel, match="where its parameters are"):
        train.run(job_of(data, tmp_path / "m", base_path=str(tmp_path / "fake")), JobControl())
    (tmp_path / "broken.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InvalidModel, match="safetensors"):
        train.run(job_of(data, tmp_path / "m", base_path=str(tmp_path / "broken.safetensors")), JobControl())
    (tmp_path / "sd" / "unet").mkdir(parents=True)
    with pytest.raises(InvalidModel, match="diffusers folder"):
        train.run(job_of(data, tmp_path / "m", base_path=str(tmp_path / "sd")), JobControl())


def test_the_light_environment_is_told(data, tmp_path, monkeypatch):
    real = train.importlib.util.find_spec
    monkeypatch.setattr(train.importlib.util, "find_spec", lambda name: None if name == "torch" else real(name))
    with pytest.raises(MissingDependency, match="full environment.*torch.*PROFILE=full"):
        train.run(job_of(data, tmp_path / "m"), JobControl())
