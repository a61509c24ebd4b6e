#!/usr/bin/env python3
"""Speed as ratios, each study's contestants in turn in one run; the tables stand in docs/benchmark_speed.md.

    python scripts/bench_speed.py floor --sizes 8192 --rounds 3
    python scripts/bench_speed.py peer --sizes 8192 --rounds 3
    python scripts/bench_speed.py overlap --data ../shared/data
    python scripts/bench_speed.py cpu --data ../shared/data
    python scripts/bench_speed.py tile --data ../shared/data
    python scripts/bench_speed.py scale --sizes 1000 3162 10000
    python scripts/bench_speed.py processes --sizes 8192 --rounds 3

Every study writes its own section and leaves the others as they are.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "semantic3d_plugin" / "backend"))

from speed.end_to_end import floor_study, peer_study, processes_study, scale_study  # noqa: E402
from speed.machine import machine_text, with_section  # noqa: E402
from speed.overlap import STRIDES, overlap_study  # noqa: E402

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmark_speed.md"
TITLES = {
    "floor": "Against the arithmetic", "peer": "Against a peer", "overlap": "Overlap",
    "cpu": "On a processor", "scale": "Against size", "tile": "Tiles of other sizes",
    "processes": "More than one process",
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    studies = result.add_subparsers(dest="study", required=True)
    for name, sizes, rounds in (
        ("floor", [8192], 3), ("peer", [8192], 3), ("scale", [1000, 3162, 10000], 1), ("processes", [8192], 3),
    ):  # fmt: skip
        study = studies.add_parser(name)
        study.add_argument("--sizes", type=int, nargs="+", default=sizes, help="pixels along the raster's side")
        study.add_argument("--rounds", type=int, default=rounds)
        if name == "peer":
            study.add_argument(
                "--cases", nargs="+", default=["all", "height"], help="all, height; or with one type: height:float32"
            )
    for name in ("overlap", "cpu"):
        study = studies.add_parser(name)
        study.add_argument("--data", type=Path, required=True, help="the folder that holds labelled/")
        if name == "overlap":
            study.add_argument("--strides", type=int, nargs="+", default=list(STRIDES))
            study.add_argument("--rows", type=int, nargs=2, default=[900, 1924], help="of the large crop: first, end")
            study.add_argument("--quick-rows", type=int, default=256, help="of the small crop in its middle")
        else:
            study.add_argument("--rounds", type=int, default=9)
    tile = studies.add_parser("tile")
    tile.add_argument("--data", type=Path, required=True, help="the folder that holds labelled/")
    tile.add_argument("--sizes", type=int, nargs="+", default=[256, 384, 512, 640, 768, 1024])
    tile.add_argument("--rows", type=int, nargs=2, default=[900, 1924], help="first, end")
    tile.add_argument("--rounds", type=int, default=3)
    for name in ("floor", "cpu"):
        studies.choices[name].add_argument(
            "--clock", choices=("wall", "cpu"), default="wall", help="cpu: processor time, for a machine that is busy"
        )
    for study in studies.choices.values():
        study.add_argument("--model", default="", help="model package (default: the bundled one)")
        study.add_argument("--page", type=Path, default=PAGE, help="markdown page whose section is written")
    return result


def run(args) -> list[str]:
    """Run the study that was asked for; returns its text."""
    if args.study == "floor":
        return floor_study(args.sizes, args.rounds, args.model, args.clock)
    if args.study == "peer":
        return peer_study(args.sizes, args.rounds, args.model, tuple(args.cases))
    if args.study == "scale":
        return scale_study(args.sizes, args.rounds, args.model)
    if args.study == "processes":
        return processes_study(args.sizes, args.rounds, args.model)
    if args.study == "overlap":
        return overlap_study(args.data, args.model, tuple(args.strides), tuple(args.rows), args.quick_rows)
    if args.study == "tile":
        from speed.tile_size import tile_study  # needs torch

        return tile_study(args.data, args.model, args.sizes, args.rounds, tuple(args.rows))
    from speed.cpu import cpu_study  # needs the package onnx, which the light environment has not

    return cpu_study(args.data, args.model, args.rounds, args.clock)


def command_text(args) -> str:
    """Return the command line that repeats this, with the data's folder left open."""
    words = [f"python scripts/bench_speed.py {args.study}"]
    for name, value in vars(args).items():
        if name in ("study", "model", "page"):
            continue
        shown = "DATA" if name == "data" else " ".join(map(str, value)) if isinstance(value, list) else str(value)
        words.append(f"--{name.replace('_', '-')} {shown}")
    return " ".join(words)


def main() -> None:
    args = parser().parse_args()
    head = [f"{date.today().isoformat()}, `{command_text(args)}`, {machine_text()}.", ""]
    lines = head + run(args)
    text = args.page.read_text(encoding="utf-8") if args.page.exists() else "# Speed, as ratios in one run\n"
    args.page.parent.mkdir(parents=True, exist_ok=True)
    args.page.write_text(with_section(text, TITLES[args.study], lines), encoding="utf-8")


if __name__ == "__main__":
    main()
