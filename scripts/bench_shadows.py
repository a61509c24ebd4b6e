"""How well shadows are found: rendered scenes, whose shadows are known, against published indices.

    python scripts/bench_shadows.py --seeds 8000 8020

prints one line per scene and the table of docs/shadows.md. Seeds 9000 to 9029 served for tuning: leave them out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

BACKEND = Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"
sys.path.insert(0, str(BACKEND))

from s3d_protocol import DetectShadowsJob  # noqa: E402
from semantic3d.datasets import procedural  # noqa: E402
from semantic3d.shadows.detector import detector, without_wide_areas  # noqa: E402
from semantic3d.shadows.patches import clean  # noqa: E402
from semantic3d.shadows.threshold import IndexHistogram  # noqa: E402

GSD_M, LEAST_SHARE = 0.5, 0.02
WHOLE = (slice(None), slice(None))


def ours(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """The job's own way on one piece; returns index, mask, and whether shadows stood out."""
    finder, histogram = detector(GSD_M), IndexHistogram()
    index, valid = finder.index(rgb, np.ones(rgb.shape[1:], bool))
    histogram.add(index, valid, WHOLE, finder.radii.edge_px)
    found = histogram.threshold()
    dark = without_wide_areas(valid & (index > found.steps), valid, finder.wide_px)
    least_px = round(DetectShadowsJob("").min_area_m2 / GSD_M**2)
    return index, clean(dark, valid, least_px, (False,) * 4)[0], found.found


def tsai(rgb: np.ndarray) -> np.ndarray:
    """(H + 1) / (I + 1) in HSI; Tsai 2006."""
    red, green, blue = rgb
    hue = np.mod(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue) / (2 * np.pi), 1.0)
    return (hue + 1) / (rgb.mean(axis=0) + 1)


def c3(rgb: np.ndarray) -> np.ndarray:
    """arctan(B / max(R, G)); Salvador et al. 2004."""
    return np.arctan2(rgb[2], np.maximum(np.maximum(rgb[0], rgb[1]), 1e-3))


def silva(rgb: np.ndarray) -> np.ndarray:
    """ln((h + 1) / (L + 1) + 1) in CIELCh, then a 5 x 5 mean; Silva et al. 2018."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    xyz = np.tensordot(to_xyz, linear, 1) / np.array([0.95047, 1.0, 1.08883])[:, None, None]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    hue = np.mod(np.arctan2(200 * (y - z), 500 * (x - y)) / (2 * np.pi), 1.0)
    ratio = np.log((hue + 1) / (np.clip(1.16 * y - 0.16, 0, 1) + 1) + 1)
    return np.lib.stride_tricks.sliding_window_view(np.pad(ratio, 2, mode="edge"), (5, 5)).mean((2, 3))


def otsu(values: np.ndarray, classes: int, bins: int = 128) -> float:
    """Lower end of the highest class; Otsu 1979 by dynamic programming."""
    low, high = np.percentile(values, [0.1, 99.9])
    counts, edges = np.histogram(np.clip(values, low, high), bins, (low, high))
    share = np.concatenate([[0.0], np.cumsum(counts)])
    moment = np.concatenate([[0.0], np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)])
    gap, moved = share[None] - share[:, None], moment[None] - moment[:, None]
    spread = np.where(np.triu(np.ones(gap.shape, bool)), 0.0, -np.inf)
    np.divide(moved**2, gap, out=spread, where=gap > 0)
    best = spread[0]
    for _ in range(classes - 2):
        best = (best[:, None] + spread).max(axis=0)
    return float(edges[int((best + spread[:, -1]).argmax())])


def f1(found: np.ndarray, truth: np.ndarray) -> float:
    return 2.0 * (found & truth).sum() / max(1, found.sum() + truth.sum())


def best_f1(index: np.ndarray, truth: np.ndarray) -> float:
    """With the threshold that the truth would choose."""
    return max(f1(index > cut, truth) for cut in np.quantile(index, np.linspace(0.02, 0.995, 80)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs=2, default=(8000, 8020), metavar=("FIRST", "END"))
    parser.add_argument("--size", type=int, default=256, help="edge of a scene in pixels of 0.5 m")
    parser.add_argument("--no-shadows", action="store_true", help="the same scenes without cast shadows")
    options = parser.parse_args()
    if options.no_shadows:
        procedural.sun_visibility = lambda height_m, *_: np.ones(height_m.shape, np.float32)
    scores: dict[str, list] = {}
    shares, pixels, warned = [], np.zeros(3), 0
    for seed in range(*options.seeds):
        scene = procedural.render_scene(seed, options.size, GSD_M)
        rgb = np.moveaxis(scene.rgb, -1, 0) / np.float32(255)
        truth = scene.sunlit < 0.5
        index, mask, found = ours(rgb)
        shares.append(mask.mean())
        warned += not found
        print(f"{seed} {scene.meta['style']:10} {scene.meta['climate']:13} shadow {truth.mean():6.1%}, "
              f"found {mask.mean():6.1%}, F1 {f1(mask, truth):.3f}")  # fmt: skip
        if truth.mean() < LEAST_SHARE:
            continue
        pixels += [(mask & truth).sum(), (mask & ~truth).sum(), (truth & ~mask).sum()]
        scores.setdefault("this detector", []).append((f1(mask, truth), best_f1(index, truth)))
        others = {
            "brightness, Otsu": (-rgb.mean(axis=0), 2), "Tsai 2006, Otsu": (tsai(rgb), 2), "c3, Otsu": (c3(rgb), 2),
            "Silva et al. 2018, Otsu with 4 classes": (silva(rgb), 4),
        }  # fmt: skip
        for name, (values, classes) in others.items():
            scores.setdefault(name, []).append((f1(values > otsu(values, classes), truth), best_f1(values, truth)))
    print(f"share found: median {np.median(shares):.1%}, 90 % of scenes below {np.quantile(shares, 0.9):.1%}; "
          f"warned in {warned} of {len(shares)}")  # fmt: skip
    if not scores:
        return 0
    hit, false, missed = pixels
    print(f"all pixels together: F1 {2 * hit / (2 * hit + false + missed):.3f}, IoU {hit / pixels.sum():.3f}, "
          f"precision {hit / (hit + false):.3f}, recall {hit / (hit + missed):.3f}")  # fmt: skip
    print(f"| {len(scores['this detector'])} scenes | mean F1 | mean IoU | median F1 | F1 with the best threshold |")
    print("|---|---|---|---|---|")
    for name, pairs in scores.items():
        own, best = np.array(pairs).T
        figures = own.mean(), (own / (2 - own)).mean(), np.median(own), best.mean()
        print(f"| {name} | {' | '.join(f'{figure:.3f}' for figure in figures)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
