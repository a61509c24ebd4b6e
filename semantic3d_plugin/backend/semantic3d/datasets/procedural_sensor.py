"""From reflected light to the bytes of an orthophoto: optics, noise, tone, compression."""
from __future__ import annotations

import numpy as np


def _gauss(image, sigma_px):
    """Gaussian blur of [H, W, ...] by shifted sums, edges repeated."""
    if sigma_px < 0.15:
        return image
    radius = max(1, int(np.ceil(2.5 * sigma_px)))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma_px) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        pad = [(radius, radius) if k == axis else (0, 0) for k in range(image.ndim)]
        padded = np.pad(image, pad, mode="edge")
        length = image.shape[axis]
        total = np.zeros_like(image)
        for k, weight in enumerate(weights):
            total += weight * (padded[k:k + length] if axis == 0 else padded[:, k:k + length])
        image = total
    return image


def _jpeg_like(image, quality):
    """Quantise 8 x 8 cosine blocks of [H, W, 3] in 0..255, chroma more coarsely."""
    rows, columns = image.shape[:2]
    high, wide = -(-rows // 8) * 8, -(-columns // 8) * 8
    padded = np.pad(image, ((0, high - rows), (0, wide - columns), (0, 0)), mode="edge")
    forward = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], np.float32)
    ycc = (padded.reshape(-1, 3) @ forward.T).reshape(high, wide, 3)
    k = np.arange(8)
    basis = np.sqrt(2 / 8) * np.cos((2 * k[None, :] + 1) * k[:, None] * np.pi / 16)
    basis[0] *= np.sqrt(0.5)
    basis = basis.astype(np.float32)
    ramp = (1.0 + k[:, None] + k[None, :]).astype(np.float32)
    for channel in range(3):
        blocks = ycc[..., channel].reshape(high // 8, 8, wide // 8, 8).transpose(0, 2, 1, 3)
        spectrum = basis @ blocks @ basis.T
        step = (quality * (2.0 if channel else 1.0)) * ramp
        spectrum = np.rint(spectrum / step) * step
        blocks = basis.T @ spectrum @ basis
        ycc[..., channel] = blocks.transpose(0, 2, 1, 3).reshape(high, wide)
    back = np.linalg.inv(forward).astype(np.float32)
    return (ycc.reshape(-1, 3) @ back.T).reshape(high, wide, 3)[:rows, :columns]


def expose(rng, radiance, least_blur_px=0.0):
    """Turn linear radiance [H, W, 3] into uint8 [H, W, 3] as one sensor and lab would.

    Returns (rgb, settings dict).
    """
    settings = {}
    blur = float(rng.choice([rng.uniform(0.35, 0.75), rng.uniform(0.7, 1.55)], p=[0.65, 0.35]))
    blur = max(blur, least_blur_px)
    radiance = _gauss(radiance, blur)
    haze = float(rng.choice([rng.uniform(0.0, 0.01), rng.uniform(0.005, 0.06)], p=[0.25, 0.75]))
    radiance = radiance + haze * np.array([0.75, 0.95, 1.15], np.float32)
    gain = np.exp(rng.normal(0.0, 0.03, 3)).astype(np.float32)
    radiance *= gain
    noise = float(rng.uniform(0.002, 0.012))
    shot = rng.standard_normal(radiance.shape, dtype=np.float32)
    if rng.random() < 0.5:
        shot = 1.4 * _gauss(shot, rng.uniform(0.4, 0.8))
    radiance = radiance + shot * noise * np.sqrt(np.maximum(radiance, 0.0) + 0.02)
    gamma = float(rng.uniform(1.8, 2.6))
    image = np.maximum(radiance, 0.0) ** np.float32(1.0 / gamma)
    sample = image[::5, ::5].mean(-1)
    low, middle, high = np.percentile(sample, (0.5, 50, 99.3))
    natural = rng.random() < 0.55
    if natural:  # a plain exposure: keep the scene's own brightness, within reason
        scale = 255.0 * float(np.exp(rng.normal(-0.02, 0.10)))
        scale *= float(np.clip((115.0 / (scale * middle)) ** 0.35, 0.75, 1.35))
        image = image * np.float32(scale)
        lift = rng.uniform(8, 50) - low * scale  # laboratories seldom leave black shadows
        if lift > 0:
            image = image + np.float32(lift) * (1.0 - image / 255.0)
    else:  # a stretch to chosen ends
        floor, ceiling = rng.uniform(15, 65), rng.uniform(165, 235)
        image = floor + (image - low) * np.float32((ceiling - floor) / max(high - low, 0.18))
    grey = image.mean(-1, keepdims=True)
    saturation = float(np.exp(rng.normal(-0.22, 0.25)))
    image = grey + (image - grey) * np.float32(saturation)
    sharpen = float(rng.choice([0.0, rng.uniform(0.2, 1.0)], p=[0.5, 0.5]))
    if sharpen:
        image = image + sharpen * (image - _gauss(image, rng.uniform(0.7, 1.2)))
    if rng.random() < 0.2:  # chroma softer than brightness (pan-sharpening, chroma subsampling)
        grey = image.mean(-1, keepdims=True)
        image = grey + _gauss(image - grey, rng.uniform(0.8, 2.0))
    if rng.random() < 0.08:  # pixels coloured from points: small random displacement
        rows, columns = np.indices(image.shape[:2])
        moved = rng.random(rows.shape) < rng.uniform(0.1, 0.5)
        rows = np.clip(rows + moved * rng.integers(-1, 2, rows.shape), 0, image.shape[0] - 1)
        columns = np.clip(columns + moved * rng.integers(-1, 2, columns.shape), 0, image.shape[1] - 1)
        image = image[rows, columns]
    quality = 0.0
    if rng.random() < 0.55:
        quality = float(rng.uniform(0.5, 4.5))
        image = _jpeg_like(np.clip(image, 0, 255), quality)
    settings.update(blur_px=blur, haze=haze, gamma=gamma, noise=noise, sharpen=sharpen, saturation=saturation,
                    jpeg_step=quality, natural=bool(natural))
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), settings
