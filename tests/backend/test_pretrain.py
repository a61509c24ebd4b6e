"""Pretraining of the small base: it learns, goes on where it stopped, on what it is told to; the script itself."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from load_script import SCRIPTS, load_script  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from s3d_protocol import Cancelled  # noqa: E402
from semantic3d.datasets.imagery import read_rendered_rgb  # noqa: E402
from semantic3d.models.latent import TINY, LatentDiffusion  # noqa: E402
from semantic3d.training import pretrain  # noqa: E402
from semantic3d.training.loop import LoopConfig, checkpoint_state  # noqa: E402
from semantic3d.training.pretrain import load_weights, save_base, seeded_crops, train_denoiser, train_vae  # noqa: E402

SCRIPT = SCRIPTS / "train_base.py"
CONFIG = LoopConfig(steps=4, learning_rate=2e-3, warmup_steps=1, checkpoint_every=2, log_every=100, use_bf16=False)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for each other cost more than these few pixels, and with one a run repeats itself exactly."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def blocks(seed, side_px=96):
    """Bright squares on dark ground, uint8 [side, side, 3]."""
    rng = np.random.default_rng(seed)
    image = rng.integers(40, 70, (side_px, side_px, 3))
    for top, left in rng.integers(0, side_px - 24, (6, 2)):
        image[top : top + 24, left : left + 24] = rng.integers(150, 250, 3)
    return image.astype(np.uint8)


def crops(seed=1):
    return seeded_crops([blocks(0), blocks(1)], 32, 2, seed)


def tiny():
    torch.manual_seed(0)
    return LatentDiffusion.from_config(TINY).to(memory_format=torch.channels_last)


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name, value in a.items():
        torch.testing.assert_close(b[name], value, msg=lambda text, name=name: f"{name}: {text}")


def watch(monkeypatch):
    """Every loss from now on, in a list."""
    losses, real = [], pretrain.run_loop

    def watched(module, loss_of_step, *arguments):
        def kept(step):
            value = loss_of_step(step)
            losses.append(value.item())
            return value

        return real(module, kept, *arguments)

    monkeypatch.setattr(pretrain, "run_loop", watched)
    return losses


def test_the_vae_learns_to_give_back_what_it_sees(tmp_path, monkeypatch):
    base, losses = tiny(), watch(monkeypatch)
    before = {name: value.clone() for name, value in base.state_dict().items()}
    train_vae(base, crops(), dataclasses.replace(CONFIG, steps=30, learning_rate=5e-3), tmp_path)
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    moved = {name for name, value in base.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if name.startswith("vae.")}
    with torch.no_grad():
        latents = base.vae.encode(torch.from_numpy(crops()(10**6))).latent_dist.mode() * base.vae.config.scaling_factor
    assert latents.std().item() == pytest.approx(1, rel=1e-3)


def test_the_denoiser_learns_and_leaves_the_vae_alone(tmp_path, monkeypatch):
    base, losses = tiny(), watch(monkeypatch)
    before = {name: value.clone() for name, value in base.state_dict().items()}
    train_denoiser(base, crops(), dataclasses.replace(CONFIG, steps=20), tmp_path)
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    moved = {name for name, value in base.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith("unet.") for name in moved)


def stop_at(step, draw):
    def crops_of_step(asked):
        if asked == step:
            raise Cancelled("stop")
        return draw(asked)

    return crops_of_step


@pytest.mark.parametrize("train", [train_vae, train_denoiser])
def test_an_interrupted_run_ends_with_the_same_weights(train, tmp_path):
    whole, parts = tiny(), tiny()
    train(whole, crops(), CONFIG, tmp_path / "whole")
    with pytest.raises(Cancelled):
        train(parts, stop_at(3, crops()), CONFIG, tmp_path / "parts")
    assert checkpoint_state(tmp_path / "parts")[1] == 3
    resumed = tiny()
    train(resumed, crops(), CONFIG, tmp_path / "parts")
    assert_same(whole.state_dict(), resumed.state_dict())
    assert resumed.vae.config.scaling_factor == pytest.approx(whole.vae.config.scaling_factor)
    other = tiny()
    train(other, crops(seed=2), CONFIG, tmp_path / "other")
    assert any(not torch.equal(value, whole.state_dict()[name]) for name, value in other.state_dict().items())


@pytest.mark.parametrize("compiled", [False, True])
def test_compiled_only_where_asked(compiled, tmp_path, monkeypatch):
    """torch.compile itself takes minutes: here it hands back what it is given."""
    asked = []
    monkeypatch.setattr(torch, "compile", lambda what: asked.append(what) or what)
    base, plain = tiny(), tiny()
    one_step = dataclasses.replace(CONFIG, steps=1, compiled=compiled)
    train_vae(base, crops(), one_step, tmp_path / "vae")
    train_denoiser(base, crops(), one_step, tmp_path / "unet")
    assert len(asked) == (3 if compiled else 0)
    monkeypatch.undo()
    one_step = dataclasses.replace(one_step, compiled=False)
    train_vae(plain, crops(), one_step, tmp_path / "plain_vae")
    train_denoiser(plain, crops(), one_step, tmp_path / "plain_unet")
    assert_same(plain.state_dict(), base.state_dict())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_the_gpu(tmp_path):
    base, onto = tiny().to("cuda"), dataclasses.replace(CONFIG, device="cuda")
    train_vae(base, crops(), onto, tmp_path / "vae")
    train_denoiser(base, crops(), onto, tmp_path / "unet")
    save_base(base, tmp_path / "base.safetensors", "tiny")
    loaded = load_weights(tiny(), tmp_path / "base.safetensors")
    assert_same({name: value.cpu() for name, value in base.state_dict().items()}, loaded.state_dict())


def test_a_base_is_read_as_it_was_written(tmp_path):
    base = tiny()
    base.vae.register_to_config(scaling_factor=0.375)
    save_base(base, tmp_path / "base.safetensors", "tiny")
    torch.manual_seed(5)
    loaded = load_weights(LatentDiffusion.from_config(TINY), tmp_path / "base.safetensors")
    assert_same(base.state_dict(), loaded.state_dict())
    assert loaded.vae.config.scaling_factor == 0.375


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """DATA with two NAIP images, a folder with a rendered scene (and one that is half written), of 256 pixels."""
    folder = tmp_path_factory.mktemp("data")
    naip, rendered = folder / "data" / "unlabelled" / "naip", folder / "rendered"
    naip.mkdir(parents=True)
    rendered.mkdir()
    for seed in range(2):
        with rasterio.open(naip / f"{seed}.tif", "w", driver="GTiff", width=256, height=256, count=3, dtype="uint8",
                           crs="EPSG:32610", transform=from_origin(5e5, 4e6, 0.6, 0.6)) as out:
            out.write(blocks(seed, 256).transpose(2, 0, 1))
    np.savez_compressed(rendered / "scene_000007.npz", rgb=blocks(7, 256), gsd_m=np.float32(0.5))
    (rendered / ".scene_000008.99.npz").write_bytes(b"not yet")
    return folder


def options(data, out, *more):
    few = ("--config", "tiny", "--vae-steps", "2", "--unet-steps", "2", "--batch", "1", "--device", "cpu")
    return ["--data", str(data / "data"), "--rendered", str(data / "rendered"), "--out", str(out), *few, *more]


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """One run of the script: its folder, and what it said."""
    out = tmp_path_factory.mktemp("run") / "base"
    command = [sys.executable, str(SCRIPT), *options(data, out)]
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, env=variables, text=True, **streams)
    assert done.returncode == 0, done.stdout
    return out, done.stdout


@pytest.fixture(scope="module")
def script():
    """The script as a module, which saves importing torch again."""
    return load_script("train_base")


def test_the_script_writes_a_base(run):
    out, said = run
    assert "3 images (2 of NAIP, 0 labelled, 1 rendered), 0 megapixels" in said
    base = tiny()
    before = base.unet.conv_in.weight.clone()
    load_weights(base, out / "base.safetensors")
    assert not torch.equal(base.unet.conv_in.weight, before)
    assert base.vae.config.scaling_factor > 0 and torch.isfinite(base.unet.conv_in.weight).all()


def test_a_broken_off_script_goes_on_to_the_same_base(run, data, script, tmp_path):
    out, _ = run
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "state.safetensors").write_bytes((out / "vae" / "state.safetensors").read_bytes())
    script.main(options(data, tmp_path))
    assert_same(load_file(str(out / "base.safetensors")), load_file(str(tmp_path / "base.safetensors")))


def test_a_run_begun_with_something_else_does_not_go_on(run, data, script, tmp_path):
    before = load_file(str(run[0] / "base.safetensors"))
    with pytest.raises(SystemExit, match="begun with other settings or data: seed 1, not 7"):
        script.main(options(data, run[0], "--seed", "7"))
    wanted = [option for option in options(data, run[0]) if option not in ("--rendered", str(data / "rendered"))]
    with pytest.raises(SystemExit, match="images [0-9a-f]{16}, not [0-9a-f]{16}"):
        script.main(wanted)
    script.main(options(data, run[0]))
    assert_same(before, load_file(str(run[0] / "base.safetensors")))


def test_muon_from_the_start_and_not_in_between(run, data, script, tmp_path):
    with pytest.raises(SystemExit, match="--optimiser adamw, not muon"):
        script.main(options(data, run[0], "--optimiser", "muon"))
    script.main(options(data, tmp_path, "--optimiser", "muon"))
    ours, theirs = (load_file(str(folder / "base.safetensors")) for folder in (tmp_path, run[0]))
    assert any(not torch.equal(value, theirs[name]) for name, value in ours.items())
    with pytest.raises(SystemExit, match="--optimiser muon, not adamw"):
        script.main(options(data, tmp_path))


def test_rendered_images_are_learnt_from(data, script):
    (image,) = read_rendered_rgb(data / "rendered")
    np.testing.assert_array_equal(image, blocks(7, 256))
    images = script.read_images(data / "data", data / "rendered")
    assert len(images) == 3 and any(np.array_equal(one, image) for one in images)
    assert len(script.read_images(data / "data", None)) == 2


def test_what_is_missing_is_named(data, script, tmp_path, capsys, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no scene_"):
        read_rendered_rgb(tmp_path)
    with pytest.raises(FileNotFoundError, match="unlabelled/naip"):
        script.read_images(tmp_path, data / "rendered")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        script.main(options(data, tmp_path, "--device", "cuda"))
    assert "no CUDA device" in capsys.readouterr().err
