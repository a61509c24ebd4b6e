"""Model packages: what is read, and how each kind of broken or lying package is refused by name."""
from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import stat
import struct
import tracemalloc
import zipfile

import package_model
import numpy as np
import onnx
import onnxruntime
import pytest
from s3d_protocol.errors import InvalidModel
from semantic3d.models import package as packages


@pytest.fixture
def folder(tmp_path):
    package_model.write_fake_package(tmp_path / "fake")
    return tmp_path / "fake"


def change_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def set_at(*keys_and_value):
    *keys, last, value = keys_and_value

    def change(manifest):
        for key in keys:
            manifest = manifest[key]
        manifest[last] = value
    return change


def put_file(folder, name, data):
    """Add a file to the package and list it truthfully."""
    (folder / name).write_bytes(data)
    entry = {"sha256": "sha256:" + hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    change_manifest(folder, set_at("files", name, entry))


def refused(path, *words):
    with pytest.raises(InvalidModel) as caught:
        packages.load_package(str(path))
    for word in words:
        assert word in caught.value.message
    assert caught.value.code == "invalid_model"


def zip_of(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def test_a_good_folder_gives_its_values(folder):
    package = packages.load_package(str(folder))
    assert (package.name, package.version, package.kind) == ("fake", "1.2.3", "semantic3d")
    assert package.gsd_m == 0.5 and package.gsd_range_m == (0.2, 1.2) and package.tile_size_px == 64
    assert [(item.id, item.name, item.colour) for item in package.classes] == [
        (1, "impervious or bare", "#c8c8c8"), (4, "building", "#e6550d")]
    assert package.card.startswith("# A fake model")
    assert package.sha256 == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert package.has_height and package.has_uncertainty and package.has_classes
    with pytest.raises(AttributeError):
        package.gsd_m = 1.0


@pytest.mark.parametrize("inside", ["", "fake/"])
def test_a_zip_is_the_same_package(folder, tmp_path, inside):
    path = zip_of(tmp_path / "fake.zip", [(inside + f.name, f.read_bytes()) for f in folder.iterdir()])
    package = packages.load_package(str(path))
    assert package.sha256 == packages.load_package(str(folder)).sha256
    assert package.read_onnx() == (folder / "model.onnx").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["fake", "fake.zip"]  # nothing was unpacked


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        package_model.write_fake_package(tmp_path / name)
    package_model.write_fake_package(tmp_path / "a")
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()


def test_a_session_of_the_package_gives_canonical_outputs(folder):
    package = packages.load_package(str(folder))
    session = onnxruntime.InferenceSession(package.read_onnx(), providers=["CPUExecutionProvider"])
    packages.check_session_io(package, session.get_inputs(), session.get_outputs())
    image = np.zeros((2, 3, 64, 64), np.float32)
    image[1] = np.array([0.3, 0.6, 0.9], np.float32)[:, None, None]
    arrays = dict(zip([o.name for o in session.get_outputs()], session.run(None, {package.input_name: image})))
    maps = package.canonical_outputs(arrays)
    assert maps["height_m"][0].max() == 0 and np.allclose(maps["height_m"][1], 6.0)  # 10 * mean(0.3, 0.6, 0.9)
    assert np.allclose(maps["aleatoric_var_m2"][1], 0.09) and np.allclose(maps["epistemic_var_m2"][1], 0.36)
    arrays["height_m"] = arrays["height_m"][..., :-1]
    with pytest.raises(InvalidModel, match="height_m"):
        package.canonical_outputs(arrays)
    arrays["height_m"] = np.full((2, 1, 64, 64), np.nan)
    with pytest.raises(InvalidModel, match="no numbers"):
        package.canonical_outputs(arrays)


FIELD_FAULTS = [
    (set_at("format_version", 2), ["format_version 2", "Update"]),
    (set_at("format_version", "1"), ["format_version"]),
    (set_at("name", "../evil"), ["name", "../evil"]),
    (set_at("licence", ""), ["licence"]),
    (set_at("bands", ["nir", "red", "green"]), ["bands"]),
    (set_at("normalisation", "std", [1.0, 0.0, 1.0]), ["normalisation.std[1]"]),
    (set_at("normalisation", "mean", [1.0, 0.0]), ["normalisation.mean", "3 numbers"]),
    (set_at("gsd_m", -0.5), ["gsd_m", "-0.5"]),
    (set_at("gsd_m", True), ["gsd_m"]),
    (set_at("gsd_range_m", [0.6, 1.2]), ["gsd_range_m"]),
    (set_at("tile_size_px", 64.5), ["tile_size_px"]),
    (set_at("tile_size_px", 128), ["image", "64"]),
    (set_at("height_scale_m", 0), ["height_scale_m"]),
    (set_at("timestep", 1000), ["timestep"]),
    (set_at("classes", 0, "colour", "red"), ["classes[0].colour", "red"]),
    (set_at("classes", 0, "id", 0), ["classes[0].id"]),
    (set_at("classes", 1, "id", 1), ["classes[1].id", "share"]),
    (set_at("classes", 0, "name", "tree\u0000"), ["classes[0].name"]),
    (set_at("classes", []), ["classes"]),
    (set_at("classes", [package_model.CLASSES[0]]), ["class_probability", "2"]),
    (set_at("calibration", {"method": "none"}), ["calibration.predictive_std_scale"]),
    (set_at("calibration", "intervals", [[0.5, 1.0], [0.95, 0.9]]), ["calibration.intervals[1]", "[0.95, 0.9]"]),
    (set_at("calibration", "intervals", [[1.5, 1.0]]), ["calibration.intervals[0]"]),
    (set_at("calibration", "intervals", "0.5:1"), ["calibration.intervals", "list"]),
    (set_at("training_data", [{"name": "x", "licence": "y"}]), ["training_data[0].attribution"]),
    (set_at("weights", "onnx", None), ["weights"]),
    (set_at("weights", "onnx", "other.onnx"), ["weights.onnx", "other.onnx"]),
    (set_at("files", "../up.onnx", {"sha256": "0" * 64, "bytes": 1}), ["../up.onnx"]),
    (set_at("files", "run.py", {"sha256": "0" * 64, "bytes": 1}), ["run.py", "kind"]),
    (set_at("files", "model.onnx", "bytes", 3), ["model.onnx", "3"]),
    (set_at("files", "model.onnx", "sha256", "sha256:" + "0" * 64), ["model.onnx", "hash"]),
    (set_at("files", "model.onnx", "sha256", "md5:00"), ["files.model.onnx.sha256"]),
    (set_at("files", "lost.txt", {"sha256": "0" * 64, "bytes": 1}), ["lost.txt", "does not hold"]),
    (set_at("hook", "os.system"), ["unknown", "hook"]),
]


@pytest.mark.parametrize("change, words", FIELD_FAULTS, ids=[" ".join(words) for _, words in FIELD_FAULTS])
def test_a_wrong_field_is_refused_by_name(folder, change, words):
    change_manifest(folder, change)
    refused(folder, *words)


@pytest.mark.parametrize("field", [f for f in packages.REQUIRED])
def test_a_missing_field_is_refused_by_name(folder, field):
    change_manifest(folder, lambda manifest: manifest.pop(field))
    refused(folder, f'no field "{field}"')


@pytest.mark.parametrize("text, word", [
    ("{", "JSON"), ("[1]", "object"), ('{"name": 1, "name": 2}', "twice"), ('{"gsd_m": NaN}', "NaN"),
    ("\ufeff{}", "JSON"), ("[" * 100_000, "JSON"), (" " * (1 << 20) + "{}", "larger")])
def test_bad_json_is_refused(folder, text, word):
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    refused(folder, word)


def test_what_is_not_there_is_said(tmp_path):
    refused(tmp_path / "nothing", "nothing")
    refused(tmp_path, "no manifest.json")
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    refused(tmp_path / "text", "neither")


def test_a_bare_hash_is_read_too(folder):
    change_manifest(folder, lambda m: [e.update(sha256=e["sha256"][len("sha256:"):]) for e in m["files"].values()])
    assert packages.load_package(str(folder)).name == "fake"


def test_an_unlisted_file_is_refused(folder):
    (folder / "setup.py").write_text("print()", encoding="utf-8")
    refused(folder, "setup.py", "does not list")


def test_desktop_droppings_are_ignored(folder):
    for name in (".DS_Store", "._manifest.json", "._model.onnx"):
        (folder / name).write_bytes(b"x")
    assert packages.load_package(str(folder)).name == "fake"


def test_links_and_folders_are_refused(folder):
    (folder / "more").mkdir()
    refused(folder, "folder", "more")
    (folder / "more").rmdir()
    (folder / "CARD.md").unlink()
    os.symlink("/etc/hostname", folder / "CARD.md")
    refused(folder, "link", "CARD.md")


def test_a_pickle_behind_an_innocent_name_is_refused(folder):
    put_file(folder, "notes.txt", pickle.dumps({"a": 1}))
    refused(folder, "notes.txt", "pickle")


def test_an_archive_behind_an_innocent_name_is_refused(folder):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as stream:
        stream.writestr("data.pkl", b"x")
    put_file(folder, "weights.safetensors", archive.getvalue())
    refused(folder, "weights.safetensors", "archive")


def safetensors(header, body):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize("data, word", [
    (safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)), None),
    (safetensors({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, bytes(8)), "shape"),
    (safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(12)), "12 bytes"),
    (safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}, bytes(12)), "gap"),
    (safetensors({"a": {"dtype": "X", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)), "header"),
    (struct.pack("<Q", 1 << 60) + b"{}", "cut off"), (b"abc", "cut off")])
