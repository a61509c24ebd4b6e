"""Model files that somebody made to do harm: refused by name, in little memory, and nothing of them runs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import resource
import struct
import zipfile

import numpy as np
import onnx
import package_model
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from s3d_protocol.errors import InvalidModel, OutOfMemory
from semantic3d.inference.session import InferenceSession
from semantic3d.models import onnx_file
from semantic3d.models import package as packages
from semantic3d.models.deepness import describe_deepness
from semantic3d.models.onnx_file import read_onnx_header
from semantic3d.models.package_manifest import parse_manifest
from semantic3d.models.safetensors_file import check_safetensors

GOOD_ONNX = package_model.fake_onnx()
ENTRY = {"sha256": "sha256:" + "0" * 64, "bytes": 1}
MANIFEST = {**package_model.manifest(), "format_version": 1, "files": {"model.onnx": ENTRY}}
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10),
    st.sampled_from([10**400, -1, 0, 1e308, "\ud800", "\0", "../x", [], {}, [[]], {"a": 1}, [10**400] * 3, "x" * 30_000]),
    st.lists(st.integers(), max_size=4), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    package_model.write_fake_package(tmp_path / "fake")
    return tmp_path / "fake"


def refused(path, *words):
    with pytest.raises(InvalidModel) as caught:
        packages.load_package(str(path))
    for word in words:
        assert word in caught.value.message
    assert caught.value.message.encode("utf-8")


def with_file(folder, name, data):
    """Put a file into the package and list it truthfully."""
    (folder / name).write_bytes(data)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["files"][name] = {"sha256": "sha256:" + hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    path.write_text(json.dumps(manifest), "utf-8")


def zip_of(path, entries, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def files_of(folder):
    return [(file.name, file.read_bytes()) for file in sorted(folder.iterdir())]


# -- manifests ------------------------------------------------------------------------------------


def test_a_manifest_of_a_gigabyte_is_refused_unread(folder):
    os.truncate(folder / "manifest.json", 1 << 30)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(folder, "larger than 1048576 bytes")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000


def test_a_manifest_of_very_many_keys_does_not_hang():
    text = "{" + ",".join(f'"{number}":1' for number in range(80_000)) + "}"
    with pytest.raises(InvalidModel, match="format_version"):
        parse_manifest(text.encode())


@pytest.mark.parametrize(
    "text",
    ['{"a":' * 40 + "1" + "}" * 40, '{"a":1e999}', '{"a":' + "1" * 30 + "}", '{"a":"\\ud800"}', '{"\\ud800":1}', '{"a":-Infinity}'],
)
def test_what_other_programs_could_not_write_down_is_no_manifest(text):
    with pytest.raises(InvalidModel, match="not valid JSON"):
        parse_manifest(text.encode())


@pytest.mark.parametrize("field", ["version", "title", "licence"])
@pytest.mark.parametrize("text", ["two\nlines", "bell\a", "nul\0", "turned \u202e round"])
def test_texts_that_go_into_tags_are_one_plain_line(folder, field, text):
    with pytest.raises(InvalidModel, match=field):
        parse_manifest(json.dumps({**MANIFEST, field: text}).encode())


@given(st.sampled_from(sorted(MANIFEST)), ODD)
def test_one_odd_field_is_checked_or_refused(field, value):
    try:
        parse_manifest(json.dumps({**MANIFEST, field: value}).encode())
    except InvalidModel as error:
        assert error.message.encode("utf-8")


@given(st.sampled_from([("normalisation", "mean"), ("normalisation", "std"), ("calibration", "method"), ("classes", 0),
                        ("calibration", "predictive_std_scale"), ("files", "model.onnx"), ("weights", "onnx")]), ODD)  # fmt: skip
def test_one_odd_inner_field_is_checked_or_refused(place, value):
    manifest = json.loads(json.dumps(MANIFEST))
    manifest[place[0]][place[1]] = value
    try:
        parse_manifest(json.dumps(manifest).encode())
    except InvalidModel as error:
        assert error.message.encode("utf-8")


# -- zips and folders -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../up.md", "..\\up.md", "/etc/up.md", "\\up.md", "C:\\up.md", "c:up.md", "\\\\server\\share\\up.md", "a/../../up.md",
     "file.md:stream", "a/b/c.md", ".hidden.md", "caf\u00e9.md", "new\nline.md", "blank .md\u202e"],
)  # fmt: skip
def test_no_name_leads_out_of_a_zip(folder, tmp_path, name):
    refused(zip_of(tmp_path / "evil.zip", [*files_of(folder), (name, b"x")]), "evil.zip")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["evil.zip", "fake"]


def test_a_name_that_is_no_utf_8_is_refused_in_ascii(folder, tmp_path):
    path = zip_of(tmp_path / "evil.zip", [*files_of(folder), ("caf\u00e9.md", b"x")])
    path.write_bytes(path.read_bytes().replace("caf\u00e9.md".encode(), b"caf\xe9\xe9.md"))
    refused(path, "not a readable zip")
    os.mkdir(os.fsencode(folder) + b"/caf\xe9")
    refused(folder, "'caf\\udce9'")


def test_the_same_name_twice_is_refused(folder, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zip_of(tmp_path / "evil.zip", [*files_of(folder), ("CARD.md", b"another")])
    refused(path, "twice")


def test_a_zip_in_the_zip_is_refused(folder, tmp_path):
    inner = io.BytesIO()
    zip_of(inner, files_of(folder))
    with_file(folder, "more.json", inner.getvalue())
    refused(zip_of(tmp_path / "evil.zip", files_of(folder)), "more.json", "archive")


def test_a_bomb_that_lies_about_its_size_stays_small(folder, tmp_path):
    """The central directory says 27 bytes, the stream gives 40 MB."""
    entries = [(name, b"\0" * 40_000_000 if name == "CARD.md" else data) for name, data in files_of(folder)]
    path = zip_of(tmp_path / "evil.zip", entries)
    size = (folder / "CARD.md").stat().st_size
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 40_000_000), struct.pack("<L", size)))
    del entries
    refused(path, "CARD.md")


@pytest.mark.parametrize("name", ["notes.txt", "weights.safetensors"])
def test_no_small_zip_fills_the_memory(folder, tmp_path, name):
    """A bomb that is listed truthfully and grows by less than the compression of any text."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 25_000), dtype=np.uint8)
    data = np.concatenate([noise, np.zeros((40, 975_000), np.uint8)], axis=1).tobytes()
    with_file(folder, name, data)
    path = zip_of(tmp_path / "bomb.zip", files_of(folder))
    del data
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(path, name)
    assert path.stat().st_size > 1_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 20_000


