"""Muon for weight matrices, AdamW for the rest: far more learnt per step where a network starts from little."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_LEAST_SIDE = 4  # of a matrix worth the name


class MuonAdamW(torch.optim.Optimizer):
    """Both optimisers of torch behind one.

    Convolutions count as matrices [out, in x kernel]. Muon's updates are scaled to the size of AdamW's, so that
    one learning rate serves both.

    Args:
        parameters: to train.
        lr: learning rate; weight_decay: of both, decoupled.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; the scale of Liu et al.
    2025, "Muon is scalable for LLM training".
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})
        every = self.param_groups[0]["params"]
        matrices = [p for p in every if p.ndim >= 2 and min(len(p), p[0].numel()) >= _LEAST_SIDE]
        chosen = {id(p) for p in matrices}
        self._views = [(p, _matrix(p.detach())) for p in matrices]
        self._rest = [(p, p) for p in every if id(p) not in chosen]
        self._parts = []
        if self._views:
            views = [view for _, view in self._views]
            muon = torch.optim.Muon(views, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
            self._parts.append((muon, self._views))
        if self._rest:
            rest = [p for p, _ in self._rest]
            self._parts.append((torch.optim.AdamW(rest, lr=lr, weight_decay=weight_decay), self._rest))

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for p, view in self._views:
            view.grad = None if p.grad is None else _matrix(p.grad, p)
        for part, pairs in self._parts:
            part.param_groups[0]["lr"] = self.param_groups[0]["lr"]
            part.step()
            for p, stands_for in pairs:
                if stands_for in part.state:
                    self.state[p] = part.state[stands_for]
        for _, view in self._views:
            view.grad = None

    def load_state_dict(self, state: dict) -> None:
        """Take up what `state_dict` gave."""
        super().load_state_dict(state)
        for part, pairs in self._parts:
            for p, stands_for in pairs:
                if p in self.state:
                    part.state[stands_for] = self.state[p]


def _matrix(weight: Tensor, like: Tensor | None = None) -> Tensor:
    """[out, ...] as [out, rest], in the order of memory of `like` (a view of a parameter itself)."""
    if weight.ndim == 4 and (weight if like is None else like).is_contiguous(memory_format=torch.channels_last):
        return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)
    return weight.reshape(len(weight), -1)
