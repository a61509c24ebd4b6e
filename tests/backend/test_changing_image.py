"""Images that are cut short while a job works on them, as by a copy that starts again or a disk that fails."""

import os
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio
import rasterio.shutil
from block_scene import Watch, acting, job_for, write_image

from s3d_protocol import Cancelled, DetectShadowsJob, InvalidInput, InvalidParameter, JobControl
from semantic3d.jobs import detect_shadows
from semantic3d.jobs.image_identity import ImageChanged, ImageFiles
from semantic3d.jobs.reconstruct import run
from semantic3d.jobs.reconstruct_work import KeptWork
from semantic3d.raster.block_sizes import file_holding, files_below
from semantic3d.raster.source import ImageSource

pytestmark = pytest.mark.usefixtures("small_blocks")


def files(folder):
    """What lies in a folder and below it, as paths from there."""
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


@pytest.fixture
def image(tmp_path):
    (tmp_path / "images").mkdir()
    return write_image(tmp_path / "images" / "image.tif")


@pytest.fixture(scope="module")
def expected(package, tmp_path_factory):
    """The heights of a run that nobody disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    run(job_for(write_image(folder / "image.tif"), package, folder / "out"), JobControl())
    return heights(folder / "out")


def heights(folder):
    with rasterio.open(folder / "height.tif") as dataset:
        return dataset.read(1).tobytes()


@pytest.mark.parametrize("many", [False, True], ids=["image", "part of a mosaic"])
@pytest.mark.parametrize("after", [4, 30])
def test_an_image_that_is_cut_short_ends_the_job(tmp_path, image, package, expected, many, after):
    """GDAL may have read it by then: what counts is that the file is another one."""
    content, named = Path(image).read_bytes(), os.path.dirname(image) if many else image
    changed = pytest.raises(ImageChanged, match="image.tif was changed")
    with acting({after: lambda: os.truncate(image, 100_000)}), changed:
        run(job_for(named, package, tmp_path / "out"), JobControl())
    assert files(tmp_path / "out") == (["images_mosaic.vrt"] if many else [])
    Path(image).write_bytes(content)
    control = Watch()
    run(job_for(named, package, tmp_path / "out"), control)
    assert not [text for text in control.logs if text.startswith("Continuing")]
    assert heights(tmp_path / "out") == expected


def test_a_mosaic_of_mosaics_watches_the_images_at_the_bottom(tmp_path, image, package):
    (tmp_path / "sheets").mkdir()
    inner = tmp_path / "sheets" / "inner.vrt"
    rasterio.shutil.copy(image, inner, driver="VRT")
    Path(image + ".msk").write_bytes(b"")  # of no use, but it would be read
    with rasterio.open(inner) as dataset:
        below = files_below(dataset, str(inner))
    assert {Path(name).resolve() for name in below} == {inner, Path(image), Path(image + ".msk")}
    os.remove(image + ".msk")
    with acting({4: lambda: os.truncate(image, 100_000)}), pytest.raises(ImageChanged, match="image.tif was changed"):
        run(job_for(str(tmp_path / "sheets"), package, tmp_path / "out"), JobControl())


def packed(image, archive, names=("image.tif",)):
    """Make a zip that holds the image under these names."""
    with zipfile.ZipFile(archive, "w") as file:
        for name in names:
            file.write(image, name)


def test_an_image_in_an_archive_is_watched_by_the_archive(tmp_path, image, package):
    archive, control = tmp_path / "town.zip", Watch()
    packed(image, archive)
    job = job_for(f"/vsizip/{archive}/image.tif", package, tmp_path / "out")
    with acting({7: control.cancel}), pytest.raises(Cancelled):
        run(job, control)
    again = Watch()
    with acting({9: lambda: os.utime(archive, ns=(1, 1))}), pytest.raises(ImageChanged, match="town.zip was changed"):
        run(job, again)
    assert [text for text in again.logs if text.startswith("Continuing")]
    control = Watch()
    with acting({7: control.cancel}), pytest.raises(Cancelled):
        run(job, control)
    os.utime(archive, ns=(2, 2))  # between two runs: the same bytes here, pixels between the samples elsewhere
    run(job, again := Watch())
    assert not [text for text in again.logs if text.startswith("Continuing")]


def test_images_of_one_archive_are_told_apart(tmp_path, image):
    archive = tmp_path / "town.zip"
    packed(image, archive, ("a/image.tif", "b/image.tif"))
    prints = set()
    for member in "ab":
        path = f"/vsizip/{{{archive}}}/{member}/image.tif"
        with ImageSource(path) as source:
            prints.add(ImageFiles(path).fingerprint(source))
    assert len(prints) == 2


def test_the_file_that_holds_an_image(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("i.tif", "town.zip", "{odd}.zip"):
        Path(name).write_bytes(b"")
    for name, holder in {
        "i.tif": "i.tif", "/vsizip/town.zip/a/i.tif": "town.zip", "/vsizip/{odd}.zip/i.tif": "{odd}.zip",
        f"/vsigzip//vsizip/{tmp_path}/town.zip/i.gz": f"{tmp_path}/town.zip", "/vsizip/{town.zip}/i.tif": "town.zip",
        "/vsizip/gone.zip/i.tif": None, "/vsizip//vsis3/bucket/town.zip/i.tif": None, "/vsis3/i.tif": None, "": None,
        "gone.tif": None, "i.tif/below": None,
    }.items():  # fmt: skip
        assert file_holding(name) == holder, name


def test_that_nothing_watches_a_far_image_is_said(tmp_path, image, package, monkeypatch):
    monkeypatch.setattr("semantic3d.jobs.image_identity.files_below", lambda *_: [image, "/vsis3/b/x.tif"])
    control = Watch()
    run(job_for(image, package, tmp_path / "out"), control)
    assert [text for text in control.logs if text.startswith("/vsis3/b/x.tif cannot be watched")]


@pytest.mark.parametrize("link", [False, True])
def test_an_output_must_not_be_a_part_of_the_virtual_image(tmp_path, image, package, link):
    outer, before = tmp_path / "all.vrt", Path(image).read_bytes()
    rasterio.shutil.copy(image, outer, driver="VRT")
    part = tmp_path / "link.tif" if link else Path(image)
    if link:
        part.symlink_to(image)
    job = replace(job_for(str(outer), package, tmp_path / "out"), height_path=str(part))
    with pytest.raises(InvalidParameter, match="height output .* is a part of the image itself"):
        run(job, JobControl())
    assert Path(image).read_bytes() == before


@pytest.fixture
def losing_pixels(monkeypatch, image):
    """Once armed, a read of lower rows finds half of the file gone, and GDAL has kept none of it."""
    armed, read = threading.Event(), ImageSource.read

    def reading(self, column, row, width, height):
        if armed.is_set() and row + height > 250:
            os.truncate(image, 100_000)
            self._dataset.close()
            self._dataset = rasterio.open(self.path)
        return read(self, column, row, width, height)

    monkeypatch.setattr(ImageSource, "read", reading)
    return armed


def test_pixels_that_are_gone_leave_whole_blocks_only(tmp_path, image, package, expected, losing_pixels, monkeypatch):
    content, stamp = Path(image).read_bytes(), os.stat(image)
    take = KeptWork.take
    monkeypatch.setattr(KeptWork, "take", lambda self, *given: (take(self, *given), losing_pixels.set()))
    job = job_for(image, package, tmp_path / "out")
    with pytest.raises(InvalidInput, match="image.tif (cannot be read at columns .*truncated|was changed)"):
        run(job, JobControl())
    left = files(tmp_path / "out")
    assert not [name for name in left if "partial" in name]
    assert all(name.startswith(".semantic3d-") for name in left)  # finished blocks, where it got that far
    losing_pixels.clear()
    monkeypatch.setattr(KeptWork, "take", take)
    Path(image).write_bytes(content)
    os.utime(image, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    run(job, JobControl())
    assert files(tmp_path / "out") == ["height.qml", "height.tif", "land_cover.qml", "land_cover.tif",
                                               "report.html", "sigma.qml", "sigma.tif"]  # fmt: skip
    assert heights(tmp_path / "out") == expected


def test_shadows_of_an_image_that_is_cut_short_leave_nothing(tmp_path, image, losing_pixels):
    (tmp_path / "out").mkdir()
    losing_pixels.set()
    with pytest.raises(InvalidInput, match="image.tif cannot be read at columns .*truncated.*files were changed"):
        detect_shadows.run(DetectShadowsJob(image, shadow_path=str(tmp_path / "out" / "s.tif")), JobControl())
    assert files(tmp_path / "out") == []


def test_shadows_of_an_image_that_is_replaced_meanwhile_leave_nothing(tmp_path, image, monkeypatch):
    read = ImageSource.read
    monkeypatch.setattr(ImageSource, "read", lambda self, *window: (read(self, *window), os.utime(image, ns=(1, 1)))[0])
    (tmp_path / "out").mkdir()
    with pytest.raises(ImageChanged, match="image.tif was changed"):
        detect_shadows.run(DetectShadowsJob(image, shadow_path=str(tmp_path / "out" / "s.tif")), JobControl())
    assert files(tmp_path / "out") == []
