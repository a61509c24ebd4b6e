"""The command line and the Python API: the same job, its progress, its errors and exit codes."""
from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import package_model
import pytest
import rasterio
import s3d_protocol
import semantic3d
from rasterio.transform import from_origin
from s3d_protocol import ReconstructJob
from semantic3d import cli
from semantic3d.progress_bar import ProgressBar, duration_text, progress_line

BACKEND = str(Path(s3d_protocol.__file__).resolve().parents[1])


@pytest.fixture
def model(tmp_path):
    package_model.write_fake_package(tmp_path / "fake")
    return str(tmp_path / "fake")


@pytest.fixture
def image(tmp_path):
    return write_image(tmp_path / "ortho.tif", 150, 120)


def write_image(path, width, height):
    """An image of 0.5 m pixels with red rising to the right and green downwards."""
    pixels = np.zeros((3, height, width), np.uint8)
    pixels[0] = np.linspace(0, 255, width)[None]
    pixels[1] = np.linspace(0, 255, height)[:, None]
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=3, dtype="uint8",
                       crs="EPSG:32610", transform=from_origin(500000, 4800000, 0.5, 0.5)) as target:
        target.write(pixels)
    return str(path)


@pytest.fixture
def jobs(monkeypatch):
    """Catches the job instead of doing it."""
    from semantic3d.jobs import reconstruct

    caught = []

    def run(job, control):
        caught.append(job)
        return {"outputs": job.outputs(), "megapixels": 1.0, "seconds": 1.0, "device": "cpu", "mean_height_m": None}

    monkeypatch.setattr(reconstruct, "run", run)
    return caught


def start(arguments, **more):
    environment = {**os.environ, "PYTHONPATH": BACKEND, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen([sys.executable, "-m", "semantic3d.cli", *arguments], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment, **more)


def test_the_whole_way(image, model, tmp_path, capsys):
    outputs = {name: str(tmp_path / f"out.{name}.tif") for name in ("height", "sigma", "land-cover", "probabilities")}
    options = [part for name, path in outputs.items() for part in (f"--{name}", path)]
    code = cli.main(["reconstruct", image, "--model", model, *options, "--report", str(tmp_path / "r.html"),
                     "--quicklook", str(tmp_path / "q.png"), "--overlap", "16"])
    out, err = capsys.readouterr()
    assert code == 0 and "out.height.tif" in out and "q.png" in out and "100 %" in err
    with rasterio.open(image) as source, rasterio.open(outputs["height"]) as height:
        expected = 10 * source.read().astype(np.float64).mean(axis=0) / 255
        assert height.transform == source.transform and np.abs(height.read(1) - expected).max() < 0.01
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["fake", "ortho.tif", "r.html", "q.png"] + [Path(path).name for path in outputs.values()]
        + [Path(path).stem + ".qml" for path in outputs.values()])
    with rasterio.open(tmp_path / "q.png") as picture:
        assert picture.width > 2000


def test_the_python_api_gives_the_same_bytes(image, model, tmp_path):
    assert cli.main(["reconstruct", image, "--model", model, "--height", str(tmp_path / "a.tif"), "--overlap", "16",
                     "--quiet"]) == 0
    values = semantic3d.reconstruct(Path(image), model_path=Path(model), height_path=tmp_path / "b.tif", overlap_px=16)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert values["outputs"] == {"height": str(tmp_path / "b.tif")}
    with pytest.raises(s3d_protocol.InvalidParameter, match="hight_path"):
        semantic3d.reconstruct(image, hight_path="x.tif")


def test_python_calls_the_other_jobs_too(tmp_path):
    path = tmp_path / "heights.tif"
    with rasterio.open(path, "w", driver="GTiff", width=40, height=30, count=1, dtype="float32", crs="EPSG:32632",
                       transform=rasterio.Affine(0.5, 0, 5e5, 0, -0.5, 5e6)) as dataset:
        dataset.write(np.full((1, 30, 40), 3.0, "float32"))
    assert semantic3d.evaluate(height_path=path, reference_height_path=path)["mae_m"] == 0
    with pytest.raises(s3d_protocol.InvalidParameter, match="no parameter hight_path"):
        semantic3d.evaluate(hight_path=path)
    with pytest.raises(s3d_protocol.InvalidInput):
        semantic3d.detect_shadows(tmp_path / "none.tif", shadow_path=tmp_path / "shadow.tif")


