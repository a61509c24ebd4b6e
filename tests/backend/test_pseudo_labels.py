"""Self-training: what a model says of unlabelled images, which of it is kept, and what it may teach."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from semantic3d.datasets.labelled import read_pseudo_labelled, read_rendered  # noqa: E402
from semantic3d.datasets.procedural_corpus import write_scene  # noqa: E402
from semantic3d.models.adapted import AdaptedConfig, AdaptedDiffusion  # noqa: E402
from semantic3d.models.decoder import DecoderOutput  # noqa: E402
from semantic3d.models.latent import TINY, LatentDiffusion  # noqa: E402
from semantic3d.training.adapt import LossConfig, joint_loss  # noqa: E402
from semantic3d.training.patches import PatchBatch, PatchConfig, PatchSource  # noqa: E402
from semantic3d.training.pseudo_labels import Opinion, least_confidence, opinion, pseudo_labelled  # noqa: E402


def tiny(height_by_class=True, smooth=False):
    torch.manual_seed(0)
    config = AdaptedConfig(
        unet_training="frozen", decoder_channels=16, class_count=5, height_by_class=height_by_class,
        height_scale_m=10.0, smooth=smooth,
    )
    return AdaptedDiffusion(LatentDiffusion.from_config(TINY), config).eval()


def photograph(height=50, width=70):
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)


def said(codes, confidence):
    return Opinion(np.array(codes, np.uint8), np.array(confidence, np.uint8), np.full(np.shape(codes), 5, np.float16))


def test_the_height_is_that_of_the_likeliest_class_not_the_mean_over_classes():
    model = tiny()
    with torch.no_grad():
        for head, bias in ((model.decoder.class_head, [0.0, 0, 0, 1, 0]), (model.decoder.gamma_head, [0, 0, 0, 0.7, 0])):
            head[-1].weight.zero_()
            head[-1].bias.copy_(torch.tensor(bias))
    found = opinion(model, photograph())
    assert (found.land_cover == 4).all()
    np.testing.assert_allclose(found.height_m, 7.0, rtol=0.01)
    probability = np.e / (np.e + 4)
    assert np.unique(found.confidence) == pytest.approx(probability * 255, abs=1.5)


def test_what_is_labelled_is_as_smooth_as_what_the_model_says():
    peaks = {}
    for smooth in (False, True):
        model = tiny(smooth=smooth)

        def one_spike(module, given, maps):
            spike = torch.ones_like(maps)
            spike[..., 10, 6] = 9.0
            return spike

        model.decoder.gamma_head.register_forward_hook(one_spike)
        heights = opinion(model, photograph(64, 64)).height_m.astype(float)
        peaks[smooth] = heights.max() - np.median(heights)
    assert 0 < peaks[True] < 0.6 * peaks[False]  # the filter of 1 2 1 leaves a quarter, enlarging evens out some


def test_an_opinion_turns_with_the_image():
    model, rgb = tiny(), photograph(64, 64)
    plain = opinion(model, rgb)
    turned = opinion(model, np.ascontiguousarray(np.rot90(rgb)[:, ::-1]))
    for name in Opinion._fields:
        there, here = getattr(turned, name).astype(float), np.rot90(getattr(plain, name).astype(float))[:, ::-1]
        assert np.mean(np.abs(there - here) <= 1.01) > 0.97, name  # but for the last digit, and ties it decides


def test_an_opinion_has_the_size_of_its_image():
    found = opinion(tiny(), photograph(50, 130))
    assert {layer.shape for layer in found} == {(50, 130)}
    assert found.height_m.min() >= 0


def test_a_model_with_one_height_for_all_classes_is_refused():
    with pytest.raises(ValueError, match="a height per class"):
        opinion(tiny(height_by_class=False), photograph())


def test_each_class_keeps_its_surest_share_but_nothing_below_the_floor():
    opinions = [
        said([[1, 1, 1, 1], [2, 2, 2, 2]], [[250, 240, 230, 220], [180, 170, 160, 150]]),
        said([[1, 1, 1, 1], [3, 3, 3, 3]], [[210, 200, 190, 180], [100, 90, 80, 70]]),
    ]
    limits = least_confidence(opinions, 3, 0.5, 0.5)
    assert limits[1:].tolist() == [220, 170, 128]
    kept = pseudo_labelled("one", photograph(2, 4), opinions[0], limits, 0.5)
    assert kept.land_cover.tolist() == [[1, 1, 1, 1], [2, 2, 0, 0]]
    assert np.isnan(kept.ndsm_m).tolist() == [[False] * 4, [False, False, True, True]]
    assert not (pseudo_labelled("two", photograph(2, 4), opinions[1], limits, 0.5).land_cover == 3).any()


def test_what_a_model_takes_for_water_teaches_no_class():
    opinion_of_it = said([[5, 5, 2, 2]], [250, 100, 250, 100])
    kept = pseudo_labelled("one", photograph(1, 4), opinion_of_it, np.full(6, 200), 0.5)
    assert kept.land_cover.tolist() == [[0, 0, 2, 0]]
    np.testing.assert_array_equal(np.isfinite(kept.ndsm_m), [[True, False, True, False]])


def test_labels_come_back_from_the_disk_and_say_that_a_model_gave_them(tmp_path):
    rgb, codes = photograph(4, 6), np.tile(np.array([0, 2, 4], np.uint8), (4, 2))
    ndsm_m = np.where(codes == 0, np.nan, 3.26).astype(np.float32)
    write_scene(tmp_path / "place.npz", rgb, ndsm_m, codes, 0.5)
    (back,) = read_pseudo_labelled(tmp_path)
    assert not back.heights_true and read_rendered(tmp_path)[0].heights_true
    assert back.gsd_m == 0.5 and (back.rgb == rgb).all() and (back.land_cover == codes).all()
    np.testing.assert_allclose(back.ndsm_m, ndsm_m, atol=0.05)


def test_a_models_own_heights_teach_heights_but_not_how_far_to_trust_them(tmp_path):
    torch.manual_seed(3)
    write_scene(tmp_path / "a.npz", photograph(40, 40), np.ones((40, 40), np.float32), np.ones((40, 40), np.uint8), 0.5)
    groups = [(read_pseudo_labelled(tmp_path), 1.0), (read_rendered(tmp_path), 1.0)]
    batch = PatchSource(groups, PatchConfig(patch_px=32), None).batch(8, seed=1)
    assert 0 < batch.heights_true.sum() < 8
    output = DecoderOutput(*(torch.randn(8, c, 32, 32, requires_grad=True) for c in (1, 3, 5)))
    joint_loss(output, batch, AdaptedConfig(), LossConfig(class_weights=())).backward()
    known = torch.isfinite(batch.ndsm_m)
    for index, true in enumerate(batch.heights_true):
        assert output.gamma.grad[index][known[index]].abs().sum() > 0
        assert bool(output.raw_evidence.grad[index].abs().sum() > 0) == bool(true)


def test_a_batch_is_of_true_heights_unless_it_says_otherwise():
    batch = PatchBatch(torch.zeros(2, 3, 8, 8), torch.zeros(2, 1, 8, 8), torch.zeros(2, 8, 8, dtype=torch.int64))
    assert batch.to("cpu").heights_true.tolist() == [True, True]
