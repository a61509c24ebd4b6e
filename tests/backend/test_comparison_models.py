"""The networks that the method is compared with, and the paper's variants of the method itself."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from semantic3d.models.adapted import AdaptedConfig, AdaptedDiffusion  # noqa: E402
from semantic3d.models.baselines import BASELINES, BinsBaseline  # noqa: E402
from semantic3d.models.decoder import TaskDecoder  # noqa: E402
from semantic3d.models.latent import TINY, LatentDiffusion  # noqa: E402
from semantic3d.models.latent_map import LatentMapDiffusion  # noqa: E402


def image(batch=2, side=64):
    return torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_baselines_are_no_larger_than_the_small_model_and_answer_in_its_form(name):
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = BASELINES[name]().eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            output = model(torch.rand(1, 3, 512, 512))
    assert 22e9 < counter.get_total_flops() < 26e9
    assert sum(p.numel() for p in model.parameters()) * 2 < 16e6
    assert [maps.shape[1] for maps in output] == [1, 3, 7]
    assert all(maps.shape[2:] == (512, 512) for maps in output)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_every_weight_of_a_baseline_learns(name):
    torch.manual_seed(0)
    model = BASELINES[name]()
    sum(maps.square().mean() for maps in model(image())).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_bins_give_heights_inside_their_range_only():
    torch.manual_seed(0)
    model = BinsBaseline(highest=6.0).eval()
    with torch.no_grad():
        gamma = model(image() * 50).gamma
    assert 0 < gamma.min() and gamma.max() < 6


@pytest.mark.parametrize("part, marks", [("shortcuts", "shortcut"), ("pyramid", "context")])
def test_the_papers_decoder_parts_can_be_left_out(part, marks):
    full = AdaptedDiffusion(LatentDiffusion.from_config(TINY), AdaptedConfig(decoder_channels=16))
    less = AdaptedDiffusion(LatentDiffusion.from_config(TINY), AdaptedConfig(decoder_channels=16, **{part: False}))
    gone = set(dict(full.decoder.named_parameters())) - set(dict(less.decoder.named_parameters()))
    assert gone and all(marks in name for name in gone)
    assert less(image()).gamma.shape == (2, 1, 64, 64)


def test_heights_by_class_follow_the_classes_and_do_not_steer_them():
    torch.manual_seed(0)
    decoder = TaskDecoder(8, 8, 8, channels=16, class_count=3, height_by_class=True)
    features = torch.randn(2, 8, 8, 8), torch.randn(2, 8, 16, 16), torch.randn(2, 8, 32, 32)
    with torch.no_grad():  # every class one height: 0, 0.5 and 2; and the second class certain
        decoder.gamma_head[-1].weight.zero_()
        decoder.gamma_head[-1].bias.copy_(torch.tensor([0.0, 0.5, 2.0]))
        decoder.class_head[-1].weight.zero_()
        decoder.class_head[-1].bias.copy_(torch.tensor([0.0, 30.0, 0.0]))
    output = decoder(*features)
    torch.testing.assert_close(output.gamma, torch.full_like(output.gamma, 0.5))
    output.gamma.sum().backward()
    assert decoder.class_head[-1].bias.grad is None and decoder.gamma_head[-1].bias.grad is not None


@pytest.mark.parametrize("training, learns", [("lora", "lora_"), ("full", "unet."), ("frozen", None)])
def test_the_unet_learns_as_told(training, learns):
    model = AdaptedDiffusion(LatentDiffusion.from_config(TINY), AdaptedConfig(decoder_channels=16, unet_training=training))
    names = [name for name, p in model.named_parameters() if p.requires_grad and not name.startswith("decoder.")]
    assert all(learns in name for name in names) if learns else not names
    assert bool(names) == (learns is not None)


def test_a_map_through_the_latents_learns_what_the_vae_can_show():
    torch.manual_seed(0)
    model = LatentMapDiffusion(LatentDiffusion.from_config(TINY), lora_rank=4, highest_m=60.0)
    ndsm_m = torch.full((2, 1, 64, 64), 30.0)
    ndsm_m[:, :, :32] = float("nan")
    before = model.loss(image(), ndsm_m)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(8):
        optimiser.zero_grad()
        loss = model.loss(image(), ndsm_m)
        loss.backward()
        optimiser.step()
    assert loss < before
    assert not any(p.requires_grad for p in model.base.vae.parameters())
    with torch.no_grad():
        height_m = model(image())
    assert height_m.shape == (2, 1, 64, 64) and 0 <= height_m.min() and height_m.max() <= 60
