"""Stable Diffusion as a base: folders that diffusers wrote are read as diffusers reads them, others are refused."""

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from diffusers import AutoencoderKL, UNet2DConditionModel  # noqa: E402
from full_shapes import SD2, SD15, SDXL, VAE, unet_config  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tiny_diffusion import POOLED, TOKENS, WIDTH, save_folder  # noqa: E402

from s3d_protocol import InvalidModel, InvalidParameter, TrainJob  # noqa: E402
from semantic3d.training import hub  # noqa: E402
from semantic3d.training.bases import find_base  # noqa: E402
from semantic3d.training.stable_diffusion import read_folder  # noqa: E402

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """family -> (folder, the pipeline that was saved there); copy before changing."""
    place = tmp_path_factory.mktemp("sd")
    return {family: (place / family, save_folder(place / family, family)) for family in ("1", "2", "xl")}


def read(folder):
    return read_folder(Path(folder), "tiny", Path(folder))


def copied(folders, tmp_path, family="2"):
    return Path(shutil.copytree(folders[family][0], tmp_path / "sd"))


def prompt_of(pipeline, family):
    """The empty prompt as the pipeline itself encodes it."""
    if family == "xl":
        tokens, _, pooled, _ = pipeline.encode_prompt("", device="cpu", do_classifier_free_guidance=False)
        return tokens, pooled
    return pipeline.encode_prompt("", "cpu", 1, False)[0], None


@pytest.mark.parametrize("family", ["1", "2", "xl"])
@torch.no_grad()
def test_it_computes_what_diffusers_own_pipeline_computes(folders, tmp_path, family):
    folder, pipeline = copied(folders, tmp_path, family), folders[family][1]
    found = read(folder)
    assert (found.family, found.variant, found.side_px) == (family, None, 64)
    tokens, pooled = prompt_of(pipeline, family)
    torch.testing.assert_close(found.prompt.tokens, tokens)
    base = found.load()
    latents, image = torch.randn(2, 4, 8, 8), torch.rand(1, 3, 64, 64) * 2 - 1
    added = None
    if family == "xl":
        torch.testing.assert_close(found.prompt.pooled, pooled)
        times = pipeline._get_add_time_ids((64, 64), (0, 0), (64, 64), torch.float32, POOLED).repeat(2, 1)
        added = {"text_embeds": pooled.repeat(2, 1), "time_ids": times}
    expected = pipeline.unet(latents, 1, tokens.repeat(2, 1, 1), added_cond_kwargs=added).sample
    torch.testing.assert_close(base.unet_output(latents, 1), expected)
    scaled = pipeline.vae.encode(image).latent_dist.mode() * pipeline.vae.config.scaling_factor
    torch.testing.assert_close(base.encode(image)[0], scaled)


@pytest.mark.parametrize("family", ["2", "xl"])
def test_the_condition_is_stored_once_and_then_needs_no_text_encoder(folders, tmp_path, family):
    folder = copied(folders, tmp_path, family)
    first = read(folder)
    for path in folder.glob("t*_*"):
        shutil.rmtree(path)
    shutil.rmtree(folder / "tokenizer")
    again = read(folder)
    assert again.identity == first.identity
    torch.testing.assert_close(again.prompt.tokens, first.prompt.tokens)
    (folder / "condition.safetensors").unlink()
    with pytest.raises(InvalidModel, match="neither condition.safetensors nor tokenizer/"):
        read(folder)


def test_half_precision_files_are_taken_where_no_others_are(folders, tmp_path):
    pipeline = save_folder(tmp_path / "half", "1", variant="fp16")
    found = read(tmp_path / "half")
    assert found.variant == "fp16" and "unet/diffusion_pytorch_model.fp16.safetensors" in found.hashes
    torch.testing.assert_close(found.load().unet.conv_in.weight, pipeline.unet.conv_in.weight)


def test_every_byte_of_the_weights_and_the_condition_belongs_to_the_identity(folders, tmp_path):
    folder = copied(folders, tmp_path)
    before = read(folder).identity
    save_file({"condition": torch.ones(1, TOKENS, WIDTH)}, folder / "condition.safetensors")
    other_condition = read(folder).identity
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert len({before, other_condition, read(folder).identity}) == 3


def set_config(folder, part, **values):
    path = folder / part / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def only_pickles(folder):
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "diffusion_pytorch_model.bin")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (only_pickles, "pickle.*diffusion_pytorch_model.bin"),
        (lambda f: (f / "vae" / "diffusion_pytorch_model.safetensors").unlink(), "no weights in unet/ and vae/"),
        (lambda f: shutil.rmtree(f / "vae"), "no vae/config.json"),
        (lambda f: set_config(f, "unet", _class_name="FluxTransformer2DModel"), "FluxTransformer2DModel"),
        (lambda f: set_config(f, "unet", in_channels=9), "takes 9 channels"),
        (lambda f: set_config(f, "vae", shift_factor=0.1), "shifts latents"),
        (lambda f: set_config(f, "unet", addition_embed_type="image"), "'image' conditions"),
        (lambda f: (f / "unet" / "config.json").write_text("{"), "cannot be read"),
        (lambda f: save_file({"condition": torch.ones(1, 7, 3)}, f / "condition.safetensors"), r"\(1, 7, 3\).*16"),
        (lambda f: save_file({"other": torch.ones(1)}, f / "condition.safetensors"), "holds other"),
        (lambda f: (f / "condition.safetensors").write_bytes(b"x"), "damaged"),
    ],
)
def test_what_is_no_such_folder_is_refused_with_the_reason(folders, tmp_path, change, words):
    folder = copied(folders, tmp_path)
    change(folder)
    with pytest.raises(InvalidModel, match=words):
        find_base(str(folder))


