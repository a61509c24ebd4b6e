"""Limits of containers and batch systems, in files as Linux has them."""

from __future__ import annotations

import pytest
from semantic3d.inference import control_groups, main_memory, session


@pytest.fixture
def system(tmp_path):
    """Write files below a root, and return it."""

    def write(files: dict):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii")
        return tmp_path

    return write


def test_the_tightest_group_counts_and_cached_files_are_free(system):
    root = system({
        "proc/self/cgroup": "0::/slurm/job_7/step_0\n",
        "sys/fs/cgroup/slurm/job_7/memory.max": "4000000000\n",
        "sys/fs/cgroup/slurm/job_7/memory.current": "3000000000\n",
        "sys/fs/cgroup/slurm/job_7/memory.stat": "anon 1\ninactive_file 500000000\n",
        "sys/fs/cgroup/slurm/job_7/step_0/memory.max": "max\n",
        "sys/fs/cgroup/slurm/job_7/step_0/memory.current": "3000000000\n",
        "sys/fs/cgroup/slurm/job_7/cpu.max": "250000 100000\n",
        "sys/fs/cgroup/slurm/job_7/step_0/cpu.max": "max 100000\n",
    })  # fmt: skip
    assert control_groups.memory_left_bytes(root) == 1_500_000_000
    assert control_groups.processors(root) == 3


def test_the_first_version_in_a_container_whose_path_is_the_hosts(system):
    root = system({
        "proc/self/cgroup": "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000000\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "500000000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    })  # fmt: skip
    assert control_groups.memory_left_bytes(root) == 1_500_000_000
    assert control_groups.processors(root) == 2


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.stat": "anon 5\n"},
        {
            "proc/self/cgroup": "9:memory:/\n4:cpu:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "5\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    ],
)
def test_without_limits_there_are_none(system, files):
    root = system(files)
    assert control_groups.memory_left_bytes(root) is None
    assert control_groups.processors(root) is None


def test_jobs_keep_to_them(monkeypatch):
    monkeypatch.setattr(main_memory, "memory_left_bytes", lambda: 3_000_000)
    monkeypatch.setattr(session, "processors", lambda: 1)
    assert main_memory.free_memory_mb() == 3
    assert session.worker_threads() == 1