def test_safetensors_are_checked(folder, data, word):
    put_file(folder, "weights.safetensors", data)
    if word is None:
        assert packages.load_package(str(folder)).name == "fake"
    else:
        refused(folder, "weights.safetensors", word)


@pytest.mark.parametrize("options, words", [
    ({"batch": 1}, ["batch", "1"]), ({"leave_out": ("evidence_index",)}, ["evidence_index"]),
    ({"classes": 3}, ["class_probability", "3"]), ({"tile_size_px": 96}, ["image", "96"])])
def test_an_onnx_that_disagrees_with_the_manifest_is_refused(folder, options, words):
    put_file(folder, "model.onnx", package_model.fake_onnx(**options))
    refused(folder, *words)


def test_a_session_that_disagrees_is_refused(folder):
    package = packages.load_package(str(folder))
    session = onnxruntime.InferenceSession(package_model.fake_onnx(classes=3), providers=["CPUExecutionProvider"])
    with pytest.raises(InvalidModel, match="class_probability"):
        packages.check_session_io(package, session.get_inputs(), session.get_outputs())


@pytest.mark.parametrize("data", [b"hello", b"\x00" * 100, package_model.fake_onnx()[:200], b"\xff" * 50])
def test_damaged_onnx_is_refused(folder, data):
    put_file(folder, "model.onnx", data)
    refused(folder, "model.onnx", "ONNX")


