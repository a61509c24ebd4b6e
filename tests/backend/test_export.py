"""The exported file: as large and as dear as promised, and nothing in it that changes no answer."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
onnx = pytest.importorskip("onnx")

from onnx_flops import count_flops  # noqa: E402

from semantic3d.models.adapted import AdaptedConfig, AdaptedDiffusion, PhysicalOutputs  # noqa: E402
from semantic3d.models.latent import TINY, LatentDiffusion  # noqa: E402
from semantic3d.models.package import bundled_model_path  # noqa: E402
from semantic3d.training.export import export_onnx, parity  # noqa: E402
from semantic3d.training.onnx_weights import read_weights  # noqa: E402


def test_the_bundled_model_fits_a_laptop():
    folder = Path(bundled_model_path())
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 16e6
    assert 20e9 < count_flops(folder / "model.onnx") <= 25e9


@pytest.mark.parametrize("width", [8, 64])
def test_operations_are_counted(tmp_path, width):
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, width, 3, stride=2, padding=1), torch.nn.ConvTranspose2d(width, 4, 4, stride=2, padding=1)
    )
    torch.onnx.export(layers, (torch.rand(1, 3, 16, 16),), tmp_path / "m.onnx", dynamo=True, verbose=False)
    assert count_flops(tmp_path / "m.onnx") == 2 * 8 * 8 * (3 * width * 9 + width * 4 * 16)


@pytest.mark.parametrize("silent", [True, False])
def test_attention_to_a_condition_of_zeros_is_left_out_of_the_file(tmp_path, silent):
    torch.manual_seed(3)
    base = LatentDiffusion.from_config(TINY)
    if not silent:
        base.condition.normal_()
    model = PhysicalOutputs(AdaptedDiffusion(base, AdaptedConfig(decoder_channels=16)).merged()).eval()
    before = [name for name, _ in model.named_parameters()]
    export_onnx(model, 64, tmp_path / "m.onnx")
    assert [name for name, _ in model.named_parameters()] == before  # put back
    assert parity(model, tmp_path / "m.onnx", torch.rand(3, 3, 64, 64) * 2 - 1)["height_m"] < 1e-3
    weights, _ = read_weights((tmp_path / "m.onnx").read_bytes())
    queries = [name for name in weights if "attn2.to_q" in name]
    assert len(queries) == (0 if silent else 7)
    assert len([name for name in weights if "attn2.to_out.0.bias" in name]) == 7


def test_norms_are_exported_in_their_cheaper_form(tmp_path):
    torch.manual_seed(4)
    model = PhysicalOutputs(AdaptedDiffusion(LatentDiffusion.from_config(TINY), AdaptedConfig(decoder_channels=16)).merged())
    with torch.no_grad():  # gains of one and biases of zero would be right in either form
        for name, parameter in model.named_parameters():
            if "norm" in name or "gain" in name:
                parameter.add_(torch.randn_like(parameter) * 0.3)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.GroupNorm)]
    modules = [type(module) for module in model.modules()]
    export_onnx(model.eval(), 64, tmp_path / "m.onnx")
    assert [type(module) for module in model.modules()] == modules  # put back
    nodes = list(onnx.load(tmp_path / "m.onnx").graph.node)
    makers = {name: node for node in nodes for name in node.output}
    gains = [node for node in nodes if node.op_type == "BatchNormalization"]
    assert len(gains) == len(norms) > 0
    assert all(makers[node.input[0]].op_type == "Reshape" for node in gains)  # no idle step between norm and gain
    assert not [node for node in nodes if node.op_type == "ReduceMean"]
    found = parity(model, tmp_path / "m.onnx", torch.rand(2, 3, 64, 64) * 2 - 1)
    assert found["height_m"] < 1e-3 and found["class_probability"] < 1e-5
    weights, _ = read_weights((tmp_path / "m.onnx").read_bytes())
    lost = {name for name, _ in model.named_parameters() if "norm" in name or "gain" in name} - set(weights)
    assert not [name for name in lost if "attn2" not in name and "norm2" not in name], lost
