"""One optimisation loop with a time estimate, checkpoints and resume, for every trainer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from s3d_protocol import Cancelled
from s3d_protocol.durable import replace_durably

from .optimiser import MuonAdamW
from .team import SOLO, Team


class Diverged(ArithmeticError):
    """The loss or the weights are no numbers any more, and never will be again.

    Attributes:
        step: the first after which it is so.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"The loss or the weights are no finite numbers after step {step}. Lower the learning rate.")
        self.step = step


@dataclass(frozen=True)
class LoopConfig:
    """Steps, rates and where the checkpoint lies; `accumulation` batches make one step."""

    steps: int
    learning_rate: float = 3e-4
    weight_decay: float = 0.1
    warmup_steps: int = 100
    log_every: int = 50
    checkpoint_every: int = 250
    longest_unsaved_s: float = 180.0  # a checkpoint is written between two others where steps take long
    clip_norm: float = 10.0
    use_bf16: bool | None = None  # mixed precision; None: where the device has it
    compiled: bool = False
    device: str = "cpu"  # where the module lies: cpu or cuda
    optimiser: Literal["adamw", "muon"] = "adamw"  # adamw is the paper's; see `MuonAdamW` for the other
    accumulation: int = 1

    @property
    def autocasts(self) -> bool:
        """Whether bfloat16 is used."""
        return computes_bf16(self.device) if self.use_bf16 is None else self.use_bf16


def computes_bf16(device: str) -> bool:
    """Whether a device (cpu or cuda) computes in bfloat16 itself.

    Others emulate it: without such instructions a step takes several times as long as in float32.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has_instructions = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public way to ask
    return bool(has_instructions and has_instructions())


def trained_state(module: nn.Module) -> dict[str, Tensor]:
    """The trainable parameters, by name."""
    return {name: p.detach().clone() for name, p in module.named_parameters() if p.requires_grad}


def buffer_state(module: nn.Module) -> dict[str, Tensor]:
    """What the module keeps beside its parameters, by name: running statistics of batch norms above all."""
    return {name: value.detach().clone() for name, value in module.named_buffers()}


def learning_rate(step: int, config: LoopConfig) -> float:
    """Linear warm-up, then a cosine to 2 % of the peak."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    cosine = 0.5 * (1 + torch.cos(torch.tensor(progress * torch.pi))).item()
    return config.learning_rate * (0.02 + 0.98 * cosine)


class Ema:
    """Running average of the trainable parameters; evaluation and export use it."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.state = trained_state(module)

    def update(self, module: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, self.updates / (self.updates + 10))
        for name, parameter in module.named_parameters():
            if name in self.state:
                self.state[name].lerp_(parameter.detach(), 1 - decay)


def checkpoint_state(folder: Path, kind: str = "ema") -> tuple[dict[str, Tensor], int]:
    """The weights of a run's checkpoint, and its step.

    Args:
        kind: "ema" for the averaged weights, "now" for the last ones. After a short run the
            average still holds early weights, and the last ones are better. "buffer" for the buffers;
            checkpoints of earlier versions hold none.
    """
    from safetensors import safe_open

    with safe_open(str(folder / "state.safetensors"), framework="pt") as stored:
        names = [key for key in stored.keys() if key.startswith(f"{kind}.")]
        state = {name.removeprefix(f"{kind}."): stored.get_tensor(name) for name in names}
        return state, int(stored.metadata()["step"])


def write_weights(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file aside, bring it to the disk, and put it in its place: whatever happens, one is whole.

    Raises:
        OSError, SafetensorError: the disk refuses; the file that was there stays.
    """
    aside = path.with_name(f".{path.stem}.partial")
    try:
        save_file(tensors, str(aside), metadata=metadata)
        replace_durably(str(aside), str(path))
    finally:
        aside.unlink(missing_ok=True)


def load_state(module: nn.Module, state: dict[str, Tensor]) -> None:
    """Copy parameters by name; a name that the module lacks is an error."""
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in state.items():
            parameters[name].copy_(value)