@pytest.mark.parametrize("claimed", ["more than the file", "another entry's place"])
def test_a_zip_that_lies_about_its_compressed_bytes_does_not_grow(folder, tmp_path, claimed):
    with_file(folder, "weights.safetensors", bytes(60_000_000))
    path = zip_of(tmp_path / "bomb.zip", files_of(folder))
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("weights.safetensors")
        offset, size = info.header_offset, info.compress_size
    content = bytearray(path.read_bytes())
    if claimed == "more than the file":
        new, old = struct.pack("<L", 10_000_000), struct.pack("<L", size)
    else:
        new, old = struct.pack("<L", 0), struct.pack("<L", offset)
    at = content.rfind(old)  # in the list of files at the end
    content[at : at + 4] = new
    path.write_bytes(content)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(path, "more bytes than it has" if claimed == "more than the file" else "")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 20_000


def test_a_list_of_files_that_would_fill_the_memory_is_not_read(folder, tmp_path):
    path = zip_of(tmp_path / "evil.zip", [*files_of(folder), *[(f"{number:0200}", b"") for number in range(5000)]])
    refused(path, "list of files is larger")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_named_pipe_is_not_waited_for(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "neither a folder")
    os.mkfifo(folder / "pipe.md")
    refused(folder, "pipe.md", "no plain file")


@given(st.data())
def test_a_damaged_zip_is_refused_or_still_the_same(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("zip") / "p.zip"
    package = {"model.onnx": GOOD_ONNX, "CARD.md": b"# Card\n"}
    files = {name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in package.items()}
    zip_of(path, [("manifest.json", json.dumps({**MANIFEST, "files": files})), *package.items()])
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        packages.load_package(str(path))
    except InvalidModel as error:
        assert error.message.encode("utf-8")


# -- pickles in disguise --------------------------------------------------------------------------


class Harm:
    def __reduce__(self):
        return (os.mkdir, ("harm",))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ["weights.safetensors", "other.onnx", "manifest.json"])
