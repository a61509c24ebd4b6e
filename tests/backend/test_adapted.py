"""The adapted diffusion model: taps, adapter, decoder, training step, export."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from diffusers import UNet2DConditionModel  # noqa: E402
from full_shapes import SD2, SD15, SDXL, unet_config  # noqa: E402

from semantic3d.datasets.labelled import Sample  # noqa: E402
from semantic3d.models.adapted import AdaptedConfig, AdaptedDiffusion, PhysicalOutputs  # noqa: E402
from semantic3d.models.decoder import PSP_BINS, TaskDecoder, pooling_matrix, without_chequers  # noqa: E402
from semantic3d.models.latent import TINY, LatentDiffusion, add_adapter  # noqa: E402
from semantic3d.training.adapt import LossConfig, adapt, land_cover_loss  # noqa: E402
from semantic3d.training.export import export_onnx, parity  # noqa: E402
from semantic3d.training.loop import LoopConfig, trained_state  # noqa: E402
from semantic3d.training.patches import PatchConfig, PatchSource  # noqa: E402
from semantic3d.training.small import continued_model  # noqa: E402


def tiny_model(seed=0, **changes):
    torch.manual_seed(seed)
    config = AdaptedConfig(lora_rank=2, train_encoder=True, decoder_channels=16, **changes)
    model = AdaptedDiffusion(LatentDiffusion.from_config(TINY), config).eval()
    with torch.no_grad():  # LoRA starts at zero: give it something to say
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    return model


def image(batch=1, side=64, seed=1):
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_taps_leave_the_stock_models_outputs_unchanged():
    base = LatentDiffusion.from_config(TINY).eval()
    with torch.no_grad():
        latents, quarter, half = base.encode(image())
        stock = base.vae.encode(image()).latent_dist.mode() * base.vae.config.scaling_factor
        features = base.denoise_once(latents, 1)
        after = base.unet.conv_out(features)
        expected = base.unet(latents, torch.tensor([1]), base.condition).sample
    assert torch.allclose(latents, stock) and torch.allclose(after, expected)
    assert quarter.shape[-1] == 16 and half.shape[-1] == 32 and features.shape[-1] == 8


@pytest.mark.parametrize(
    "shape, rank, millions", [(SD2, 64, 68.0), (SD2, 128, 136.0), (SD15, 128, 134.9), (SDXL, 128, 393.9)]
)
def test_adapter_has_the_papers_number_of_parameters(shape, rank, millions):
    with torch.device("meta"):
        unet = UNet2DConditionModel(**unet_config(shape))
        add_adapter(unet, rank)
    trainable = sum(p.numel() for p in unet.parameters() if p.requires_grad)
    assert trainable / 1e6 == pytest.approx(millions, rel=0.005)


def test_decoder_of_stable_diffusion_has_about_1_2_million_parameters():
    decoder = TaskDecoder(320, 512, 256, channels=128)
    assert sum(p.numel() for p in decoder.parameters()) / 1e6 == pytest.approx(1.2, abs=0.1)


def test_merging_leaves_outputs_unchanged():
    model = tiny_model()
    with torch.no_grad():
        before = model(image())
        after = model.merged()(image())
    assert not [name for name, _ in model.named_modules() if "lora" in name]
    for a, b in zip(before, after):
        assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("bins", PSP_BINS)
@pytest.mark.parametrize("size", [6, 7, 64])
def test_pooling_matrix_is_adaptive_average_pooling(bins, size):
    row = torch.rand(1, 1, size, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.adaptive_avg_pool1d(row, bins)
    assert torch.allclose(row @ pooling_matrix(size, bins, row).T, expected, atol=1e-6)


def test_land_cover_loss_knows_what_is_unknown():
    logits = torch.zeros(1, 7, 1, 3)
    logits[0, 0, 0, :] = 2.0
    codes = torch.tensor([[[0, 11, 1]]])
    found = land_cover_loss(logits, codes, torch.ones(7))
    p1 = np.exp(2) / (np.exp(2) + 6)
    either = p1 + 1 / (np.exp(2) + 6)
    assert found.item() == pytest.approx(-(np.log(p1) + np.log(either)) / 2, rel=1e-5)


def labelled_source():
    random = np.random.default_rng(0)
    ndsm_m = np.zeros((96, 96), np.float32)
    ndsm_m[20:60, 30:70] = 8
    rgb = (ndsm_m * 20 + random.integers(0, 30, ndsm_m.shape)).astype(np.uint8)
    cover = np.where(ndsm_m > 0, 4, 2).astype(np.uint8)
    sample = Sample("made", np.repeat(rgb[..., None], 3, axis=2), ndsm_m, cover, 0.5)
    return PatchSource([([sample], 1.0)], PatchConfig(patch_px=64, gap_share=0.0))  # all pixels count, in any batch


def test_patches_scale_heights_with_the_scene():
    source = labelled_source()
    for seed in range(8):
        batch = source.batch(1, seed)
        zoom = 64 / round(64 / (batch.ndsm_m.max().item() / 8))
        assert batch.ndsm_m.max().item() == pytest.approx(8 * zoom, rel=0.02)
        assert 0.75 < zoom < 1.35
        assert set(batch.land_cover.unique().tolist()) <= {2, 4}


def test_resumed_training_ends_where_an_uninterrupted_one_does(tmp_path):
    source = labelled_source()

    def train(folder, steps_at_a_time):
        model = tiny_model(seed=5).train()
        for steps in steps_at_a_time:
            loop = LoopConfig(steps=4, checkpoint_every=2, log_every=2, use_bf16=False)
            stop_after = _StopAfter(steps)
            try:
                adapt(model, lambda step: source.batch(2, step), loop, LossConfig(), folder, stop_after)
            except _Stopped:
                model = tiny_model(seed=5).train()  # a fresh process: the same frozen base,
                with torch.no_grad():  # and of what was trained nothing but the checkpoint
                    for parameter in model.parameters():
                        if parameter.requires_grad:
                            parameter.normal_()
        return trained_state(model)

    whole = train(tmp_path / "whole", [4])
    parts = train(tmp_path / "parts", [2, 4])
    for name, value in whole.items():
        assert torch.allclose(value, parts[name], atol=1e-6), name


class _Stopped(Exception):
    pass


class _StopAfter:
    def __init__(self, step):
        self.step = step

    def __call__(self, step, _ema):
        if step == self.step and step < 4:
            raise _Stopped


def test_training_lowers_the_loss(tmp_path):
    source, model, seen = labelled_source(), tiny_model().train(), []
    from semantic3d.training.adapt import joint_loss

    def measure(*_):
        batch = source.batch(4, 99)
        with torch.no_grad():
            seen.append(joint_loss(model(batch.image), batch, model.config, LossConfig()).item())

    measure()
    loop = LoopConfig(steps=30, learning_rate=3e-3, warmup_steps=3, checkpoint_every=30, use_bf16=False)
    adapt(model, lambda step: source.batch(4, step), loop, LossConfig(), tmp_path, measure)
    assert seen[-1] < 0.7 * seen[0]


def test_a_chequered_pattern_goes_and_what_is_smooth_stays():
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(6.0), indexing="ij")
    plane = (3.0 + 0.5 * rows - 0.25 * columns).expand(2, 3, 8, 6)
    for pattern in ((-1.0) ** rows, (-1.0) ** columns, (-1.0) ** (rows + columns)):
        smooth = without_chequers(plane + pattern)
        assert smooth.shape == plane.shape
        torch.testing.assert_close(smooth[..., 1:-1, 1:-1], plane[..., 1:-1, 1:-1])
    torch.testing.assert_close(without_chequers(torch.full((1, 1, 3, 3), 7.0)), torch.full((1, 1, 3, 3), 7.0))


def test_no_map_of_a_smooth_decoder_repeats_every_fourth_pixel():
    def period_four(output):
        """How large the part of the maps is that repeats every fourth column."""
        wave = torch.hann_window(40, periodic=False) * torch.exp(0.5j * torch.pi * torch.arange(40.0))
        return sum((m[..., 4:-4, 4:-4] * wave).sum(dim=-1).abs().mean().item() for m in output)

    torch.manual_seed(0)
    rough, smooth = TaskDecoder(8, 8, 8, channels=16), TaskDecoder(8, 8, 8, channels=16, smooth=True)
    smooth.load_state_dict(rough.state_dict())
    inputs = torch.randn(1, 8, 6, 6), torch.randn(1, 8, 12, 12), torch.randn(1, 8, 24, 24)
    with torch.no_grad():
        assert period_four(smooth(*inputs)) < 0.1 * period_four(rough(*inputs))


@pytest.mark.parametrize("smooth", [False, True])
def test_export_agrees_with_torch_at_batch_one_and_three(tmp_path, smooth):
    model = PhysicalOutputs(tiny_model(smooth=smooth).merged()).eval()
    export_onnx(model, 64, tmp_path / "model.onnx")
    for batch in (1, 3):
        differences = parity(model, tmp_path / "model.onnx", image(batch))
        assert differences["height_m"] < 1e-3
        assert differences["class_probability"] < 1e-4


def test_an_exported_model_can_be_trained_further(tmp_path):
    torch.manual_seed(3)
    config = AdaptedConfig(lora_rank=4, decoder_channels=16, train_encoder=True)
    base = LatentDiffusion.from_config(TINY)
    base.vae.register_to_config(scaling_factor=0.31)
    model = PhysicalOutputs(AdaptedDiffusion(base, config).merged()).eval()
    export_onnx(model, 64, tmp_path / "model.onnx")  # rounds the weights in place
    data = (tmp_path / "model.onnx").read_bytes()
    again = continued_model(data, config, "tiny")
    assert again.base.vae.config.scaling_factor == 0.31
    assert any("lora_B" in name and p.requires_grad for name, p in again.named_parameters())
    with torch.no_grad():
        for expected, found in zip(model(image()), PhysicalOutputs(again).eval()(image())):
            torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    with pytest.raises(ValueError, match="another shape"):
        continued_model(data, AdaptedConfig(decoder_channels=32), "tiny")
