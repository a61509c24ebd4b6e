#!/usr/bin/env python3
"""Seconds and peak memory of Reconstruct at growing raster sizes: memory must stay flat.

    python scripts/bench_scale.py --sizes 1000 3000 10000 [--out docs/benchmark_scale.md]

Each size is a raster of its own (one rendered town, mirrored side by side) and a process of its
own, as in QGIS: the command line with default parameters and the bundled model.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

from speed.end_to_end import scale_study  # noqa: E402
from speed.machine import machine_text  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 3000, 10000])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()

    lines = [
        "# Time and memory against raster size",
        "",
        f"{date.today().isoformat()}, `python scripts/bench_scale.py --sizes {' '.join(map(str, args.sizes))}`, "
        f"{machine_text()}.",
        "",
        *scale_study(args.sizes, 1, ""),
    ]
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
