"""One recipe from start to figures, resumable: a run's folder holds its checkpoint, then weights and figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from s3d_protocol import InvalidInput

from ..datasets.crops import CropSet, PublishedData
from ..models.adapted import AdaptedDiffusion, PhysicalOutputs
from ..models.baselines import BASELINES
from ..models.decoder import DecoderOutput
from ..models.latent import LatentDiffusion
from ..models.latent_map import LatentClassDiffusion, LatentMap, LatentMapDiffusion
from ..models.mc_dropout import McDropout
from ..training.adapt import joint_loss
from ..training.loop import LoopConfig, checkpoint_state, load_state, run_loop, trained_state
from ..training.norms import batch_norms, refresh_norms
from ..training.patches import PatchBatch
from .evaluation import SUBSET_PART, Prediction, evaluate
from .identity import base_identity, check_subsets, data_identity, difference, subsets_identity
from .recipe import Recipe

_STATE, _WEIGHTS, _RECIPE = "state.safetensors", "weights.safetensors", "recipe.json"
_IDENTITY = "identity"  # key in recipe.json and in the figures of subsets: what they were made from
_AHEAD = 3  # batches read while the network computes
_CHECKPOINTS = 10  # in a run
_NORM_BATCHES = 40  # where a checkpoint does not hold the statistics of batch norms
_SEEDS_APART = 10**7  # more than any run has steps: no two recipes' seeds draw alike


def make_network(recipe: Recipe, data: PublishedData, open_base: Callable[[str], LatentDiffusion]) -> nn.Module:
    """The network of a recipe with fresh trainable parts.

    Args:
        open_base: a key of `recipe.BASES` to a pretrained model that nobody else holds.
    """
    torch.manual_seed(recipe.seed)
    adaptation = recipe.adaptation(len(data.class_names))
    if recipe.network in BASELINES:
        model = BASELINES[recipe.network](class_count=adaptation.class_count)
        model.config = adaptation  # `PhysicalOutputs` reads the scale from it
        return model
    base = open_base(recipe.base)
    if recipe.network == "adapted":
        return AdaptedDiffusion(base, adaptation)
    if recipe.task == "height":
        return LatentMapDiffusion(base, lora_rank=recipe.lora_rank, timestep=recipe.timestep)
    return LatentClassDiffusion(base, adaptation.class_count, lora_rank=recipe.lora_rank, timestep=recipe.timestep)


def crops_of_step(count: int, batch_size: int, seed: int, step: int) -> list[int]:
    """Which crops step `step` sees: every crop once in each round, in an order of its own.

    It follows from the numbers alone, so that a resumed run sees what an uninterrupted one would have seen.
    """
    places = range(step * batch_size, (step + 1) * batch_size)
    turns = {place // count for place in places}
    orders = {turn: np.random.default_rng((seed, turn)).permutation(count) for turn in turns}
    return [int(orders[place // count][place % count]) for place in places]


def read_batch(crops: CropSet, indices: list[int]) -> PatchBatch:
    """The crops as they are, without augmentation: the paper names none."""
    samples = [crops.sample(index) for index in indices]
    images = np.stack([sample.rgb.transpose(2, 0, 1) for sample in samples]).astype(np.float32) / 127.5 - 1
    heights = np.stack([sample.ndsm_m[None] for sample in samples])
    codes = np.stack([sample.land_cover for sample in samples]).astype(np.int64)
    return PatchBatch(torch.from_numpy(images), torch.from_numpy(heights), torch.from_numpy(codes))


class ReadAhead:
    """Batches of a recipe, read by one thread while the network computes. Use it as a context manager."""

    def __init__(self, recipe: Recipe, crops: CropSet) -> None:
        self._recipe, self._crops = recipe, crops
        self._reader = ThreadPoolExecutor(1)
        self._waiting: dict[int, Future] = {}

    def batch(self, step: int) -> PatchBatch:
        """The batch of a step; the next ones are begun."""
        for later in range(step, min(step + _AHEAD, self._recipe.steps)):
            if later not in self._waiting:
                self._waiting[later] = self._reader.submit(self._read, later)
        return self._waiting.pop(step).result()

    def _read(self, step: int) -> PatchBatch:
        recipe = self._recipe
        return read_batch(self._crops, crops_of_step(len(self._crops), recipe.batch_size, recipe.seed, step))

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *_) -> None:
        self._reader.shutdown(wait=True, cancel_futures=True)


def loss_of(model: nn.Module, recipe: Recipe, building_code: int) -> Callable[[PatchBatch], Tensor]:
    """The loss of one batch."""
    losses = recipe.losses(building_code)

    def of_batch(batch: PatchBatch) -> Tensor:
        image = batch.image.contiguous(memory_format=torch.channels_last)
        if isinstance(model, LatentMap):
            return model.loss(image, batch.ndsm_m if recipe.task == "height" else batch.land_cover)
        output = DecoderOutput(*(maps.float() for maps in model(image)))
        return joint_loss(output, batch, model.config, losses)

    return of_batch


def train(model: nn.Module, recipe: Recipe, data: PublishedData, folder: Path, device: str) -> None:
    """Train, or go on, or read the weights of a finished run; `model` then holds the last step's weights."""
    model.to(device)
    weights = folder / _WEIGHTS
    if weights.exists():
        model.load_state_dict(load_file(str(weights)), strict=False)
        return
    of_batch = loss_of(model, recipe, data.building_code)
    loop = LoopConfig(
        steps=recipe.steps, learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay,
        warmup_steps=min(100, recipe.steps // 10), checkpoint_every=max(1, recipe.steps // _CHECKPOINTS),
        device=device,
    )

    def loss_of_step(step: int) -> Tensor:
        batch = batches.batch(step).to(device)
        torch.manual_seed(recipe.seed * _SEEDS_APART + step)  # of the dropout: a resumed run drops the same channels
        return of_batch(batch)

    with ReadAhead(recipe, data.train) as batches:
        run_loop(model.train(), loss_of_step, loop, folder)
    load_state(model, checkpoint_state(folder, "now")[0])
    if batch_norms(model) and not checkpoint_state(folder, "buffer")[0]:  # a checkpoint of an earlier version
        first = range(min(_NORM_BATCHES, recipe.steps))
        indices = (crops_of_step(len(data.train), recipe.batch_size, recipe.seed, step) for step in first)
        refresh_norms(model, (read_batch(data.train, chosen).image.to(device) for chosen in indices))
    norms = {name: value for name, value in model.named_buffers() if "running_" in name}  # the stand-ins' batch norms
    kept = {name: value.cpu().contiguous() for name, value in (trained_state(model) | norms).items()}
    aside = folder / f".{_WEIGHTS}.partial"
    save_file(kept, str(aside))
    aside.replace(weights)
    (folder / _STATE).unlink()  # sixteen bytes a parameter that nobody needs any more


def predictor(model: nn.Module, recipe: Recipe, device: str) -> Callable[[np.ndarray], Prediction]:
    """How a trained network answers for one crop."""
    if isinstance(model, LatentMap):
        network = model
    else:
        network = McDropout(model, recipe.passes) if recipe.dropout else PhysicalOutputs(model)
    network.to(device).eval()

    @torch.no_grad()
    def predict(rgb: np.ndarray) -> Prediction:
        image = torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1)[None].to(device)
        found = network(image)  # in fp32: bf16 would round a height of 20 m to 0.1 m
        if isinstance(model, LatentMap):
            layer = found.float().cpu().numpy().reshape(rgb.shape[:2])
            return Prediction(height_m=layer) if recipe.task == "height" else Prediction(codes=layer.astype(np.uint8))
        height_m, aleatoric, epistemic, index, probability = (maps.float().cpu().numpy()[0] for maps in found)
        std_m = np.sqrt(aleatoric + epistemic)[0]
        codes = (probability.argmax(axis=0) + 1).astype(np.uint8)
        is_sure = recipe.supervision == "evidential"
        return Prediction(
            None if recipe.task == "classes" else height_m[0],
            None if recipe.task == "height" else codes,
            (std_m if recipe.dropout else index[0] if is_sure else None),
            std_m if is_sure or recipe.dropout else None,
        )

    return predict


