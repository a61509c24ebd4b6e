"""An image of 5 x 6 blocks of 64 pixels, the job on it, and eyes and hands for tests that disturb it."""

import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from s3d_protocol import JobControl, ReconstructJob
from semantic3d.inference.session import InferenceSession
from semantic3d.jobs.reconstruct import run
from semantic3d.jobs.reconstruct_work import KeptWork

LAYERS = ("height", "sigma", "land_cover")
BLOCKS = 30


def write_image(path, seed=4, gap=False):
    """An image of 260 x 330 pixels; with a gap, part of it is NoData."""
    pixels = np.random.default_rng(seed).integers(1, 256, (3, 330, 260)).astype(np.uint8)
    if gap:
        pixels[:, 100:160, 30:120] = 0
    with rasterio.open(path, "w", driver="GTiff", width=260, height=330, count=3, dtype="uint8", crs="EPSG:32632",
                       transform=Affine(0.5, 0, 5e5, 0, -0.5, 5e6), nodata=0 if gap else None) as dataset:
        dataset.write(pixels)
    return str(path)


def job_for(image, package, folder, **options):
    """Layers and report in a folder, which is made."""
    os.makedirs(folder, exist_ok=True)
    paths = {f"{name}_path": os.path.join(folder, f"{name}.tif") for name in LAYERS}
    report = os.path.join(folder, "report.html")
    return ReconstructJob(image, package, overlap_px=16, report_path=report, **paths, **options)


def contents(folder):
    """The bytes of all files, by name."""
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def whole_run(image, package, folder):
    """The bytes of an uninterrupted run, by name."""
    run(job_for(image, package, str(folder)), JobControl())
    return contents(folder)


def folder_of_work(folder):
    """The only work folder beside the outputs."""
    (found,) = Path(folder).glob(".semantic3d-*")
    return found


def names_in_work_folder(folder):
    """The names of all files in it."""
    return [path.name for path in folder_of_work(folder).rglob("*") if path.is_file()]


def on_a_card(monkeypatch):
    """Let models say that they run on a card; returns what makes them lose it, as long as its patch lasts."""
    begin, infer = InferenceSession.__init__, InferenceSession.run

    def begun(self, *arguments):
        begin(self, *arguments)
        self.device = "cuda"

    def losing_it(self, images, roles):
        self.device = "cpu"
        return infer(self, images, roles)

    monkeypatch.setattr(InferenceSession, "__init__", begun)
    return lambda patch=monkeypatch: patch.setattr(InferenceSession, "run", losing_it)


class Watch(JobControl):
    """Keeps logs and messages of progress."""

    def __init__(self):
        super().__init__()
        self.logs, self.messages = [], []

    def send_log(self, text, level):
        self.logs.append(text)

    def send_progress(self, message):
        self.messages.append(message)


@contextmanager
def acting(actions):
    """While this lasts, actions[n] is called when the job has counted n blocks."""
    add = KeptWork.add

    def added(self, record):
        add(self, record)
        actions.get(len(self.records), lambda: None)()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeptWork, "add", added)
        yield
