"""The studies of scripts/bench_speed.py."""