def test_external_weights_are_refused(folder):
    model = onnx.load_from_string(package_model.fake_onnx())
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    put_file(folder, "model.onnx", model.SerializeToString())
    refused(folder, "model.onnx", "other files")


@pytest.mark.parametrize("name", ["../manifest.json", "/etc/manifest.json", "a\\..\\b.txt", "C:/x.txt", "a/../../x.md"])
def test_zip_slip_is_refused(folder, tmp_path, name):
    entries = [(f.name, f.read_bytes()) for f in folder.iterdir()] + [(name, b"x")]
    path = zip_of(tmp_path / "evil.zip", entries)
    with zipfile.ZipFile(path) as archive:
        kept = name in archive.namelist()
    assert kept or "\\" in name
    refused(path, "leave its folder" if kept else "")


def test_a_link_in_a_zip_is_refused(folder, tmp_path):
    info = zipfile.ZipInfo("CARD.md")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zip_of(tmp_path / "evil.zip", [(f.name, f.read_bytes()) for f in folder.iterdir() if f.name != "CARD.md"])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(path, "link")


def test_a_bomb_is_refused_before_it_grows(folder, tmp_path):
    path = zip_of(tmp_path / "large.zip", [(f.name, f.read_bytes()) for f in folder.iterdir()])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", bytes(64 << 20))
    refused(path, "taken for a bomb")


def understated(path, name, size):
    """The zip with another uncompressed size for an entry, in its header and in the list of files."""
    data = bytearray(path.read_bytes())
    for mark, size_at, name_at in ((b"PK\x03\x04", 22, 30), (b"PK\x01\x02", 24, 46)):
        place = data.find(mark)
        while data[place + name_at:place + name_at + len(name)] != name.encode():
            place = data.index(mark, place + 1)
        data[place + size_at:place + size_at + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_inflate_without_a_limit_are_refused(folder, tmp_path, method):
    path = zip_of(tmp_path / "odd.zip", [(f.name, f.read_bytes()) for f in folder.iterdir() if f.name != "CARD.md"])
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr("CARD.md", bytes(1 << 20))
    refused(understated(path, "CARD.md", 7), "CARD.md", "neither stored nor deflated")


def test_an_entry_that_claims_to_be_small_is_read_no_further(folder, tmp_path):
    size = 200 << 20
    change_manifest(folder, lambda m: m["files"]["CARD.md"].update(bytes=size))
    path = zip_of(tmp_path / "small.zip", [(f.name, f.read_bytes()) for f in folder.iterdir() if f.name != "CARD.md"])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CARD.md", bytes(size))
    understated(path, "CARD.md", 1000)
    tracemalloc.start()
    refused(path, "CARD.md")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20


def test_an_entry_that_grows_past_its_listed_size_is_refused(folder, tmp_path):
    entries = [(f.name, f.read_bytes() + (b"x" * 1000 if f.name == "CARD.md" else b"")) for f in folder.iterdir()]
    refused(zip_of(tmp_path / "more.zip", entries), "CARD.md", "more than")


def test_a_damaged_zip_is_refused(folder, tmp_path):
    path = zip_of(tmp_path / "cut.zip", [(f.name, f.read_bytes()) for f in folder.iterdir()])
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)
    refused(path, "cut.zip")


