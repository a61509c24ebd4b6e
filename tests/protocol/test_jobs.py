"""Jobs: defaults, the way through JSON, and checks that name the value and the next step."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from semantic3d_plugin.backend.s3d_protocol import (
    JOB_TYPES,
    DoctorJob,
    InvalidParameter,
    ReconstructJob,
    job_from_dict,
)

GOOD = ReconstructJob(
    "a.tif", bands=(3, 2, 1), extent=(0.5, 1, 2, 3), gsd_m=0.2, height_path="h.tif", report_path="r.html"
)


def test_defaults_are_promises():
    assert ReconstructJob("a.tif").to_dict() == {
        "image_path": "a.tif", "model_path": "", "bands": [], "extent": None, "gsd_m": 0.0, "overlap_px": 128,
        "device": "auto", "batch_size": 1, "max_memory_mb": 2048, "scheduler": "", "height_path": "", "sigma_path": "",
        "land_cover_path": "", "probabilities_path": "", "report_path": "", "optional_outputs": [],
        "keep_blocks": True,
    }  # fmt: skip
    assert DoctorJob().to_dict() == {"model_path": "", "device": "auto"}
    assert {"reconstruct", "train", "doctor"} <= set(JOB_TYPES)


def test_a_job_survives_json():
    assert job_from_dict("reconstruct", json.loads(json.dumps(GOOD.to_dict()))) == GOOD


def test_whole_numbers_are_welcome_where_metres_are_meant():
    job = ReconstructJob.from_dict({"image_path": "a", "gsd_m": 1})
    assert job.gsd_m == 1.0 and isinstance(job.gsd_m, float)


def test_outputs_are_those_asked_for():
    assert GOOD.outputs() == {"height": "h.tif", "report": "r.html"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"image_path": "a", "tile": 3}, "no parameter tile"),
        ({}, "needs a value for image_path"),
        ({"image_path": None}, "image_path is None"),
        ({"image_path": "a", "batch_size": 1.5}, "batch_size is 1.5"),
        ({"image_path": "a", "batch_size": True}, "batch_size is True"),
        ({"image_path": "a", "keep_blocks": 1}, "keep_blocks is 1"),
        ({"image_path": "a", "gsd_m": "1"}, "gsd_m is '1'"),
        ({"image_path": "a", "extent": "1,2"}, "extent is '1,2'"),
    ],
)
def test_wrong_fields(values, words):
    with pytest.raises(InvalidParameter, match=words):
        ReconstructJob.from_dict(values)


def test_a_good_job_passes():
    GOOD.check()
    DoctorJob(device="cuda").check()
    for address in ("tcp://127.0.0.1:8786", "tls://head.example.org:1", "ucx://node-3:65535", "tcp://[::1]:8786"):
        dataclasses.replace(GOOD, scheduler=address).check()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_path": ""}, "No image"),
        ({"bands": (1, 2)}, r"\[1, 2\].*three"),
        ({"bands": (0, 1, 2)}, r"\[0, 1, 2\].*from 1 on"),
        ({"bands": (1, 2, "3")}, "three band numbers"),
        ({"extent": (0, 0, 1)}, "xmin, ymin, xmax, ymax"),
        ({"extent": (1, 0, 1, 2)}, r"\[1, 0, 1, 2\]"),
        ({"extent": (0, 2, 1, 1)}, "ymin below ymax"),
        ({"extent": (0, 0, math.inf, 1)}, "extent is"),
        ({"gsd_m": -0.1}, "GSD is -0.1 m"),
        ({"gsd_m": math.nan}, "GSD is nan m"),
        ({"overlap_px": -1}, "overlap is -1 pixels. Give at least 0"),
        ({"device": "tpu"}, "'tpu'. Choose one of auto, cpu, cuda"),
        ({"batch_size": 0}, "batch size is 0 tiles. Give at least 1"),
        ({"max_memory_mb": 3}, "memory limit is 3 MB. Give at least 64"),
        ({"scheduler": "host:8786"}, "scheduler is 'host:8786'.*tcp://host:8786"),
        ({"scheduler": "http://host:8786"}, "scheduler is 'http"),
        ({"scheduler": "tcp://host"}, "scheduler is"),
        ({"scheduler": "tcp://host:0"}, "scheduler is"),
        ({"scheduler": "tcp://host:99999"}, "scheduler is"),
        ({"scheduler": "tcp://a b:1"}, "scheduler is"),
        ({"height_path": "", "report_path": ""}, "No output"),
        ({"height_path": "h.png"}, "height output is h.png.*ends in .tif"),
        ({"report_path": "r.pdf"}, "ends in .html"),
        ({"sigma_path": "./h.tif"}, "sigma output and the height output are the same file"),
        ({"sigma_path": "x/../a.tif"}, "sigma output and the image are the same file"),
        ({"sigma_path": "./h.tiff"}, "sigma output ./h.tiff and the height output.*share one layer style, ./h.qml"),
    ],
)
def test_checks_name_the_value_and_the_next_step(change, words):
    with pytest.raises(InvalidParameter, match=words):
        dataclasses.replace(GOOD, **change).check()


def test_a_report_may_be_called_as_a_raster():
    dataclasses.replace(GOOD, report_path="h.html").check()


def test_the_doctor_checks_its_device():
    with pytest.raises(InvalidParameter, match="'gpu'"):
        DoctorJob(device="gpu").check()


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(InvalidParameter, match="'fly'. Known jobs: reconstruct, doctor"):
        job_from_dict("fly", {})