def test_defaults_are_those_of_the_job(jobs, tmp_path):
    assert cli.main(["reconstruct", "i.tif", "--height", "h.tif"]) == 0
    assert jobs == [ReconstructJob("i.tif", height_path="h.tif")]


def test_every_option_reaches_the_job(jobs):
    assert cli.main(["reconstruct", "i.tif", "--height", "h.tif", "--sigma", "s.tif", "--land-cover", "c.tif",
                     "--probabilities", "p.tif", "--report", "r.html", "--model", "m", "--bands", "4,3,2",
                     "--extent", "-10,-5.5,20,1e3", "--gsd", "0.3", "--overlap", "64", "--device", "cpu",
                     "--batch-size", "4", "--max-memory", "512", "--scheduler", "tcp://head:8786", "--json"]) == 0
    assert jobs == [ReconstructJob("i.tif", "m", (4, 3, 2), (-10.0, -5.5, 20.0, 1000.0), 0.3, 64, "cpu", 4, 512,
                                   "h.tif", "s.tif", "c.tif", "p.tif", "r.html", scheduler="tcp://head:8786")]


def test_without_outputs_they_go_beside_the_image(jobs, capsys):
    assert cli.main(["reconstruct", "/data/town.ortho.tif"]) == 0
    assert jobs[0].outputs() == {"height": "/data/town.ortho_height.tif", "sigma": "/data/town.ortho_sigma.tif",
                                 "land_cover": "/data/town.ortho_land_cover.tif"}


@pytest.mark.parametrize("arguments, code, words", [
    (["reconstruct", "nothing.tif", "--height", "h.tif", "--model", "{model}"], 1, "nothing.tif"),
    (["reconstruct", "{image}", "--height", "h.txt", "--model", "{model}"], 2, "h.txt"),
    (["reconstruct", "{image}", "--height", "{folder}/h.tif", "--model", "{folder}/no"], 1, "no model package"),
    (["reconstruct", "{image}", "--height", "{folder}/h.tif", "--model", "{model}", "--overlap", "-1"], 2, "-1"),
    (["reconstruct", "{image}", "--height", "{folder}/h.tif", "--model", "{model}", "--quicklook", "/no/q.png"], 1,
     "/no"),
    (["model-info", "{folder}"], 1, "manifest.json"),
    (["quicklook", "{folder}/missing.tif", "{folder}/q.png"], 1, "missing.tif")])
def test_an_error_is_one_line_and_a_code(arguments, code, words, image, model, tmp_path, capsys):
    values = {"image": image, "model": model, "folder": tmp_path}
    assert cli.main([argument.format(**values) for argument in arguments]) == code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("semantic3d: ") and words in last
    assert not list(tmp_path.glob(".*partial*"))