def run_recipe(
    recipe: Recipe, data: PublishedData, open_base: Callable[[str], LatentDiffusion], runs: Path, device: str,
    parts: tuple[str, ...] = ("main",), most_tests: int | None = None,
) -> dict[str, dict]:
    """Train and evaluate a recipe, or what is missing of it.

    Args:
        runs: the run gets a folder of its own in it, by `Recipe.key`; tables that share a recipe share the run.
        parts: of the evaluation; each is kept in a file of its own.

    Returns:
        Figures by group, of all parts.

    Raises:
        InvalidInput: `runs` holds runs from other data or another pretrained model, or the folder the run of another
            recipe; or subsets are asked for, and the data tell none.
    """
    if SUBSET_PART in parts:
        check_subsets(data, recipe.data)
    folder = runs / recipe.key
    _check_recipe(folder, recipe, _identity(recipe, data, open_base))
    files = figure_files(recipe, runs, parts)
    missing = [part for part in parts if not _is_there(files[part], part, data)]
    if missing:
        model = make_network(recipe, data, open_base)
        train(model, recipe, data, folder, device)
        predict = predictor(model, recipe, device)
        for part in missing:
            torch.manual_seed(recipe.seed)  # of MC dropout's passes: whether training came before does not matter
            found = evaluate(predict, data, (part,), most_tests)
            if part == "main":
                found["model"] = {"adapter_millions": adapter_parameters(model) / 1e6}
            if part == SUBSET_PART:
                found[_IDENTITY] = {SUBSET_PART: subsets_identity(data)}
            aside = files[part].with_suffix(".partial")
            aside.write_text(json.dumps(found, indent=1), encoding="utf-8")
            aside.replace(files[part])
    return finished_figures(recipe, runs, parts)