@pytest.mark.parametrize(
    ("shape", "sample_size", "expected"),
    [(SD15, 64, ("1", 512)), (SD2, 96, ("2", 768)), (SDXL, 128, ("xl", 1024))], ids=["1.5", "2.1", "xl"],
)
def test_full_configurations_are_read(shape, sample_size, expected, tmp_path):
    with torch.device("meta"):
        unet, vae = UNet2DConditionModel(**unet_config(shape) | {"sample_size": sample_size}), AutoencoderKL(**VAE)
    for part, model in (("unet", unet), ("vae", vae)):
        model.save_config(tmp_path / part)
        (tmp_path / part / "diffusion_pytorch_model.safetensors").write_bytes(b"gigabytes that only `load` opens")
    prompt = {"condition": torch.zeros(1, 77, shape["cross_attention_dim"])}
    if shape is SDXL:
        prompt["text_embeds"] = torch.zeros(1, 1280)
    save_file(prompt, tmp_path / "condition.safetensors")
    found = read(tmp_path)
    assert (found.family, found.side_px) == expected
    assert len(found.hashes) == 4


def test_weights_of_another_shape_are_refused(folders, tmp_path):
    folder = copied(folders, tmp_path)
    set_config(folder, "unet", block_out_channels=[16, 16, 64])
    with pytest.raises(InvalidModel, match="cannot be loaded"):
        find_base(str(folder)).model(8)


class Hub:
    """A stand-in for the hub: `snapshot_download` with the real filter for patterns, and no network."""

    def __init__(self, folder, cache, monkeypatch):
        self.folder, self.cache, self.calls = folder, cache, []
        monkeypatch.setattr("huggingface_hub.snapshot_download", self.download)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))

    def download(self, repository, *, revision, allow_patterns):
        from huggingface_hub.utils import filter_repo_objects

        self.calls.append((repository, revision))
        place = self.cache / "snapshot"
        names = [path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()]
        for name in filter_repo_objects(names, allow_patterns=allow_patterns):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            if not (place / name).exists():
                shutil.copy(self.folder / name, place / name)
        return str(place)


def test_a_hub_id_gives_the_same_base_without_pickles(folders, tmp_path, monkeypatch):
    folder = copied(folders, tmp_path)
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"pickle")
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"large")
    stand_in = Hub(folder, tmp_path / "cache", monkeypatch)
    base = find_base(f"org/name@{COMMIT}")
    assert stand_in.calls == [("org/name", COMMIT)]
    assert base.identity == read(folder).identity and base.name == f"org/name@{COMMIT}"
    assert sorted(path.name for path in (tmp_path / "cache" / "snapshot" / "unet").iterdir()) == [
        "config.json", "diffusion_pytorch_model.safetensors"]


def test_a_hub_with_half_precision_only(tmp_path, monkeypatch):
    save_folder(tmp_path / "half", "xl", variant="fp16")
    Hub(tmp_path / "half", tmp_path / "cache", monkeypatch)
    assert find_base(f"org/name@{COMMIT}").diffusion.variant == "fp16"


def test_a_file_that_changed_since_the_first_download_is_refused(folders, tmp_path, monkeypatch):
    Hub(folders["1"][0], tmp_path / "cache", monkeypatch)
    hub.from_hub(f"org/name@{COMMIT}")
    path = tmp_path / "cache" / "snapshot" / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InvalidModel, match="unet/diffusion.*not the file that was first downloaded"):
        hub.from_hub(f"org/name@{COMMIT}")


@pytest.mark.parametrize(
    ("name", "embeddings"), [("vae/diffusion_pytorch_model.safetensors", 1), ("text_encoder/model.safetensors", 0)]
)
def test_a_file_that_is_not_what_the_commit_says_is_refused_at_once(name, embeddings, folders, tmp_path, monkeypatch):
    """The hub's cache links each large file to a blob that is named after its SHA-256."""
    stand_in = Hub(folders["1"][0], tmp_path / "cache", monkeypatch)
    folder = Path(stand_in.download("org/name", revision=COMMIT, allow_patterns=["*"]))
    blob = tmp_path / "cache" / ("0" * 64)
    weights = folder / name
    weights.rename(blob)
    weights.symlink_to(blob)
    with pytest.raises(InvalidModel, match=name):
        hub.from_hub(f"org/name@{COMMIT}")
    kept = list((tmp_path / "cache").rglob("condition.safetensors"))
    assert len(kept) == embeddings  # none of a wrong text encoder


def test_without_a_network_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InvalidModel, match="org/name at 0123456789ab.*cannot be had.*download the folder"):
        hub.from_hub(f"org/name@{COMMIT}")


@pytest.mark.parametrize("revision", ["main", "", "0123abc", COMMIT.upper()])
def test_a_hub_id_must_be_pinned_to_a_commit(revision):
    with pytest.raises(InvalidParameter, match="org/name@ and the 40 hex digits"):
        TrainJob(("a.tif",), "p", ndsm_paths=("h.tif",), base_path=f"org/name@{revision}").check()
