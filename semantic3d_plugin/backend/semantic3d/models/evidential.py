"""Evidential height regression: a height and how far to trust it, in one forward pass.

A network that predicts the parameters (gamma, nu, alpha, beta) of a normal-inverse-gamma
distribution places a Student-t over the height of every pixel. Source of the formulas:
Amini et al. 2020, "Deep Evidential Regression", with the corrections of the adapted
diffusion paper (Var[mu] = beta / (nu (alpha - 1)); the evidence index uses nu).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

FLOOR = 1e-6
ALPHA_MAX = 1e4  # beyond it the lgamma difference loses its precision in fp32


class Evidence(NamedTuple):
    """Normal-inverse-gamma parameters of standardised heights, each [B, 1, H, W]."""

    gamma: Tensor
    nu: Tensor
    alpha: Tensor
    beta: Tensor


class HeightEstimate(NamedTuple):
    """Height [m], variances [m2] and the evidence index (0 sure .. 1 unsure), each [B, 1, H, W]."""

    height_m: Tensor
    aleatoric_var_m2: Tensor
    epistemic_var_m2: Tensor
    evidence_index: Tensor


def evidence_from_raw(gamma: Tensor, raw: Tensor, alpha_min: float = 1.0) -> Evidence:
    """Map unbounded network outputs to valid evidence, in fp32.

    Args:
        gamma: standardised height [B, 1, H, W].
        raw: unbounded (nu, alpha, beta) [B, 3, H, W].
        alpha_min: at least 1. The Student-t has 2 alpha degrees of freedom; near alpha = 1 its
            tails are so heavy that the variance says little about the spread of most errors.
    """
    nu, alpha, beta = F.softplus(raw.float()).chunk(3, dim=1)
    alpha = (alpha_min + FLOOR + alpha).clamp(max=ALPHA_MAX)
    return Evidence(gamma.float(), nu + FLOOR, alpha, beta + FLOOR)


def height_estimate(evidence: Evidence, height_scale_m: float) -> HeightEstimate:
    """Turn evidence into metres.

    The predictive variance is the sum of the two parts, beta (1 + nu) / (nu (alpha - 1)).
    Heights below ground do not exist in an nDSM, so gamma is cut at zero.

    Args:
        evidence: parameters over standardised heights; alpha > 1.
        height_scale_m: metres per standardised unit.
    """
    gamma, nu, alpha, beta = evidence
    scale_m2 = height_scale_m**2
    aleatoric = beta / (alpha - 1) * scale_m2
    return HeightEstimate(
        height_m=gamma.clamp(min=0) * height_scale_m,
        aleatoric_var_m2=aleatoric,
        epistemic_var_m2=aleatoric / nu,
        evidence_index=1 / (2 * nu + alpha),
    )


def evidential_nll(target: Tensor, evidence: Evidence) -> Tensor:
    """Negative log-likelihood of the Student-t that the evidence implies, per pixel.

    Args:
        target: standardised true height [B, 1, H, W].
        evidence: parameters, same shape.
    """
    gamma, nu, alpha, beta = evidence
    # log1p form of Amini's eq. 8: omega = 2 beta (1 + nu) taken out of both logarithms.
    omega = 2 * beta * (1 + nu)
    residual = (target - gamma) ** 2 * nu / omega
    return (
        0.5 * torch.log(math.pi / nu)
        + 0.5 * torch.log(omega)
        + (alpha + 0.5) * torch.log1p(residual)
        + torch.lgamma(alpha)
        - torch.lgamma(alpha + 0.5)
    )


def evidence_penalty(target: Tensor, evidence: Evidence) -> Tensor:
    """Penalise evidence for wrong heights: |y - gamma| (2 nu + alpha), per pixel."""
    return (target - evidence.gamma).abs() * (2 * evidence.nu + evidence.alpha)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask` is true, or weighted by it; 0 when it is nowhere above 0."""
    weight = mask.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1)


def height_error(target: Tensor, gamma: Tensor, smooth_l1_beta: float | None = None) -> Tensor:
    """Squared error of standardised heights, per pixel (eq. 23 of the adapted diffusion paper).

    Args:
        target, gamma: true and predicted standardised height [B, 1, H, W].
        smooth_l1_beta: when given, errors beyond it count linearly; see `evidential_height_loss`.
    """
    if smooth_l1_beta is None:
        return (target - gamma) ** 2
    return F.smooth_l1_loss(gamma, target, reduction="none", beta=smooth_l1_beta)


def evidential_height_loss(
    target: Tensor,
    evidence: Evidence,
    mask: Tensor,
    *,
    penalty_weight: float = 0.2,
    smooth_l1_beta: float | None = None,
    evidence_mask: Tensor | None = None,
) -> Tensor:
    """Height loss: squared error on gamma plus NLL and penalty that cannot move gamma.

    Args:
        target: standardised true height [B, 1, H, W].
        evidence: network output.
        mask: pixels with a trusted height, bool or weights [B, 1, H, W].
        penalty_weight: lambda of the paper.
        smooth_l1_beta: when given, errors beyond it (standardised) count linearly, which keeps
            the few very tall pixels of a small corpus from ruling the fit; None is the paper's
            squared error.
        evidence_mask: pixels from whose error the evidence may learn; as `mask` when None.
    """
    accuracy = height_error(target, evidence.gamma, smooth_l1_beta)
    detached = evidence._replace(gamma=evidence.gamma.detach())
    uncertainty = evidential_nll(target, detached) + penalty_weight * evidence_penalty(target, detached)
    return masked_mean(accuracy, mask) + masked_mean(uncertainty, mask if evidence_mask is None else evidence_mask)
