"""Files that an earlier run has left, and STAC files, of any content: our errors come out, and no other file goes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_hostile_messages import TEXTS, VALUES

from s3d_protocol import InvalidInput, OutputFailed, new_job_id, partial_path
from semantic3d.jobs.work_folder import (
    BlockRecord,
    WorkFolder,
    identity_of,
    read_record,
    record_block,
    record_path,
    remove_if_killed,
)
from semantic3d.raster.block_grid import Block, BlockGrid
from semantic3d.raster.image_collection import find_images

GRID, LAYERS = BlockGrid(100, 64, 64), ("height",)
RECORD = BlockRecord(0, 1, "0badc0de", {"height": [4096, "0" * 64]}, 5000, 2304, {"3": 2000})
BYTES = st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode())
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # every example writes it anew


@pytest.fixture
def record(tmp_path):
    """(path, values) of a record on the disk."""
    (tmp_path / "records").mkdir()
    record_block(str(tmp_path), RECORD, "cpu")
    path = Path(record_path(str(tmp_path), Block(0, 1)))
    return path, json.loads(path.read_text())


@one_folder
@given(BYTES)
def test_any_bytes_are_a_record_or_none(record, content):
    path, _ = record
    path.write_bytes(content)
    assert read_record(str(path), LAYERS, GRID) is None


@one_folder
@given(st.data())
def test_a_record_with_one_odd_value_is_sensible_or_none(record, data):
    path, good = record
    name = data.draw(st.sampled_from(sorted(good)))
    changed = {**good, name: data.draw(VALUES)}
    if name != "sha256":  # as a clever forger would
        del changed["sha256"]
        changed["sha256"] = identity_of(changed)
    path.write_text(json.dumps(changed))
    found = read_record(str(path), LAYERS, GRID)
    if found is not None:
        _, _, width, height = GRID.window(found.block)
        assert found.block == Block(0, 1) and set(found.files) == set(LAYERS)
        assert 0 <= found.height_count <= width * height and sum(found.class_pixels.values()) <= width * height


@one_folder
@given(st.data())
def test_whatever_run_and_manifest_say_nothing_outside_is_touched(tmp_path, data):
    work, victim = tmp_path / "work", tmp_path / "victim.tif"
    victim.write_text("not ours")
    near = st.sampled_from([str(victim), str(tmp_path), "../victim.tif", str(victim) + "\0"])
    run = {"job_id": data.draw(st.sampled_from([new_job_id(), "", "*", "../x"]) | VALUES),
           "outputs": data.draw(st.lists(near | TEXTS, max_size=3) | VALUES)}
    work.mkdir(exist_ok=True)
    (work / "run.json").write_text(json.dumps(data.draw(st.sampled_from([run, [run]]) | VALUES)))
    (work / "manifest.json").write_bytes(data.draw(BYTES))
    if data.draw(st.booleans()):
        remove_if_killed(str(work), [str(tmp_path / "h.tif")])
    try:
        folder = WorkFolder(str(work), {"job": "one"})
        try:
            folder.begin_run(new_job_id(), [str(tmp_path / "h.tif")])
            assert folder.finished(LAYERS, GRID, lambda: None) == {}
        finally:
            folder.remove()
    except OutputFailed as error:
        assert str(error).encode("utf-8")
    assert victim.read_text() == "not ours" and {path.name for path in tmp_path.iterdir()} <= {"work", "victim.tif"}


@pytest.mark.parametrize("way", ["another run's folder", "the job's own"])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_note_names_unfinished_files_beside_the_outputs_and_nowhere_else(tmp_path, elsewhere, way):
    (tmp_path / "other").mkdir()
    work, job_id, ours = str(tmp_path / "work"), new_job_id(), [str(tmp_path / "h.tif")]
    output = str(tmp_path / ("other" if elsewhere else "") / "diary.tif")
    unfinished = Path(partial_path(output, job_id))
    unfinished.write_text("begun")
    folder = WorkFolder(work, {"job": "one"})
    folder.begin_run(job_id, [output])
    folder.release()
    if way == "the job's own":
        folder = WorkFolder(work, {"job": "one"})
        folder.begin_run(new_job_id(), ours)
        folder.remove()
    else:
        remove_if_killed(work, ours)
    assert unfinished.exists() == elsewhere and not os.path.exists(work)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("place", ["", "records", "height"])
def test_a_link_where_blocks_are_kept_empties_nothing(tmp_path, place):
    victim, work = tmp_path / "victim", tmp_path / "work"
    victim.mkdir()
    (victim / "run.json").write_text(json.dumps({"job_id": new_job_id(), "outputs": []}))
    if place:
        work.mkdir()
    os.symlink(victim, work / place if place else work)
    if not place:
        remove_if_killed(str(work), [])
    try:
        folder = WorkFolder(str(work), {"job": "one"})
        folder.finished(("height",), GRID, lambda: None)
        folder.remove()
    except OutputFailed as error:
        assert "is a link" in str(error)
    assert [path.name for path in victim.iterdir()] == ["run.json"]


ASSETS = st.dictionaries(
    st.sampled_from(["visual", "rgb", "b1"]) | TEXTS,
    st.fixed_dictionaries({}, optional={"href": VALUES, "roles": VALUES, "type": VALUES}) | VALUES,
    max_size=3,
)
ITEMS = st.fixed_dictionaries({"type": st.just("Feature")}, optional={"id": VALUES, "assets": ASSETS | VALUES}) | VALUES
COLLECTIONS = st.fixed_dictionaries(
    {"type": st.sampled_from(["FeatureCollection", "ItemCollection"]) | VALUES},
    optional={"features": st.lists(ITEMS, max_size=3) | VALUES,
              "links": VALUES | st.lists(st.dictionaries(st.just("rel"), VALUES), max_size=2)},
)


@one_folder
@given(st.binary(max_size=100) | (ITEMS | COLLECTIONS).map(lambda value: json.dumps(value).encode()))
def test_any_stac_file_names_images_or_is_refused(tmp_path, content):
    path = tmp_path / "items.json"
    path.write_bytes(content)
    try:
        assert all(isinstance(image, str) for image in find_images(str(path)))
    except InvalidInput as error:
        assert str(error).encode("utf-8") and len(str(error)) < 12_000