def run_loop(
    module: nn.Module,
    loss_of_step: Callable[[int], Tensor],
    config: LoopConfig,
    checkpoint: Path,
    *,
    ema_decay: float = 0.995,
    on_checkpoint: Callable[[int, Ema], bool | None] | None = None,
    on_step: Callable[[int, float], None] | None = None,
    team: Team = SOLO,
) -> Ema:
    """Train the parameters of `module` that require gradients.

    Args:
        module: owner of the parameters.
        loss_of_step: computes the loss of one step; draws its own batch from the step's number,
            so that a resumed run sees what an uninterrupted one would have seen. With accumulation or several
            processes, each batch has a number of its own (`Team.draw`).
        config: the loop's settings.
        checkpoint: folder for `state.safetensors`; resumed when there.
        on_checkpoint: called after every `checkpoint_every` steps and the last; true ends the run early.
        on_step: called after each step with the number of steps done and the smoothed loss, in the place of
            printing them. Where it or `loss_of_step` raises Cancelled, the steps done are saved first.
        team: the processes that train together; all read the checkpoint, the first writes it. The callbacks of
            each are called, and one that stops stops all.

    Returns:
        The averaged weights.

    Raises:
        Diverged: loss or weights became NaN or infinite; the checkpoint is the last one before.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    kind = MuonAdamW if config.optimiser == "muon" else torch.optim.AdamW
    optimiser = kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    ema = Ema(module, ema_decay)
    first, smoothed = _resume(module, optimiser, ema, checkpoint)
    started = saved = time.monotonic()
    for step in range(first, config.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, config)
        optimiser.zero_grad(set_to_none=True)
        stopped = None
        try:
            if on_step and smoothed is not None:
                on_step(step, smoothed)
            value = _accumulate(loss_of_step, step, config, team)
        except Cancelled as cancelled:
            stopped = cancelled
        if team.any(stopped is not None):
            if team.is_first:
                _save(module, optimiser, ema, step, smoothed, checkpoint)
            raise stopped or Cancelled("Another process was cancelled.")
        team.average_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, config.clip_norm)
        optimiser.step()
        ema.update(module)
        value = team.mean(value).item()
        if not math.isfinite(value):
            raise Diverged(step + 1)
        smoothed = value if smoothed is None else 0.97 * smoothed + 0.03 * value
        if not on_step and team.is_first and (step + 1) % config.log_every == 0:
            pace = (time.monotonic() - started) / (step + 1 - first)
            left = pace * (config.steps - step - 1)
            text = f"step {step + 1}/{config.steps} loss {smoothed:.4f} {pace:.2f} s/step, {left / 60:.1f} min left"
            print(text, flush=True)
        is_due = (step + 1) % config.checkpoint_every == 0 or step + 1 == config.steps
        if is_due or time.monotonic() - saved >= config.longest_unsaved_s:
            finite = _is_finite(module, ema)
            if is_due and not finite:  # where all processes look; else the next loss tells all of them
                raise Diverged(step + 1)
            if team.is_first and finite:
                _save(module, optimiser, ema, step + 1, smoothed, checkpoint)
            saved = time.monotonic()
        if is_due and team.any(bool(on_checkpoint and on_checkpoint(step + 1, ema))):
            break
    return ema


def _accumulate(loss_of_step: Callable[[int], Tensor], step: int, config: LoopConfig, team: Team) -> Tensor:
    """Gradients of one step's batches in this process; returns their mean loss."""
    losses = []
    for part in range(config.accumulation):
        with torch.autocast(config.device, dtype=torch.bfloat16, enabled=config.autocasts):
            loss = loss_of_step(team.draw(step, part, config.accumulation)) / config.accumulation
        loss.backward()
        losses.append(loss.detach())
    return torch.stack(losses).sum()


def _is_finite(module: nn.Module, ema: Ema) -> bool:
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return all(bool(torch.isfinite(value).all()) for value in (*trained, *ema.state.values()))


def _save(
    module: nn.Module, optimiser: torch.optim.Optimizer, ema: Ema, step: int, smoothed: float | None, folder: Path
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name, p in module.named_parameters() if p.requires_grad]
    tensors = {f"now.{name}": value.contiguous() for name, value in trained_state(module).items()}
    tensors |= {f"ema.{name}": value.contiguous() for name, value in ema.state.items()}
    tensors |= {f"buffer.{name}": value.contiguous() for name, value in buffer_state(module).items()}
    state = optimiser.state_dict()["state"]
    for index, name in enumerate(names):
        # A parameter that no loss reaches (LoRA of the UNet's last layer) has no state.
        for key, value in state.get(index, {}).items():
            tensors[f"optimiser.{key}.{name}"] = torch.as_tensor(value).contiguous()
    metadata = {"step": str(step), "ema_updates": str(ema.updates)}
    if smoothed is not None:
        metadata["smoothed_loss"] = repr(smoothed)
    write_weights(folder / "state.safetensors", tensors, metadata)


def _resume(
    module: nn.Module, optimiser: torch.optim.Optimizer, ema: Ema, folder: Path
) -> tuple[int, float | None]:
    """Take up a checkpoint, where there is one; returns steps done and smoothed loss (earlier versions kept none)."""
    path = folder / "state.safetensors"
    if not path.exists():
        return 0, None
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as opened:
        metadata = opened.metadata()
    tensors = load_file(str(path))
    names = [name for name, p in module.named_parameters() if p.requires_grad]
    load_state(module, {name: tensors[f"now.{name}"] for name in names})
    for name, value in module.named_buffers():
        if f"buffer.{name}" in tensors:
            value.copy_(tensors[f"buffer.{name}"])
    ema.state = {name: tensors[f"ema.{name}"].to(ema.state[name].device) for name in names}
    ema.updates = int(metadata["ema_updates"])
    state = optimiser.state_dict()
    stored = {name: {} for name in names}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, entry, name = key.split(".", 2)
            stored[name][entry] = value
    state["state"] = {index: stored[name] for index, name in enumerate(names) if stored[name]}
    optimiser.load_state_dict(state)
    return int(metadata["step"]), _smoothed(metadata)


def _smoothed(metadata: dict) -> float | None:
    smoothed = metadata.get("smoothed_loss")
    return None if smoothed is None else float(smoothed)


def checkpoint_loss(folder: Path) -> float | None:
    """Read the smoothed loss of a checkpoint; None where an earlier version has written it."""
    from safetensors import safe_open

    with safe_open(str(folder / "state.safetensors"), framework="pt") as opened:
        return _smoothed(opened.metadata())