def test_a_pickle_is_refused_and_does_not_run(folder, tmp_path, monkeypatch, name, protocol):
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(Harm(), protocol)
    if name == "manifest.json":
        (folder / name).write_bytes(data)
    else:
        with_file(folder, name, data)
    refused(folder, name)
    assert not (tmp_path / "harm").exists()


# -- headers of weights ---------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from(["a", "__metadata__", "\ud800"]), st.fixed_dictionaries({}, optional={
    "dtype": st.sampled_from(["F32", "F16", "X"]) | ODD, "shape": st.lists(st.integers(-1, 10), max_size=3) | ODD,
    "data_offsets": st.lists(st.integers(-1, 99), max_size=3) | ODD}) | ODD, max_size=2))  # fmt: skip
def test_any_safetensors_header_is_checked_or_refused(header):
    text = json.dumps(header).encode()
    try:
        check_safetensors(struct.pack("<Q", len(text)) + text + bytes(40), "w.safetensors")
    except InvalidModel as error:
        assert error.message.encode("utf-8")


def test_shapes_of_very_many_dimensions_do_not_hang():
    text = json.dumps({"a": {"dtype": "F32", "shape": [2**62] * 300_000, "data_offsets": [0, 8]}}).encode()
    with pytest.raises(InvalidModel, match="300000 dimensions"):
        check_safetensors(struct.pack("<Q", len(text)) + text + bytes(8), "w.safetensors")


def test_a_tensor_named_twice_is_refused():
    text = b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    with pytest.raises(InvalidModel, match="twice"):
        check_safetensors(struct.pack("<Q", len(text)) + text + bytes(1), "w.safetensors")


@given(st.data())
def test_a_damaged_onnx_is_refused_or_read(data):
    content = bytearray(GOOD_ONNX)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_onnx_header(bytes(content[: data.draw(st.integers(1, len(content)))]), "m.onnx")
    except InvalidModel as error:
        assert error.message.encode("utf-8")


def test_the_runtimes_own_format_does_not_slip_past_the_checks():
    """Bytes 4 to 7 make onnxruntime take the file for its own format; here they stand in a producer's name."""
    data = b"\x08\x08\x12\x04ORTM" + GOOD_ONNX
    with pytest.raises(InvalidModel, match="own format"):
        read_onnx_header(data, "m.onnx")


def place_of_a_tensor(place, tensor):
    """A model that holds a tensor in one of the places where the format has room for one."""
    model = onnx.load_from_string(GOOD_ONNX)
    attribute = onnx.AttributeProto(name="value", type=onnx.AttributeProto.TENSOR)
    node = onnx.NodeProto(op_type="Constant", output=["y"])
    sparse = onnx.SparseTensorProto(values=tensor)
    inner = onnx.GraphProto(name="inner", initializer=[tensor])
    kind, where = place.split(" of ")
    {"tensor": attribute.t.CopyFrom, "tensors": lambda value: attribute.tensors.append(value),
     "sparse tensor": lambda _: attribute.sparse_tensor.CopyFrom(sparse),
     "sparse tensors": lambda _: attribute.sparse_tensors.append(sparse),
     "graph": lambda _: attribute.g.CopyFrom(inner), "graphs": lambda _: attribute.graphs.append(inner)}[kind](tensor)
    node.attribute.append(attribute)
    if where == "a node":
        model.graph.node.append(node)
    elif where == "a function's node":
        model.functions.append(onnx.FunctionProto(name="F", domain="own", node=[node]))
    else:
        model.functions.append(onnx.FunctionProto(name="F", domain="own", attribute_proto=[attribute]))
    return model.SerializeToString()


@pytest.mark.parametrize("where", ["a node", "a function's node", "a function's attribute"])
@pytest.mark.parametrize("kind", ["tensor", "tensors", "sparse tensor", "sparse tensors", "graph", "graphs"])
def test_weights_in_other_files_are_seen_wherever_they_hide(kind, where):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1])
    assert not read_onnx_header(place_of_a_tensor(f"{kind} of {where}", tensor), "m.onnx").has_external_data
    tensor.external_data.add(key="location", value="secret.bin")
    for location in (TensorProto.EXTERNAL, TensorProto.DEFAULT):
        tensor.data_location = location
        assert read_onnx_header(place_of_a_tensor(f"{kind} of {where}", tensor), "m.onnx").has_external_data


