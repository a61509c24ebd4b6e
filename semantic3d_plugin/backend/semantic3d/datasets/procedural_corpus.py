"""Render many procedural scenes to a folder, for training.

Each scene becomes ``scene_<seed>.npz`` with rgb (uint8 [H, W, 3]), ndsm_dm
(int16 [H, W], decimetres, -1 unknown), land_cover (uint8 [H, W]), gsd_m (float32) and meta
(JSON text). Scenes that exist are kept, so an interrupted run goes on.
"""
from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from pathlib import Path

import numpy as np

from .procedural import render_scene
from .procedural_palettes import STYLE_WEIGHTS, STYLES, pick_weighted

GSD_CHOICES_M = (0.2, 0.25, 0.3, 0.4, 0.5, 0.5, 0.5, 0.6, 0.6, 0.8, 1.0)


def scene_gsd_m(seed: int, gsd_m: float = 0.0) -> float:
    """GSD of a scene: the given one, or drawn by the seed when 0."""
    if gsd_m > 0:
        return float(gsd_m)
    return float(np.random.default_rng([seed, 77]).choice(GSD_CHOICES_M))


def scene_style(seed: int, styles=()) -> str | None:
    """Style of a scene: None (the scene's own draw) without ``styles``, else one of them by seed and weight."""
    if not styles:
        return None
    return pick_weighted(np.random.default_rng([seed, 78]), {name: STYLE_WEIGHTS[name] or 1.0 for name in styles})


def write_scene(path: Path, rgb: np.ndarray, ndsm_m: np.ndarray, land_cover: np.ndarray, gsd_m: float, meta=None):
    """Write a scene as `datasets.labelled.read_rendered` reads it; unknown heights (NaN) become -1 dm."""
    aside = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    ndsm_dm = np.rint(np.nan_to_num(ndsm_m, nan=-0.1) * 10).astype(np.int16)
    np.savez_compressed(aside, rgb=rgb, ndsm_dm=ndsm_dm, land_cover=land_cover, gsd_m=np.float32(gsd_m),
                        meta=np.array(json.dumps(meta or {})))
    os.replace(aside, path)


def render_to_file(folder, seed: int, size_px: int, gsd_m: float = 0.0, styles=()) -> Path:
    """Render one scene (of one of ``styles``, if any given) into ``folder`` unless it is there; returns its path."""
    path = Path(folder) / f"scene_{seed:06d}.npz"
    if path.exists():
        return path
    scene = render_scene(seed, size_px, scene_gsd_m(seed, gsd_m), scene_style(seed, styles))
    write_scene(path, scene.rgb, scene.ndsm_m, scene.land_cover, scene.meta["gsd_m"], scene.meta)
    return path


def _task(arguments):
    return render_to_file(*arguments)


def render_corpus(folder, count: int, size_px: int = 512, workers: int = 1, gsd_m: float = 0.0, first_seed: int = 0,
                  styles=()):
    """Render ``count`` scenes with ``workers`` processes; yields paths as they are done."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    tasks = [(str(folder), first_seed + k, size_px, gsd_m, tuple(styles)) for k in range(count)]
    if workers <= 1:
        yield from map(_task, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_task, tasks, chunksize=4)


def main(arguments=None):
    """Command line: render a corpus."""
    parser = argparse.ArgumentParser(description="Render procedural scenes for training.")
    parser.add_argument("--out", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--size", type=int, default=512, help="edge in pixels")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--gsd", type=float, default=0.0, help="metres per pixel; 0 draws 0.2 to 1.0 m per scene")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--styles", nargs="*", choices=sorted(STYLES), default=[], metavar="STYLE",
                        help=f"only these kinds of places, by their weights (default: all): {', '.join(STYLES)}")
    given = parser.parse_args(arguments)
    for done, _ in enumerate(render_corpus(given.out, given.count, given.size, given.workers, given.gsd,
                                           given.first_seed, given.styles), 1):
        if done % 50 == 0 or done == given.count:
            print(f"{done} of {given.count} scenes", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
