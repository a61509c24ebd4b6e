"""The switches of the paper's studies: MSE and MC dropout beside EHR, and S1 for classes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from semantic3d.models.adapted import AdaptedConfig, AdaptedDiffusion  # noqa: E402
from semantic3d.models.decoder import DecoderOutput, TaskDecoder  # noqa: E402
from semantic3d.models.latent import TINY, LatentDiffusion  # noqa: E402
from semantic3d.models.latent_map import LatentClassDiffusion  # noqa: E402
from semantic3d.models.mc_dropout import McDropout  # noqa: E402
from semantic3d.training.adapt import LossConfig, joint_loss  # noqa: E402
from semantic3d.training.patches import PatchBatch  # noqa: E402


def tiny(**config):
    torch.manual_seed(0)
    return AdaptedDiffusion(
        LatentDiffusion.from_config(TINY), AdaptedConfig(lora_rank=1, decoder_channels=16, class_count=5, **config)
    )


def random_output(seed=3):
    torch.manual_seed(seed)
    return DecoderOutput(*(torch.randn(2, c, 8, 8, requires_grad=True) for c in (1, 3, 5)))


def batch():
    torch.manual_seed(4)
    heights = torch.rand(2, 1, 8, 8) * 20
    heights[0, 0, :2] = torch.nan
    return PatchBatch(torch.rand(2, 3, 8, 8), heights, torch.randint(0, 6, (2, 8, 8)))


def test_squared_error_supervision_is_the_mean_square_over_known_heights_and_leaves_evidence_alone():
    output, seen = random_output(), batch()
    losses = LossConfig(supervision="squared_error", class_weight=0.0, class_weights=())
    loss = joint_loss(output, seen, AdaptedConfig(height_scale_m=10.0), losses)
    error = output.gamma.detach().numpy() - seen.ndsm_m.numpy() / 10
    assert loss.item() == pytest.approx(np.nanmean(error**2), rel=1e-5)
    loss.backward()
    assert output.gamma.grad.abs().sum() > 0
    assert output.raw_evidence.grad is None


def test_one_task_alone_leaves_the_other_task_alone():
    for weights, moved, still in (
        ({"class_weight": 0.0}, "gamma", "class_logits"), ({"height_weight": 0.0}, "class_logits", "gamma")
    ):
        output = random_output()
        joint_loss(output, batch(), AdaptedConfig(), LossConfig(class_weights=(), **weights)).backward()
        assert getattr(output, moved).grad.abs().sum() > 0
        assert getattr(output, still).grad.abs().sum() == 0


@pytest.mark.parametrize("supervision", ["evidential", "squared_error"])
def test_a_sample_with_heights_alone_and_one_with_classes_alone_teach_both_branches(supervision):
    output, losses = random_output(), LossConfig(class_weights=(), supervision=supervision)
    heights, codes = torch.rand(2, 1, 8, 8) * 20, torch.randint(1, 6, (2, 8, 8))
    heights[1], codes[0] = torch.nan, 0
    loss = joint_loss(output, PatchBatch(torch.rand(2, 3, 8, 8), heights, codes), AdaptedConfig(), losses)
    loss.backward()
    evidence = [output.raw_evidence] if supervision == "evidential" else []
    for maps, labelled, bare in (*((m, 0, 1) for m in (output.gamma, *evidence)), (output.class_logits, 1, 0)):
        assert torch.isfinite(maps.grad).all()
        assert (maps.grad[labelled].abs().sum(dim=0) > 0).all()  # every pixel of the labelled sample teaches
        assert (maps.grad[bare] == 0).all()
    apart = [
        joint_loss(DecoderOutput(*(m[n : n + 1] for m in output)),
                   PatchBatch(torch.rand(1, 3, 8, 8), heights[n : n + 1], codes[n : n + 1]), AdaptedConfig(), losses)
        for n in (0, 1)
    ]
    assert loss.item() == pytest.approx(sum(apart).item(), rel=1e-5)  # each alone counts as much as in company


def test_dropout_adds_no_parameter_and_is_quiet_outside_of_training():
    plain, dropping = (TaskDecoder(16, 16, 8, channels=16, class_count=5, dropout=p) for p in (0.0, 0.5))
    assert plain.state_dict().keys() == dropping.state_dict().keys()
    dropping.load_state_dict(plain.state_dict())
    features = [torch.randn(1, c, s, s) for c, s in ((16, 4), (16, 8), (8, 16))]
    assert torch.equal(plain.eval()(*features).gamma, dropping.eval()(*features).gamma)
    assert not torch.equal(dropping.train()(*features).gamma, dropping(*features).gamma)


def test_mc_dropout_is_the_mean_and_variance_of_passes_with_dropout_active_in_inference():
    network = McDropout(tiny(dropout=0.5), passes=5).eval()
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    seen = []
    handle = network.model.decoder.register_forward_hook(lambda *_: seen.append(_[2]))
    with torch.no_grad():
        height_m, aleatoric, epistemic, index, probability = network(image)
    handle.remove()
    passes_m = np.stack([output.gamma.numpy().clip(min=0) * 10 for output in seen])
    assert len(passes_m) == 5
    assert height_m.numpy() == pytest.approx(passes_m.mean(axis=0), abs=1e-4)
    assert epistemic.numpy() == pytest.approx(passes_m.var(axis=0, ddof=1), rel=1e-3, abs=1e-4)
    assert epistemic.max() > 0 and not aleatoric.any() and index.isnan().all()
    shares = np.stack([torch.softmax(output.class_logits, 1).numpy() for output in seen])
    assert probability.numpy() == pytest.approx(shares.mean(axis=0), abs=1e-5)
    assert not network.model.base.training and network.model.decoder.dropout.training


def test_mc_dropout_needs_dropout_and_passes():
    with pytest.raises(ValueError, match="no dropout"):
        McDropout(tiny())
    with pytest.raises(ValueError, match="two passes"):
        McDropout(tiny(dropout=0.1), passes=1)


def test_s1_of_classes_finds_the_class_of_the_nearest_colour():
    torch.manual_seed(0)
    model = LatentClassDiffusion(LatentDiffusion.from_config(TINY), 6, lora_rank=1).eval()
    codes = torch.randint(1, 7, (2, 16, 16))
    colours = model.as_image(codes)
    distances = torch.cdist(model.colours, model.colours)
    assert distances[~torch.eye(6, dtype=bool)].min() >= 2  # a whole side of the cube
    model.restored = lambda image: image + 0.4 * torch.randn(image.shape).clamp(-2, 2)  # off by less than half a side
    assert torch.equal(model(colours), codes)
    assert (model.as_image(torch.zeros(1, 4, 4, dtype=torch.long)) == 0).all()


def test_s1_of_classes_learns_from_latents_and_has_room_for_eight():
    torch.manual_seed(0)
    model = LatentClassDiffusion(LatentDiffusion.from_config(TINY), 5, lora_rank=1)
    loss = model.loss(torch.rand(1, 3, 64, 64) * 2 - 1, torch.randint(0, 6, (1, 64, 64)))
    loss.backward()
    assert loss > 0 and any(p.grad is not None for n, p in model.named_parameters() if "lora_B" in n)
    with pytest.raises(ValueError, match="9 classes"):
        LatentClassDiffusion(LatentDiffusion.from_config(TINY), 9)