def test_a_file_changed_after_loading_is_noticed(folder):
    package = packages.load_package(str(folder))
    data = bytearray((folder / "model.onnx").read_bytes())
    data[-1] ^= 1
    (folder / "model.onnx").write_bytes(data)
    with pytest.raises(InvalidModel, match="hash"):
        package.read_onnx()


def test_the_bundled_model_is_found_or_its_absence_said(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "__file__", str(tmp_path / "b" / "backend" / "semantic3d" / "models" / "package.py"))
    with pytest.raises(InvalidModel, match="missing from this installation"):
        packages.bundled_model_path("no_such_model")
    (tmp_path / "b" / "models").mkdir(parents=True)
    package_model.write_fake_package(tmp_path / "b" / "models" / "fake")
    assert packages.bundled_model_path("fake") == str(tmp_path / "b" / "models" / "fake")


class TestDeepness:
    """A single ONNX file with the metadata that the Deepness plugin documents."""

    @pytest.fixture
    def load(self, tmp_path):
        def load(*arguments, **metadata):
            (tmp_path / "d.onnx").write_bytes(package_model.fake_deepness(*arguments, **metadata))
            return packages.load_package(str(tmp_path / "d.onnx"))
        return load

    def test_a_regressor_gives_heights(self, load):
        package = load("Regressor", 1, reg_output_scaling=30.0, standardization_mean=[0.1, 0.2, 0.3],
                       standardization_std=[0.5, 0.5, 0.5])
        assert package.has_height and not package.has_classes and not package.has_uncertainty
        assert package.gsd_m == pytest.approx(0.2)  # 20 cm
        assert package.normalisation_mean == (0.1, 0.2, 0.3)
        maps = package.canonical_outputs({"output": np.full((1, 1, 64, 64), 0.5)})
        assert np.allclose(maps["height_m"], 15.0)

    def test_a_segmentor_gives_classes(self, load):
        package = load("Segmentor", 3, class_names={0: "background", 1: "roof", 2: "tree"})
        assert [(item.id, item.name) for item in package.classes] == [(1, "background"), (2, "roof"), (3, "tree")]
        assert len({item.colour for item in package.classes}) == 3
        scores = np.zeros((1, 3, 64, 64))
        scores[:, 1], scores[:, 2] = 0.5, -1.0
        probability = package.canonical_outputs({"output": scores})["class_probability"]
        assert np.allclose(probability[0, :, 5, 5], [0, 1, 0])

    def test_a_binary_mask_becomes_two_classes(self, load):
        package = load("Segmentor", 1, class_names={0: "no", 1: "roof"})
        probability = package.canonical_outputs({"output": np.full((1, 1, 64, 64), 0.25)})["class_probability"]
        assert np.allclose(probability[0, :, 0, 0], [0.75, 0.25])

    @pytest.mark.parametrize("arguments, metadata, word", [
        (("Detector", 1), {}, "Detector"),
        ((None, 1), {}, "model_type"),
        (("Regressor", 1), {"resolution": None}, "resolution"),
        (("Regressor", 1), {"resolution": "fine"}, "resolution"),
        (("Regressor", 1), {"tile_size": 512}, "tile"),
        (("Regressor", 2), {}, "2 output channels"),
        (("Segmentor", 3), {"class_names": {0: "a", 1: "b"}}, "names 2 classes"),
        (("Segmentor", 2), {"class_names": {0: "a", 2: "b"}}, "leaves out"),
        (("Regressor", 1), {"standardization_std": [1, 0, 1]}, "standardization_std")])
    def test_faults_are_named(self, load, arguments, metadata, word):
        with pytest.raises(InvalidModel, match=word):
            load(*arguments, **metadata)

    def test_a_missing_tile_size_is_taken_from_the_shape(self, load):
        assert load("Regressor", 1, tile_size=None).tile_size_px == 64


def test_the_summary_is_plain_json(folder):
    summary = packages.package_summary(packages.load_package(str(folder)))
    assert json.loads(json.dumps(summary))["classes"][1]["name"] == "building"


def test_a_package_survives_being_moved(folder, tmp_path):
    before = packages.load_package(str(folder)).sha256
    shutil.move(str(folder), str(tmp_path / "elsewhere"))
    assert packages.load_package(str(tmp_path / "elsewhere")).sha256 == before