def leaking_model(path):
    """A model of the peer's kind whose height is what lies in a file, by a function's default attribute."""
    secret = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 1, 64, 64], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", path), ("offset", "0"), ("length", "16384")):
        secret.external_data.add(key=key, value=value)
    model = onnx.load_from_string(package_model.fake_deepness("Regressor", 1))
    name = model.graph.output[0].name
    function = onnx.FunctionProto(name="F", domain="own", output=["y"], opset_import=[helper.make_opsetid("", 17)])
    node = helper.make_node("Constant", [], ["y"])
    node.attribute.add(name="value", ref_attr_name="value", type=onnx.AttributeProto.TENSOR)
    function.node.append(node)
    function.attribute_proto.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(secret)
    model.functions.append(function)
    model.opset_import.append(helper.make_opsetid("own", 1))
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.append(helper.make_node("F", [], [name], domain="own"))
    return model.SerializeToString()


def test_a_model_that_reads_another_file_does_not_load(tmp_path, monkeypatch):
    """Nor would onnxruntime find the file, were it not noticed: the working folder is not where it looks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(np.full(4096, 7, np.float32).tobytes())
    (tmp_path / "m.onnx").write_bytes(leaking_model("secret.bin"))
    refused(tmp_path / "m.onnx", "in other files")
    monkeypatch.setattr(onnx_file, "_attribute_is_external", lambda *_: False)
    package = packages.load_package(str(tmp_path / "m.onnx"))
    with pytest.raises(InvalidModel, match="cannot run the model"):
        InferenceSession(package, "cpu").run(np.zeros((1, 3, 64, 64), np.float32), tuple(package.output_names))


DEEPNESS = {
    "Regressor": package_model.fake_deepness("Regressor", 1),
    "Segmentor": package_model.fake_deepness("Segmentor", 1, class_names={0: "no", 1: "roof"}),
}
METADATA = ["model_type", "resolution", "tile_size", "class_names", "standardization_mean", "reg_output_scaling"]


@pytest.mark.parametrize("kind", ["Regressor", "Segmentor"])
@given(key=st.sampled_from(METADATA), text=ODD.map(lambda value: json.dumps(value)) | st.text(max_size=20) | st.sampled_from(
    ["[" * 15_000, "(" * 200 + ")" * 200, "-" * 15_000 + "1", "{" * 99, "{[]: 1}", "1e999", "9" * 4000, "0x" + "f" * 4000, "\0",
     '{"' + "9" * 3000 + '": 1}', "x" * 100_000]))  # fmt: skip
def test_any_deepness_metadata_is_read_or_refused(kind, key, text):
    model = onnx.load_from_string(DEEPNESS[kind])
    kept = {entry.key: entry.value for entry in model.metadata_props}
    del model.metadata_props[:]
    try:
        helper.set_model_props(model, {**kept, key: text})
    except UnicodeEncodeError:
        return  # not even onnx can write it
    try:
        describe_deepness(model.SerializeToString(), "d.onnx")
    except InvalidModel as error:
        assert error.message.encode("utf-8")


# -- what the runtime is given --------------------------------------------------------------------


def package_of(folder, nodes, domain=None):
    """A package whose height comes from `nodes`; the outputs else as they should be."""
    model = onnx.load_from_string(GOOD_ONNX)
    kept = [node for node in model.graph.node if "height_m" not in node.output]
    del model.graph.node[:]
    model.graph.node.extend([*kept, *nodes])
    if domain:
        model.opset_import.append(helper.make_opsetid(domain, 1))
    with_file(folder, "model.onnx", model.SerializeToString())
    return packages.load_package(str(folder))


def test_operators_of_another_domain_are_refused(folder):
    package = package_of(folder, [helper.make_node("Evil", ["mean"], ["height_m"], domain="evil.example")], "evil.example")
    with pytest.raises(InvalidModel, match="evil.example"):
        InferenceSession(package, "cpu")


def test_absurd_shapes_inside_are_out_of_memory_and_no_crash(folder):
    size = helper.make_tensor("size", TensorProto.INT64, [3], [1 << 20, 1 << 20, 1 << 10])
    package = package_of(folder, [
        helper.make_node("Constant", [], ["size"], value=size), helper.make_node("ConstantOfShape", ["size"], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["top"], keepdims=0), helper.make_node("Add", ["mean", "top"], ["height_m"]),
    ])  # fmt: skip
    with pytest.raises((OutOfMemory, InvalidModel)):
        InferenceSession(package, "cpu").run(np.zeros((1, 3, 64, 64), np.float32), ("height_m",))
