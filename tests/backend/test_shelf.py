"""Arrays put aside, in memory and in a file; what rows of tiles carry on it."""
import errno
import os

import numpy as np
import pytest

from s3d_protocol import OutputFailed
from semantic3d.inference.carried import CarriedRows
from semantic3d.raster.shelf import Shelf


def files_open(folder):
    return [os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
            if os.path.exists(f"/proc/self/fd/{name}") and str(folder) in os.readlink(f"/proc/self/fd/{name}")]


@pytest.mark.parametrize("memory_bytes", [0, 1000, 10**9])
def test_what_was_put_comes_back(tmp_path, memory_bytes):
    rng, shelf, kept = np.random.default_rng(1), Shelf(memory_bytes, str(tmp_path)), {}
    for _ in range(400):
        key = int(rng.integers(12))
        if rng.random() < 0.6:
            kept[key] = rng.normal(size=rng.integers(1, 90, 2)).astype(rng.choice([np.float32, np.float64]))
            shelf.put(key, kept[key].copy())
        else:
            found, wanted = shelf.pop(key), kept.pop(key, None)
            assert (found is None) == (wanted is None)
            if wanted is not None:
                np.testing.assert_array_equal(found, wanted)
                assert found.dtype == wanted.dtype and found.flags.writeable
    assert os.listdir(tmp_path) == [] or os.name == "nt"  # the file has no name
    shelf.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux")
def test_the_file_is_made_when_needed_and_does_not_grow_for_ever(tmp_path):
    shelf = Shelf(10_000, str(tmp_path))
    for key in range(2):
        shelf.put(key, np.zeros(1000, np.float32))
    assert not files_open(tmp_path)
    for _ in range(50):
        for key in range(20):
            shelf.put(key, np.full(1000, key, np.float32))
    assert len(files_open(tmp_path)) == 1 and shelf._end <= 20 * 4000
    shelf.close()
    assert not files_open(tmp_path)


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    class Full:
        def seek(self, place):
            pass

        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **how: Full())
    shelf = Shelf(0, str(tmp_path))
    shelf.put(1, np.zeros(5))
    with pytest.raises(OutputFailed, match="No space left.*GB are free there"):
        shelf.put(2, np.zeros(5))
    shelf.close()


def test_a_folder_that_is_gone_is_said(tmp_path):
    shelf = Shelf(0, str(tmp_path / "gone"))
    shelf.put(1, np.zeros(5))
    with pytest.raises(OutputFailed, match="gone cannot be written"):
        shelf.put(2, np.zeros(5))


@pytest.mark.parametrize("memory_bytes", [0, 10**9])
def test_carried_rows_are_an_array_of_any_width(tmp_path, memory_bytes):
    rng, width = np.random.default_rng(2), 5 * 64 + 37
    carried = CarriedRows(2, 3, 64, Shelf(memory_bytes, str(tmp_path)))
    whole = np.zeros((2, 3, width), np.float32)
    for _ in range(60):
        first, end = sorted(rng.integers(0, width + 1, 2))
        if rng.random() < 0.5:
            whole[:, :, first:end] = values = rng.normal(size=(2, 3, end - first)).astype(np.float32)
            carried.write(int(first), values)
        into = np.full((2, 3, end - first), np.nan, np.float32)
        carried.read(int(first), into)
        np.testing.assert_array_equal(into, whole[:, :, first:end])
