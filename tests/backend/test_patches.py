"""Patches with gaps: parts that show nothing, and labels that stay silent there."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from semantic3d.datasets.labelled import Sample  # noqa: E402
from semantic3d.training import patches  # noqa: E402
from semantic3d.training.patches import (  # noqa: E402
    PatchConfig,
    PatchSource,
    colour_jitter,
    compressed,
    gap_colour,
    panchromatic,
    random_gap,
)


def source(**settings):
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 255, (150, 150, 3), dtype=np.uint8)
    sample = Sample("noise", rgb, np.full((150, 150), 4.0, np.float32), np.full((150, 150), 3, np.uint8), 0.5)
    return PatchSource([([sample], 1.0)], PatchConfig(patch_px=64, **settings))


def test_blocks_that_cannot_fill_a_patch_are_told():
    samples = source().samples
    assert patches.mirroring_text(samples, PatchConfig(patch_px=96)) == ""  # 96 / 0.8 = 120 of 150 pixels
    text = patches.mirroring_text(samples, PatchConfig(patch_px=128))
    assert "as small as 150 pixels (75 m)" in text and "160 pixels (80 m)" in text and "larger BLOCK" in text


def sparse(count=6, side=200):
    """Images with one labelled field of 10 x 10 pixels each, and one with none but a single pixel."""
    rng, samples = np.random.default_rng(5), []
    for number in range(count):
        codes = np.zeros((side, side), np.uint8)
        row, column = rng.integers(0, side - 10, 2)
        codes[row : row + 10, column : column + 10] = 4
        if number == 0:
            codes[:] = 0
            codes[50, 50] = 4
        heights = np.full((side, side), np.nan, np.float32)
        samples.append(Sample(str(number), np.zeros((side, side, 3), np.uint8), heights, codes, 0.5))
    return samples


def share_without_labels(**settings):
    source = PatchSource([(sparse(), 1.0)], PatchConfig(patch_px=64, gap_share=0.0, **settings))
    covers = torch.cat([source.batch(8, seed).land_cover for seed in range(10)])
    return float((covers > 0).flatten(1).any(1).logical_not().float().mean())


def test_where_labels_are_sparse_patches_are_laid_around_them():
    assert share_without_labels() > 0.5
    assert share_without_labels(seeks_labels=True) < 0.15  # a turn may cut off what lies in an image's corner


def test_samples_are_drawn_by_their_labelled_pixels():
    source = PatchSource([(sparse(), 1.0)], PatchConfig(seeks_labels=True))
    assert source.weights == pytest.approx(np.array([1, 100, 100, 100, 100, 100]) / 501)


def test_dense_labels_are_drawn_the_same_with_and_without_the_search():
    for one, other in zip(vars(source().batch(4, 3)).values(), vars(source(seeks_labels=True).batch(4, 3)).values()):
        assert torch.equal(one, other)


def test_a_gap_is_one_side_of_a_line_and_neither_little_nor_all():
    rng = np.random.default_rng(1)
    gaps = [random_gap(64, rng) for _ in range(40)]
    shares = np.array([float(gap.float().mean()) for gap in gaps])
    assert 0.15 < shares.min() < 0.35 and 0.65 < shares.max() < 0.85
    corners = [int(gap[0, 0]) + int(gap[0, -1]) + int(gap[-1, 0]) + int(gap[-1, -1]) for gap in gaps]
    assert all(1 <= count <= 3 for count in corners)  # a line parts the corners


def test_labels_are_silent_exactly_where_the_gap_is():
    with_gaps, without = source(gap_share=1.0).batch(6, 5), source(gap_share=0.0).batch(6, 5)
    known = torch.isfinite(with_gaps.ndsm_m[:, 0])
    assert torch.equal(known, with_gaps.land_cover > 0)
    assert ((known.float().mean((1, 2)) > 0.15) & (known.float().mean((1, 2)) < 0.85)).all()
    assert torch.isfinite(without.ndsm_m).all() and (without.land_cover == 3).all()
    first = known[0]  # the same draws come before the first patch's gap
    assert torch.equal(with_gaps.image[0][:, first], without.image[0][:, first])
    assert not torch.equal(with_gaps.image[0][:, ~first], without.image[0][:, ~first])


def test_most_gaps_show_the_mean_of_the_rest_as_inference_does():
    image = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    gap = torch.zeros(32, 32, dtype=torch.bool)
    gap[:, 20:] = True
    mean = image[:, :, :20].mean((1, 2))
    rng, found = np.random.default_rng(3), []
    for _ in range(60):
        inside = gap_colour(image, gap, rng)[:, gap]
        assert inside.min() >= 0 and inside.max() <= 1
        found.append(bool(torch.allclose(inside, mean[:, None].expand_as(inside))))
    assert 0.35 < np.mean(found) < 0.65


def ramp(size=200):
    """An image whose red is its column, green its row; the height is the column too."""
    rows, columns = np.mgrid[:size, :size]
    rgb = np.stack([columns, rows, np.full_like(rows, 90)], axis=-1).astype(np.uint8)
    return Sample("ramp", rgb, columns.astype(np.float32), (columns // 32 + 1).astype(np.uint8), 0.5)


def spun_source(**settings):
    kept = dict(zoom_low=1.0, zoom_high=1.0, colour=0.0, gap_share=0.0, grey_share=0.0)
    return PatchSource([([ramp()], 1.0)], PatchConfig(patch_px=64, **kept, **settings))


def gradients(image):
    """Mean change of red along columns and along rows, in grey values per pixel."""
    red = (image[0] + 1) * 127.5
    return float((red[:, 1:] - red[:, :-1]).mean()), float((red[1:] - red[:-1]).mean())


def test_patches_are_turned_by_any_angle_with_their_labels():
    batch = spun_source(spin_share=1.0).batch(12, 2)
    angles = []
    for image, height, cover in zip(batch.image, batch.ndsm_m[:, 0], batch.land_cover):
        along, across = gradients(image)
        assert np.hypot(along, across) == pytest.approx(1.0, abs=0.02)  # turned, not stretched
        angles.append(np.degrees(np.arctan2(across, along)) % 90)
        red = (image[0] + 1) * 127.5
        assert (red - height).abs().max() < 1.5  # the label lies under the pixel that shows it
        assert ((red / 32 + 1) - cover).abs().max() < 1.1
    assert np.ptp(angles) > 45 and min(min(a, 90 - a) for a in angles) < 25


def test_an_image_too_small_to_fill_a_turned_patch_is_turned_by_quarters():
    source = spun_source(spin_share=1.0)
    source.config = replace(source.config, patch_px=190)
    for image in source.batch(6, 4).image:
        assert min(abs(value) for value in gradients(image)) < 0.01
    for image in spun_source(spin_share=0.0).batch(6, 4).image:
        assert min(abs(value) for value in gradients(image)) < 0.01


@pytest.mark.parametrize("zoom", [0.8, 0.9, 1.15, 1.3])
def test_labels_lie_under_the_pixels_that_show_them_at_every_scale(zoom):
    config = PatchConfig(patch_px=96, zoom_low=zoom, zoom_high=zoom, colour=0.0, gap_share=0.0, grey_share=0.0,
                         spin_share=0.0)
    batch = PatchSource([([ramp()], 1.0)], config).batch(8, 3)
    for image, height in zip(batch.image, batch.ndsm_m[:, 0]):
        offset_px = (image[0] + 1) * 127.5 - height * round(96 / zoom) / 96  # heights grow with the plane
        assert abs(float(offset_px[8:-8, 8:-8].mean())) < 0.05


@pytest.mark.parametrize("spin_share", [0.0, 1.0])
def test_where_there_is_no_image_a_patch_shows_its_mirror_image_as_inference_does(spin_share):
    sample = ramp()
    valid = np.ones((200, 200), bool)
    valid[:, 120:] = False
    black = np.where(valid[..., None], sample.rgb, 0).astype(np.uint8)
    heights = np.where(valid, sample.ndsm_m, np.nan).astype(np.float32)
    sample = replace(sample, rgb=black, ndsm_m=heights, valid=valid)
    config = PatchConfig(patch_px=64, zoom_low=1.0, zoom_high=1.0, colour=0.0, gap_share=0.0, grey_share=0.0,
                         spin_share=spin_share)
    images = PatchSource([([sample], 1.0)], config).batch(16, 1).image
    blue = (images[:, 2] + 1) * 127.5  # 90 everywhere in the image
    assert (blue - 90).abs().quantile(0.97) < 3  # nowhere black, but where a border was resampled


def test_some_patches_have_no_colour_and_keep_their_labels():
    images = source(grey_share=0.3, gap_share=0.0).batch(60, 7).image
    grey = [bool((image == image[:1]).all()) for image in images]
    assert 0.15 < np.mean(grey) < 0.45
    assert all(image.std() > 0.02 for image in images)
    assert not any(bool((image == image[:1]).all()) for image in source(grey_share=0.0).batch(60, 7).image)


def test_panchromatic_sensors_differ_and_stay_within_the_bands():
    image = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(1))
    rng = np.random.default_rng(2)
    seen = [panchromatic(image, rng) for _ in range(5)]
    for grey in seen:
        assert torch.equal(grey[0], grey[1]) and torch.equal(grey[0], grey[2])
        assert (grey[0] >= image.amin(0) - 1e-6).all() and (grey[0] <= image.amax(0) + 1e-6).all()
    assert not torch.allclose(seen[0], seen[1], atol=0.02)


def test_some_patches_are_sharpened_and_some_blurred(monkeypatch):
    monkeypatch.setattr(patches, "compressed", lambda image, quality: image)
    edge = torch.full((3, 32, 32), 0.3)
    edge[:, :, 16:] = 0.7
    steps = []
    for seed in range(80):
        image = colour_jitter(edge, np.random.default_rng(seed), 1.0)
        contrast = float((image[:, :, 24:].mean() - image[:, :, :8].mean()))
        steps.append(float((image[:, 2:-2, 16] - image[:, 2:-2, 15]).mean()) / contrast)
    assert min(steps) < 0.8 and max(steps) > 1.3  # a soft edge, and one that overshoots
    assert 0.3 < np.mean(np.abs(np.array(steps) - 1) < 0.05) < 0.8


def test_compression_is_that_of_jpeg_and_stronger_where_the_quality_is_low():
    y, x = np.mgrid[:64, :64] / 64
    image = torch.from_numpy(np.stack([x, y, (x > 0.5) * 0.8]).astype(np.float32))
    lost = [float((compressed(image, quality) - image).abs().mean()) for quality in (90, 50, 20)]
    assert 0 < lost[0] < lost[1] < lost[2] < 0.1
    assert compressed(image * 3 - 1, 90).min() >= 0 and compressed(image * 3 - 1, 90).max() <= 1