@pytest.mark.parametrize("arguments, words", [
    (["reconstruct", "{town}", "--height", "h.tif", "--quicklook", "{town}"], "and the image are the same file"),
    (["reconstruct", "{town}", "--height", "h.tif", "--quicklook", "link.png"], "link.png is the image"),
    (["reconstruct", "{folder}/sheets", "--height", "h.tif", "--quicklook", "sheets/s.png"], "one of the images"),
    (["reconstruct", "{town}", "--height", "h.tif", "--quicklook", "h.tif"], "ends in .png"),
    (["reconstruct", "{town}", "--report", "r.html", "--quicklook", "r.html"], "ends in .png"),
    (["reconstruct", "{town}", "--height", "h.tif", "--quicklook", "."], "ends in .png"),
    (["quicklook", "{town}", "{town}"], "and the image are the same file"),
    (["quicklook", "i.tif", "./h.png", "--height", "h.png"], "and the height are the same file"),
])
def test_a_picture_takes_the_place_of_nothing_that_is_needed(arguments, words, jobs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sheets").mkdir()
    for name in ("town.png", "sheets/s.png", "h.png"):
        (tmp_path / name).write_bytes(b"precious")
    (tmp_path / "link.png").symlink_to(tmp_path / "town.png")
    values = {"town": "town.png", "folder": tmp_path}
    assert cli.main([argument.format(**values) for argument in arguments]) == cli.EXIT_WRONG_PARAMETERS
    assert words in capsys.readouterr().err
    assert not jobs and (tmp_path / "town.png").read_bytes() == b"precious"


@pytest.mark.parametrize("arguments", [[], ["paint"], ["reconstruct"], ["reconstruct", "i.tif", "--bands", "r,g,b"],
                                       ["reconstruct", "i.tif", "--device", "tpu"]])
def test_wrong_usage_is_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2 and "usage" in capsys.readouterr().err


def test_a_pattern_without_quotes_is_told_how(jobs, capsys):
    for arguments, hinted in ((["a.tif", "b.tif", "--height", "h.tif"], True), (["a.tif", "--hight", "h.tif"], False)):
        with pytest.raises(SystemExit) as caught:
            cli.main(["reconstruct", *arguments])
        said = capsys.readouterr().err
        assert caught.value.code == 2 and "unrecognized arguments" in said and ("quotes" in said) == hinted
    assert not jobs


@pytest.mark.parametrize("image", ["/vsizip//maps/town.zip/i.tif", "s3://bucket/i.tif"])
def test_without_outputs_beside_what_is_no_file_they_are_asked_for(image, jobs, capsys):
    assert cli.main(["reconstruct", image]) == cli.EXIT_WRONG_PARAMETERS
    assert "name the outputs, such as --height" in capsys.readouterr().err
    assert not jobs and cli.main(["reconstruct", image, "--height", "h.tif"]) == 0


def test_version(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == f"semantic3d {semantic3d.__version__}"


def test_names_that_the_terminal_lacks_letters_for_end_no_job(image, model, tmp_path):
    """As on Windows, where output to a file is in the system's code page."""
    height = tmp_path / "вых.tif"
    command = [sys.executable, "-m", "semantic3d.cli", "reconstruct", str(image), "--height", str(height)]
    done = subprocess.run(
        [*command, "--model", str(model), "--overlap", "16"], capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(BACKEND)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert height.exists() and rb"\u0432" in done.stdout


def test_model_info(model, capsys):
    assert cli.main(["model-info", model]) == 0
    text = capsys.readouterr().out
    assert "fake 1.2.3" in text and "4 building" in text and "CC0-1.0" in text
    assert cli.main(["model-info", model, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["validation"] == {"rmse_m": 1.5}


def test_json_results(jobs, capsys):
    assert cli.main(["reconstruct", "i.tif", "--height", "h.tif", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == {"height": "h.tif"}


SCENE_ENDINGS = ("height", "land_cover", "sigma")


def test_each_scene_has_outputs_of_its_own_and_goes_on(model, tmp_path, capsys):
    scenes, results = tmp_path / "scenes", tmp_path / "results"
    scenes.mkdir()
    for name in ("a", "b", "c"):
        write_image(scenes / f"{name}.tif", 70, 60)
    (scenes / "b.tif").write_bytes(b"no image")
    command = ["reconstruct", str(scenes), "--model", model, "--overlap", "16", "--each", str(results)]
    assert cli.main(command) == cli.EXIT_FAILED
    said = capsys.readouterr().err
    assert "2 scenes done, 0 were there, 1 failed (b.tif)." in said
    assert sorted(path.name for path in results.iterdir() if path.suffix == ".tif") == [
        f"{name}_{ending}.tif" for name in ("a", "c") for ending in SCENE_ENDINGS
    ]
    alone = tmp_path / "alone.tif"
    cli.main(["reconstruct", str(scenes / "a.tif"), "--model", model, "--overlap", "16", "--height", str(alone)])
    with rasterio.open(alone) as one, rasterio.open(results / "a_height.tif") as other:
        np.testing.assert_array_equal(one.read(), other.read())
    before = (results / "a_height.tif").stat()
    write_image(scenes / "b.tif", 70, 60)
    assert cli.main(command) == 0
    assert "1 scenes done, 2 were there, 0 failed." in capsys.readouterr().out
    assert (results / "a_height.tif").stat() == before and (results / "b_height.tif").exists()


@pytest.mark.parametrize("change, words", [
    (["--overlap", "24"], "overlap px 16 instead of 24"),
    (["--model", "OTHER"], "model sha256"),
    (["--extent", "500000,4799980,500030,4800000"], "extent whole image instead of 500000, 4799980"),
])
def test_results_of_another_kind_are_not_taken_for_these(change, words, model, tmp_path, capsys):
    scenes, results = tmp_path / "scenes", tmp_path / "results"
    scenes.mkdir()
    for name in ("a", "b"):
        write_image(scenes / f"{name}.tif", 70, 60)
    command = ["reconstruct", str(scenes), "--model", model, "--overlap", "16", "--each", str(results)]
    assert cli.main(command) == 0
    (results / "b_height.tif").unlink()
    before = {path: path.read_bytes() for path in results.iterdir()}
    package_model.write_fake_package(tmp_path / "other", height_scale=11.0)
    change = [str(tmp_path / "other") if part == "OTHER" else part for part in change]
    assert cli.main([*command, *change]) == cli.EXIT_WRONG_PARAMETERS
    said = capsys.readouterr().err
    assert words in said and "a_height.tif is there" in said and "Name another folder" in said
    assert {path: path.read_bytes() for path in results.iterdir()} == before


def test_scenes_newer_than_their_results_are_told(model, tmp_path, capsys):
    scenes, results = tmp_path / "scenes", tmp_path / "results"
    scenes.mkdir()
    write_image(scenes / "a.tif", 70, 60)
    command = ["reconstruct", str(scenes), "--model", model, "--overlap", "16", "--each", str(results)]
    assert cli.main(command) == 0 and "newer" not in capsys.readouterr().err
    later = (results / "a_height.tif").stat().st_mtime + 5
    os.utime(scenes / "a.tif", (later, later))
    assert cli.main(command) == 0
    assert "1 images are newer than their results, a.tif for one." in capsys.readouterr().err


@pytest.mark.parametrize("more, words", [
    (["--each", "OUT", "--height", "h.tif"], "leave the other output options out"),
    (["--each", "OUT", "--overlap", "-1"], "overlap"),
    (["--each", "HERE"], "is the folder of the images"),
])
def test_scenes_with_wrong_parameters_end_at_once(more, words, image, model, tmp_path, capsys):
    more = [{"OUT": str(tmp_path / "out"), "HERE": str(tmp_path)}.get(part, part) for part in more]
    assert cli.main(["reconstruct", image, "--model", model, *more]) == cli.EXIT_WRONG_PARAMETERS
    assert words in capsys.readouterr().err


def test_a_fault_that_all_scenes_share_is_said_once(tmp_path, capsys):
    for name in ("a", "b"):
        write_image(tmp_path / f"{name}.tif", 70, 60)
    command = ["reconstruct", str(tmp_path), "--model", str(tmp_path / "none"), "--each", str(tmp_path / "out")]
    assert cli.main(command) == cli.EXIT_FAILED
    assert capsys.readouterr().err.count("none") == 1


def test_an_extent_beside_one_scene_leaves_the_others(model, tmp_path, capsys):
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    write_image(scenes / "a.tif", 70, 60)
    with rasterio.open(write_image(scenes / "b.tif", 70, 60), "r+") as far:
        far.transform = from_origin(600000, 4800000, 0.5, 0.5)
    command = ["reconstruct", str(scenes), "--model", model, "--overlap", "16", "--each", str(tmp_path / "out"),
               "--extent", "500000,4799980,500030,4800000"]
    assert cli.main(command) == cli.EXIT_FAILED
    assert "1 scenes done, 0 were there, 1 failed (b.tif)." in capsys.readouterr().err


def test_scenes_of_one_name_are_named_after_their_folders(model, tmp_path):
    out = str(tmp_path / "out")
    for place in ("north/visual.tif", "south/Visual.tif", "south/b.tif"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        write_image(tmp_path / place, 70, 60)
    assert cli.main(["reconstruct", str(tmp_path / "*" / "*.tif"), "--model", model, "--overlap", "16", "--each", out]) == 0
    names = {name.removesuffix("_height.tif") for name in os.listdir(out) if name.endswith("_height.tif")}
    assert names == {"north_visual", "south_Visual", "b"}


def test_a_stac_collection_that_grows_computes_no_scene_again(model, tmp_path, capsys):
    def run_with(*places):
        for place in places:
            (tmp_path / place).mkdir(exist_ok=True)
            write_image(tmp_path / place / "visual.tif", 70, 60)
        items = [{"type": "Feature", "id": place, "assets": {"visual": {"href": f"{place}/visual.tif"}}}
                 for place in places]
        (tmp_path / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
        assert cli.main(["reconstruct", str(tmp_path / "items.json"), "--model", model, "--overlap", "16", "--each",
                         str(out)]) == 0
        return capsys.readouterr().out

    out = tmp_path / "out"
    assert "1 scenes done, 0 were there" in run_with("north")
    assert "1 scenes done, 1 were there" in run_with("north", "south")
    assert {path.name for path in out.glob("*_height.tif")} == {"north_visual_height.tif", "south_visual_height.tif"}
    for path in list(out.glob("north*.tif")):
        path.rename(out / path.name.removeprefix("north_"))  # as it was named before
    assert "0 scenes done, 1 were there" in run_with("north")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' disks know no such names")
def test_a_scene_whose_name_is_not_utf8_stops_no_other(model, tmp_path, capsys):
    scenes, out = tmp_path / "scenes", tmp_path / "out"
    scenes.mkdir()
    for name in ("a.tif", "c.tif"):
        write_image(scenes / name, 70, 60)
    shutil.copy(scenes / "a.tif", os.fsencode(scenes) + b"/b\xe4.tif")
    command = ["reconstruct", str(scenes), "--model", model, "--overlap", "16", "--each", str(out), "--json"]
    assert cli.main(command) == cli.EXIT_FAILED
    said = capsys.readouterr()
    assert json.loads(said.out) == {"done": 2, "there": 0, "failed": ["b\\udce4.tif"]} and "Rename the file" in said.err
    assert {path.name for path in out.glob("*_height.tif")} == {"a_height.tif", "c_height.tif"}


def test_scenes_of_one_name_in_folders_of_one_name_are_refused(model, tmp_path, capsys):
    out = str(tmp_path / "out")
    for place in ("one/x", "two/x"):
        (tmp_path / place).mkdir(parents=True)
        write_image(tmp_path / place / "a.tif", 70, 60)
    assert cli.main(["reconstruct", str(tmp_path / "*" / "x" / "a.tif"), "--model", model, "--each", out]) == cli.EXIT_FAILED
    assert "would have the same outputs, x_a_height.tif" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals are different there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_ctrl_c_ends_cleanly(number, model, tmp_path, request):
    before = signal.signal(number, signal.default_int_handler)  # these tests may run under nohup, which children inherit
    request.addfinalizer(lambda: signal.signal(number, before))
    image = write_image(tmp_path / "large.tif", 6000, 6000)
    process = start(["reconstruct", image, "--model", model, "--height", str(tmp_path / "h.tif"), "--overlap", "56"])
    for line in process.stderr:
        if "tiles" in line:
            break
    else:
        pytest.fail("the job ended before it began")
    process.send_signal(number)
    begun = time.monotonic()
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 130 and time.monotonic() - begun < 5
    assert rest.strip().splitlines()[-1] == "semantic3d: cancelled" and "Traceback" not in rest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fake", "large.tif"]


@pytest.mark.skipif(os.name == "nt", reason="signals are different there")
def test_what_nohup_wants_ignored_stays_so(model, monkeypatch, request):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    request.addfinalizer(lambda: signal.signal(signal.SIGHUP, before))
    monkeypatch.setattr(cli, "_model_info", lambda options, control: os.kill(os.getpid(), signal.SIGHUP)
                        or int(control.cancelled))
    assert cli.main(["model-info", model]) == 0
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert cli.main(["model-info", model]) == 1  # heard


def test_a_closed_pipe_is_no_traceback(model):
    process = start(["model-info", model])
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.wait(timeout=20)


def message(**changes):
    return {"done": 30, "total": 120, "unit": "tiles", "megapixels_per_s": 0.8, "seconds_left": 90.0, "text": "",
            **changes}


def test_the_progress_line():
    line = progress_line(message())
    assert line == "[######------------------]  25 %  30/120 tiles  0.8 MP/s  1:30 left"
    assert progress_line(message(done=0, total=0, megapixels_per_s=None, seconds_left=None)).startswith("[----")
    assert duration_text(7209) == "2:00:09" and duration_text(5.4) == "0:05"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_rewrites_its_line_on_a_terminal():
    stream = Terminal()
    bar = ProgressBar(stream)
    bar.show(message())
    bar.show(message(done=120, seconds_left=None, megapixels_per_s=None))
    bar.finish()
    lines = stream.getvalue().rstrip("\n").split("\r")[1:]
    assert len(lines) == 2 and len(lines[1]) >= len(lines[0].rstrip()) and stream.getvalue().endswith("\n")


def test_the_bar_is_ten_lines_in_a_file():
    stream = io.StringIO()
    bar = ProgressBar(stream)
    for done in range(1001):
        bar.show(message(done=done, total=1000))
    bar.finish()
    assert len(stream.getvalue().splitlines()) == 11 and "\r" not in stream.getvalue()
