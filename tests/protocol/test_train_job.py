"""The training job: checks that name the value and the next step."""

from __future__ import annotations

import dataclasses
import json

import pytest

from semantic3d_plugin.backend.s3d_protocol import InvalidParameter, TrainJob, job_from_dict, model_name_of, read_class_map

GOOD = TrainJob(
    ("a.tif",), "model", ndsm_paths=("h.tif",), land_cover_paths=("c.tif",), class_map="10=1", report_path="r.html"
)


def test_a_good_job_passes_and_survives_json():
    GOOD.check()
    assert job_from_dict("train", json.loads(json.dumps(GOOD.to_dict()))) == GOOD
    assert GOOD.outputs() == {"package": "model", "report": "r.html"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_paths": ()}, "No image"),
        ({"image_paths": ("a.tif", 3)}, "image_paths is"),
        ({"ndsm_paths": (), "land_cover_paths": ()}, "nothing to learn from"),
        ({"dsm_paths": ("d.tif",)}, "Both nDSM and DSM"),
        ({"ndsm_paths": (), "dsm_paths": ("d.tif",)}, "DSM is given without a DTM"),
        ({"ndsm_paths": (), "dtm_paths": ("d.tif",)}, "DTM is given without a DSM"),
        ({"class_map": "10:1"}, "10:1"),
        ({"land_cover_paths": ()}, "class map '10=1' has nothing to map"),
        ({"land_cover_paths": (), "buildings_path": "b.json"}, "has nothing to map"),
        ({"class_map": "10=1,10=2"}, "10 two classes"),
        ({"lora_rank": 4}, "rank is 4"),
        ({"steps": 0}, "steps is 0"),
        ({"patch_px": 250}, "250 pixels.*multiple"),
        ({"learning_rate": float("nan")}, "learning rate is nan"),
        ({"validation_share": 0.0}, "validation share is 0"),
        ({"block_m": 0.0}, "block is 0"),
        ({"height_loss": "huber"}, "huber"),
        ({"device": "gpu"}, "gpu"),
        ({"model_name": "my model"}, "my model"),
        ({"title": " "}, "title is empty"),
        ({"title": "\u202f\x01"}, "title is empty"),
        ({"package_path": ""}, "No folder"),
        ({"report_path": "r.pdf"}, "r.pdf"),
        ({"report_path": "model/r.html"}, "inside the package"),
        ({"accumulation": 0}, "accumulation is 0"),
        ({"gradient_checkpointing": "maybe"}, "maybe.*auto, on, off"),
        ({"base_path": "org/name@main"}, "not pinned.*40 hex digits"),
        ({"patience": -1}, "patience is -1"),
        ({"class_field": "kind"}, "field 'kind' is given without polygons"),
        ({"class_map": "house=4"}, "house=4.*10=1,20=3: value in the raster"),
        ({"class_map": "house", "class_field": "k", "buildings_path": "b"}, "house=4,garden=2: value in the field"),
    ],
)
def test_wrong_values(change, words):
    with pytest.raises(InvalidParameter, match=words):
        dataclasses.replace(GOOD, **change).check()


def test_a_report_beside_the_package_is_no_part_of_it():
    dataclasses.replace(GOOD, report_path="model.html").check()


def test_class_map():
    assert read_class_map("10=1, 20 = 3;30=4\n-1=0") == {10: 1, 20: 3, 30: 4, -1: 0}
    assert read_class_map(" ") == {}


def test_class_map_with_texts():
    found = read_class_map("10=1, old house = 4;a=b=2\n-1=0,2.5=3", with_texts=True)
    assert found == {10: 1, "old house": 4, "a=b": 2, -1: 0, "2.5": 3}
    with pytest.raises(InvalidParameter, match="house two classes"):
        read_class_map("house=4,house=3", with_texts=True)
    for text in ("=3", "house=", "house=four"):
        with pytest.raises(InvalidParameter, match="Write pairs like house=4"):
            read_class_map(text, with_texts=True)


def test_texts_pass_with_a_class_field():
    job = dataclasses.replace(GOOD, class_map="house=4", class_field="kind", buildings_path="b.json")
    job.check()
    assert job_from_dict("train", json.loads(json.dumps(job.to_dict()))) == job


def test_a_name_from_the_folder():
    assert model_name_of("/a/My town, 2024/") == "My_town_2024"
    assert model_name_of("/a/...") == "fine_tuned"