def adapter_parameters(model: nn.Module) -> int:
    """Trainable parameters of the denoising network (the paper's #Params); 0 without a pretrained one."""
    base = getattr(model, "base", None)
    return sum(p.numel() for p in base.unet.parameters() if p.requires_grad) if base is not None else 0


def figure_files(recipe: Recipe, runs: Path, parts: tuple[str, ...]) -> dict[str, Path]:
    """Where a run's figures lie, part by part."""
    return {part: runs / recipe.key / f"figures_{part}.json" for part in parts}


def finished_figures(recipe: Recipe, runs: Path, parts: tuple[str, ...]) -> dict[str, dict] | None:
    """Figures of a finished run, None where a part is missing."""
    files = figure_files(recipe, runs, parts).values()
    if not all(path.exists() for path in files):
        return None
    found = {}
    for path in files:
        found |= json.loads(path.read_text(encoding="utf-8"))
    found.pop(_IDENTITY, None)
    return found


def _is_there(path: Path, part: str, data: PublishedData) -> bool:
    """Whether a part's figures are there; those of subsets are void where the list of subsets was another."""
    if not path.exists() or part != SUBSET_PART:
        return path.exists()
    return json.loads(path.read_text(encoding="utf-8")).get(_IDENTITY) == {SUBSET_PART: subsets_identity(data)}


def _identity(recipe: Recipe, data: PublishedData, open_base: Callable[[str], LatentDiffusion]) -> dict:
    base = {"base": base_identity(open_base, recipe.base)} if recipe.needs_base else {}
    return {"data": data_identity(data), **base}


def _check_recipe(folder: Path, recipe: Recipe, identity: dict) -> None:
    """Refuse what would mix runs of different origin in one table; note this run's origin beside its recipe."""
    path, settings = folder / _RECIPE, asdict(recipe)
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else settings
    known = stored.pop(_IDENTITY, None)  # None: a run of an earlier version, or a new one
    if stored != settings:
        raise InvalidInput(f"{folder} holds the run of another recipe. Choose another folder, or delete it.")
    for other in sorted(folder.parent.glob(f"*/{_RECIPE}")):
        found = json.loads(other.read_text(encoding="utf-8"))
        same = {name: now for name, now in identity.items() if found.get(name) == settings[name]}
        what = difference(found.get(_IDENTITY, {}), same)
        if what:
            raise InvalidInput(
                f"{other.parent} holds a run that was made from something else than this one: {what}. Give the same "
                "data and pretrained model again, or choose another folder for the runs; their figures do not belong "
                "into one table."
            )
    if known is None:
        folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".partial")
        aside.write_text(json.dumps({**settings, _IDENTITY: identity}, indent=1), encoding="utf-8")
        aside.replace(path)
