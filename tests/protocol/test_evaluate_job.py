"""The evaluate job: what it compares, and what it refuses."""

from __future__ import annotations

import dataclasses
import json

import pytest

from semantic3d_plugin.backend.s3d_protocol import EvaluateJob, InvalidParameter, job_from_dict

COMPARED = EvaluateJob(height_path="h.tif", reference_height_path="t.tif", report_path="r.html", error_path="e.tif")


def test_an_evaluation_compares_heights_or_land_cover():
    COMPARED.check()
    EvaluateJob(land_cover_path="c.tif", reference_land_cover_path="t.tif").check()  # figures are outputs enough
    assert job_from_dict("evaluate", json.loads(json.dumps(COMPARED.to_dict()))) == COMPARED
    assert COMPARED.outputs() == {"report": "r.html", "error": "e.tif"}
    assert EvaluateJob().building_class == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"height_path": "", "reference_height_path": "", "error_path": ""}, "nothing to compare"),
        ({"height_path": "", "land_cover_path": "c.tif", "reference_land_cover_path": "l.tif"}, "Give both or none"),
        ({"land_cover_path": "c.tif"}, "without its reference"),
        ({"building_class": 0}, "building class is 0"),
        ({"report_path": "r.pdf"}, "report output is r.pdf.*ends in .html"),
        ({"table_path": "r.html"}, "table output is r.html.*ends in .csv"),
        ({"error_path": "./t.tif"}, "error output and the reference height input are the same file"),
        ({"figures_path": "r.json", "error_path": "e.png"}, "error output is e.png.*ends in .tif"),
    ],
)
def test_an_evaluation_names_what_is_missing(change, words):
    with pytest.raises(InvalidParameter, match=words):
        dataclasses.replace(COMPARED, **change).check()


def test_sigma_alone_has_no_errors_to_explain():
    job = EvaluateJob(land_cover_path="c.tif", reference_land_cover_path="l.tif", sigma_path="s.tif")
    with pytest.raises(InvalidParameter, match="sigma needs heights"):
        job.check()
