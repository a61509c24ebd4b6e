"""Unfinished outputs: found by the job's id, moved in together, never mistaken for others' files."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from semantic3d_plugin.backend.s3d_protocol import (
    OutputFailed,
    discard_partials,
    new_job_id,
    partial_files,
    partial_path,
    publish,
    publish_folder,
    remove_partial,
)


def test_the_name_keeps_folder_and_suffix():
    assert partial_path(os.path.join("a", "h.v2.tif"), "0f") == os.path.join("a", ".h.v2.0f.partial.tif")


@pytest.mark.parametrize("job_id", ["", "../x", "a/b", "a.b", "a\n"])
def test_an_id_that_could_reach_other_files_is_refused(job_id):
    with pytest.raises(ValueError, match="job id"):
        partial_path("h.tif", job_id)


def test_ids_differ():
    assert new_job_id() != new_job_id()


def test_leftovers_include_sidecars_and_nothing_of_others(tmp_path):
    path = str(tmp_path / "h.tif")
    mine = [".h.0f.partial.qml", ".h.0f.partial.tif", ".h.0f.partial.tif.aux.xml", ".h.0f.partial.tif.msk"]
    for name in [*mine, "h.tif", "h.tif.aux.xml", ".h.0e.partial.tif", ".hh.0f.partial.tif"]:
        (tmp_path / name).touch()
    assert partial_files(path, "0f") == [str(tmp_path / name) for name in mine]
    assert remove_partial(path, "0f") == []
    assert sorted(os.listdir(tmp_path)) == [".h.0e.partial.tif", ".hh.0f.partial.tif", "h.tif", "h.tif.aux.xml"]


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path):
    assert discard_partials([str(tmp_path / "no" / "h.tif"), ""], "0f") == []


def test_publishing_moves_sidecars_and_drops_stale_ones(tmp_path):
    height, report = str(tmp_path / "h.tif"), str(tmp_path / "h.html")
    (tmp_path / "h.tif").write_text("old")
    (tmp_path / "h.tif.aux.xml").write_text("old statistics")
    (tmp_path / "h.tif.ovr").write_text("old overviews")
    for name in (".h.0f.partial.tif", ".h.0f.partial.tif.aux.xml", ".h.0f.partial.qml", ".h.0f.partial.html"):
        (tmp_path / name).write_text("new")
    (tmp_path / ".h.0f.partial.interim.tif").touch()
    publish([height, "", report], "0f")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        ["h.tif", "h.tif.aux.xml", "h.qml", "h.html"], "new"
    )


def test_a_style_that_the_user_made_stays_when_there_is_no_new_one(tmp_path):
    (tmp_path / "h.qml").write_text("mine")
    (tmp_path / ".h.0f.partial.tif").touch()
    publish([str(tmp_path / "h.tif")], "0f")
    assert (tmp_path / "h.qml").read_text() == "mine"


def test_what_cannot_be_published_is_told_and_removed(tmp_path):
    (tmp_path / "s.tif").mkdir()
    (tmp_path / "s.tif" / "x").touch()
    for stem in "hs":
        (tmp_path / f".{stem}.0f.partial.tif").touch()
    with pytest.raises(OutputFailed, match="s.tif could not be put in its place.*h.tif had been replaced already"):
        publish([str(tmp_path / "h.tif"), str(tmp_path / "s.tif")], "0f")
    assert sorted(os.listdir(tmp_path)) == ["h.tif", "s.tif"]


def test_outputs_are_on_the_disk_before_and_after_they_are_moved(tmp_path, monkeypatch):
    done = []

    def noted(name, act, place):
        def call(*arguments):
            done.append((name, place(*arguments)))
            return act(*arguments)

        return call

    monkeypatch.setattr(os, "fsync", noted("disk", os.fsync, lambda number: os.fstat(number).st_ino))
    monkeypatch.setattr(os, "replace", noted("moved", os.replace, lambda source, target: os.stat(source).st_ino))
    paths = [tmp_path / "h.tif", tmp_path / "s.tif"]
    numbers = []
    for path in paths:
        partial = tmp_path / f".{path.stem}.0f.partial.tif"
        partial.write_text("pixels")
        numbers.append(partial.stat().st_ino)
    publish(map(str, paths), "0f")
    first, last = [("disk", number) for number in numbers], [("moved", number) for number in numbers]
    assert done[:4] == first + last
    assert done[4:] == ([] if os.name == "nt" else [("disk", tmp_path.stat().st_ino)])


def test_a_file_system_that_cannot_synchronise_folders_is_good_enough(tmp_path, monkeypatch):
    real = os.fsync

    def fsync(number):
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise OSError(errors[0], os.strerror(errors[0]))
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    errors = [errno.EINVAL]
    (tmp_path / ".h.0f.partial.tif").touch()
    publish([str(tmp_path / "h.tif")], "0f")
    assert (tmp_path / "h.tif").exists()
    errors[0] = errno.EIO
    (tmp_path / ".h.0f.partial.tif").touch()
    with pytest.raises(OutputFailed):
        publish([str(tmp_path / "h.tif")], "0f")


def test_an_output_that_is_missing_leaves_the_others_where_they_were(tmp_path):
    (tmp_path / "h.tif").write_text("old")
    (tmp_path / ".h.0f.partial.tif").write_text("new")
    with pytest.raises(OutputFailed, match="s.tif could not be put in its place"):
        publish([str(tmp_path / "h.tif"), str(tmp_path / "s.tif")], "0f")
    assert (tmp_path / "h.tif").read_text() == "old" and os.listdir(tmp_path) == ["h.tif"]


def test_a_folder_takes_the_place_of_an_older_one_as_a_whole(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old.txt").write_text("old")
    partial = partial_path(str(target), "job1")
    os.mkdir(partial)
    (tmp_path / ".model.job1.partial" / "new.txt").write_text("new")
    report = tmp_path / "model.html"
    with open(partial_path(str(report), "job1"), "w") as stream:
        stream.write("report")
    publish_folder(str(target), "job1")
    publish([str(report)], "job1")
    assert [path.name for path in target.iterdir()] == ["new.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.html"]


def test_an_unfinished_folder_is_discarded_and_the_older_one_stays(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    os.mkdir(partial_path(str(target), "job1"))
    assert discard_partials([str(target)], "job1") == []
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    with pytest.raises(OutputFailed, match="model"):
        publish_folder(str(target), "job1")
    assert target.is_dir()
