"""A Dask cluster whose workers are threads of this process, so that tests can look inside."""

import pytest

distributed = pytest.importorskip("distributed", reason="Dask is not installed: nothing to distribute over")


def in_this_process(**workers):
    """A cluster of threads, so that tests can look inside; name=resources for each worker."""
    common = {"nthreads": 2, "memory_limit": 0, "dashboard": False}
    return distributed.SpecCluster(
        {name: {"cls": distributed.Worker, "options": {**common, "resources": resources}}
         for name, resources in workers.items()},
        {"cls": distributed.Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}},
        silence_logs=50,
    )
