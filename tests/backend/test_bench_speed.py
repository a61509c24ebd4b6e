"""What the speed benchmark computes itself: blends, disagreement, choices, sections, rewrites, the peer's loop."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from fake_model import TILE_PX, write_fake_package
from rasterio.transform import from_origin

from semantic3d import reconstruct
from semantic3d.inference.session import InferenceSession
from semantic3d.models.package import HEIGHT, load_package

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module", autouse=True)
def _scripts_on_the_path():
    sys.path.insert(0, str(SCRIPTS))
    yield
    sys.path.remove(str(SCRIPTS))


@pytest.fixture
def image(tmp_path) -> tuple[Path, np.ndarray]:
    """An image of 150 x 130 pixels at the fake model's GSD, as (path, uint8 [H, W, 3])."""
    rgb = np.random.default_rng(3).integers(0, 256, (150, 130, 3), np.uint8)
    path = tmp_path / "image.tif"
    profile = {"driver": "GTiff", "width": 130, "height": 150, "count": 3, "dtype": "uint8", "photometric": "RGB"}
    with rasterio.open(path, "w", **profile, crs="EPSG:32632", transform=from_origin(0, 100, 0.5, 0.5)) as target:
        target.write(rgb.transpose(2, 0, 1))
    return path, rgb


def test_the_study_of_overlap_blends_as_reconstruct_does(tmp_path, image):
    from speed.overlap import tiled_heights

    path, rgb = image
    folder = write_fake_package(tmp_path / "model", blur_px=9)  # so that tiles disagree near their borders
    package = load_package(folder)
    session = InferenceSession(package, "cpu")

    def run(tile):
        return session.run(tile, (HEIGHT,))[HEIGHT][0, 0]

    found = tiled_heights(run, rgb, TILE_PX - 16, (20, 10, 100, 90), package)
    reconstruct(path, model_path=folder, overlap_px=16, height_path=str(tmp_path / "height.tif"))
    with rasterio.open(tmp_path / "height.tif") as source:
        written = source.read(1)[20:120, 10:100]
    np.testing.assert_allclose(found.height_m, written, atol=0.006)  # the file holds centimetres
    assert found.disagreement_m > 0.01


def test_disagreement_and_step_of_tiles_that_differ_by_a_known_height(tmp_path):
    from speed.overlap import tiled_heights

    package = load_package(write_fake_package(tmp_path / "model"))
    calls = []

    def run(tile):
        calls.append(tile.shape)
        rows = 0.5 * (np.arange(TILE_PX) % 2)  # steps of half a metre from row to row
        return np.repeat((4.0 * (len(calls) % 2) + rows)[:, None], TILE_PX, axis=1).astype(np.float32)

    rgb = np.zeros((TILE_PX, 2 * TILE_PX, 3), np.uint8)  # one row of tiles
    apart = tiled_heights(run, rgb, TILE_PX, (0, 0, TILE_PX, 2 * TILE_PX), package)
    assert calls == [(1, 3, TILE_PX, TILE_PX)] * 2
    assert np.isnan(apart.disagreement_m)  # no pixel has two tiles
    assert apart.step_m == pytest.approx(4.0 - 0.5 * 63 / (63 + 126))  # less the mean of 63 row and 126 column lines

    calls.clear()
    halves = np.zeros((TILE_PX, 2 * TILE_PX - 32, 3), np.uint8)
    shared = tiled_heights(run, halves, TILE_PX - 32, (0, 0, TILE_PX, 2 * TILE_PX - 32), package)
    ramp = np.sin(0.5 * np.pi * (np.arange(32) + 0.5) / 32) ** 2  # weight of the second tile
    assert shared.tiles == 2
    assert shared.disagreement_m == pytest.approx(float(np.mean(2 * ramp * (1 - ramp) * 4.0)), rel=1e-5)


@pytest.mark.parametrize(
    ("mae_m", "stride"), [({32: 2.0, 64: 2.019, 128: 2.021}, 64), ({32: 2.0, 64: 2.1, 128: 2.0}, 128), ({32: 2.0}, 32)]
)
def test_the_cheapest_stride_within_a_loss(mae_m, stride):
    from speed.overlap import cheapest_within

    assert cheapest_within(mae_m, 0.01) == stride


