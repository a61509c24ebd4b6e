"""Write a raster of a given size, in a process of its own: python -m speed.write_raster IMAGE SIZE_PX.

What renders a town takes memory, and a process that is started counts its parent's peak as its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench_scale import GSD_M, TOWN_PX, write_mosaic
from semantic3d.datasets.procedural import render_scene


def main() -> None:
    write_mosaic(Path(sys.argv[1]), int(sys.argv[2]), render_scene(7, size_px=TOWN_PX, gsd_m=GSD_M).rgb)


if __name__ == "__main__":
    main()
