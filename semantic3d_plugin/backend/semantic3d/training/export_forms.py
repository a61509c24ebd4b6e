"""The same layers in the form that ONNX runtimes compute in less time, in place while a model is exported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from torch import Tensor, nn

from ..models.decoder import ChannelNorm
from ..models.latent import LatentDiffusion


class ConstantAttention(nn.Module):
    """What cross-attention gives where keys and values are all zero: its output's bias, whatever is asked."""

    def __init__(self, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("bias", bias)

    def forward(self, hidden_states: Tensor, **_) -> Tensor:
        return self.bias.expand_as(hidden_states)


class GroupNormInTwo(nn.Module):
    """A group norm whose gain and bias are one pass over the pixels (BatchNormalization) instead of two."""

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.groups, self.eps = norm.num_groups, norm.eps
        self.weight, self.bias = norm.weight, norm.bias

    def forward(self, x: Tensor) -> Tensor:
        zero, one = torch.zeros_like(self.bias), torch.ones_like(self.bias)
        return F.batch_norm(F.group_norm(x, self.groups, eps=self.eps), zero, one, self.weight, self.bias, eps=0.0)


class ChannelNormByConvolution(nn.Module):
    """A channel norm whose mean over channels is a convolution, which reads pixels in the order they lie in."""

    def __init__(self, norm: ChannelNorm) -> None:
        super().__init__()
        self.gain = norm.gain
        channels = len(norm.gain)
        self.register_buffer("mean", torch.full((1, channels, 1, 1), 1.0 / channels))

    def forward(self, x: Tensor) -> Tensor:
        size = F.conv2d(x * x, self.mean).add(ChannelNorm.EPS).rsqrt()
        return x * size * self.gain[:, None, None]


@contextmanager
def exported_forms(model: nn.Module, base: LatentDiffusion) -> Iterator[None]:
    """While a model is exported: layers in cheaper forms, and without what changes no answer.

    Args:
        model: on the CPU, in fp32; it is as before afterwards.
        base: of the model; cross-attention to a condition of zeros, as the bundled base has, is left out.
    """
    replaced = []
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            other = _cheaper(child)
            if other is None and name == "attn2" and isinstance(parent, BasicTransformerBlock):
                other = _silent(child, base)
            if other is not None:
                replaced.append((parent, name, child))
                setattr(parent, name, other.train(child.training))
    try:
        yield
    finally:
        for parent, name, child in replaced:
            setattr(parent, name, child)


def _cheaper(module: nn.Module) -> nn.Module | None:
    if isinstance(module, nn.GroupNorm) and module.affine:
        return GroupNormInTwo(module)
    return ChannelNormByConvolution(module) if isinstance(module, ChannelNorm) else None


def _silent(attention: nn.Module, base: LatentDiffusion) -> nn.Module | None:
    if base.condition.any() or attention.to_k.bias is not None or attention.to_v.bias is not None:
        return None
    return ConstantAttention(attention.to_out[0].bias.detach())


def without_idle_gains(graph) -> None:
    """Take gains of one and biases of zero out of group norms in a graph (of onnx_ir), in place.

    The exporter writes them where a group norm has neither gain nor bias.
    """
    for norm in [node for node in graph if node.op_type == "BatchNormalization"]:
        for kind, idle in (("Add", 0.0), ("Mul", 1.0)):
            step = norm.inputs[0].producer()
            if step is None or step.op_type != kind or not _is_all(step.inputs[1], idle):
                continue
            norm.replace_input_with(0, step.inputs[0])
            if not step.outputs[0].uses():
                graph.remove(step, safe=True)


def _is_all(value, number: float) -> bool:
    return value.const_value is not None and bool((value.const_value.numpy() == number).all())