def test_a_section_takes_its_own_place_and_no_other():
    from speed.machine import with_section

    page = with_section("# Title\n\nWords.\n", "One", ["a"])
    page = with_section(page, "Two", ["b", "### Under two"])
    assert with_section(page, "One", ["c"]) == "# Title\n\nWords.\n\n## One\n\nc\n\n## Two\n\nb\n### Under two\n"


def test_rounds_run_forth_and_back_and_ratios_are_of_the_same_round():
    from speed.machine import in_rounds, median_ratio

    order = []
    contestants = {name: (lambda name=name: order.append(name) or float(len(order))) for name in "ab"}
    values = in_rounds(contestants, 3)
    assert "".join(order) == "abbaab"
    assert values == {"a": [1.0, 4.0, 5.0], "b": [2.0, 3.0, 6.0]}
    assert median_ratio(values["b"], values["a"]) == (1.2, 0.75, 2.0)


def test_the_peer_keeps_of_each_tile_what_is_nearest(tmp_path, image):
    from speed.peer_loop import Peer

    path, rgb = image
    folder = write_fake_package(tmp_path / "model")
    peer = Peer(folder, 16, all_outputs=True)
    peer.run(str(path), tmp_path, np.dtype("float32"))
    assert peer.tiles == 3 * 3  # ceil((150 - 64) / 48) + 1 and ceil((130 - 64) / 48) + 1
    with rasterio.open(tmp_path / "height_m.tif") as source:
        np.testing.assert_allclose(source.read(1), rgb.mean(axis=2) / 25.5, atol=1e-4)
    assert len(list(tmp_path.glob("*.tif"))) == 1 + 5


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is the reference")
def test_subpixel_weights_are_a_transposed_convolution():
    import torch
    from speed.graph import subpixel_weights

    weights = torch.randn(3, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    pixels = torch.randn(1, 3, 6, 7, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.conv_transpose2d(pixels, weights, stride=2, padding=1)
    deep = torch.nn.functional.conv2d(pixels, torch.from_numpy(subpixel_weights(weights.numpy())), padding=1)
    found = deep.reshape(2, 2, 5, 6, 7).permute(2, 3, 0, 4, 1).reshape(1, 5, 12, 14)
    torch.testing.assert_close(found, expected)


def test_a_rewritten_graph_computes_the_same():
    onnx = pytest.importorskip("onnx")
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    from speed.graph import folded, rewritten

    generator = np.random.default_rng(0)
    weights = generator.normal(size=(3, 2, 4, 4)).astype(np.float32)
    constants = {"w": weights, "b": np.array([150, 148], np.float32), "two": np.array(2, np.float32)}
    graph = helper.make_graph(
        [
            helper.make_node("Pow", ["x", "two"], ["square"], "square"),
            helper.make_node("ConvTranspose", ["square", "w", "b"], ["up"], "up", kernel_shape=[4, 4],
                             strides=[2, 2], pads=[1, 1, 1, 1]),
            helper.make_node("Softmax", ["up"], ["y"], "soft", axis=1),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 5, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 10, 12])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    changed = rewritten(folded(data))
    assert not {"ConvTranspose", "Pow", "Softmax"} & {node.op_type for node in changed.graph.node}
    x = generator.normal(size=(1, 3, 5, 6)).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        for file in (data, changed.SerializeToString())
    )
    np.testing.assert_allclose(after, before, atol=1e-6)
    assert onnx.__version__


def test_convolutions_in_float16_are_near_and_not_equal():
    pytest.importorskip("onnx")
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    from speed.cpu import with_convolutions_in

    generator = np.random.default_rng(0)
    weights = generator.normal(size=(4, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], "conv", kernel_shape=[3, 3]),
            helper.make_node("Relu", ["c"], ["y"], "relu"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    short = with_convolutions_in(model, TensorProto.FLOAT16)
    assert [node.op_type for node in short.graph.node] == ["Cast", "Cast", "Conv", "Cast", "Relu"]
    x = generator.normal(size=(1, 3, 8, 8)).astype(np.float32)
    before, after = (
        onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        for file in (model.SerializeToString(), short.SerializeToString())
    )
    np.testing.assert_allclose(after, before, atol=0.05)
    assert not np.array_equal(after, before)
