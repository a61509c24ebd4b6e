"""Evidential heights against scipy's Student-t and a Monte-Carlo draw."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
stats = pytest.importorskip("scipy.stats")

from semantic3d.models.decoder import TaskDecoder  # noqa: E402
from semantic3d.models.evidential import (  # noqa: E402
    Evidence,
    evidence_from_raw,
    evidential_height_loss,
    evidential_nll,
    height_error,
    height_estimate,
)

CASES = [(0.3, 1.7, 2.5, 0.4), (-0.1, 0.05, 1.2, 3.0), (2.0, 30.0, 50.0, 8.0)]


def evidence(gamma, nu, alpha, beta):
    return Evidence(*(torch.tensor([[[[value]]]], dtype=torch.float64) for value in (gamma, nu, alpha, beta)))


@pytest.mark.parametrize("case", CASES)
def test_nll_is_that_of_the_student_t(case):
    gamma, nu, alpha, beta = case
    spread = np.sqrt(beta * (1 + nu) / (nu * alpha))
    for target in (-1.0, 0.2, 4.0):
        expected = -stats.t.logpdf(target, df=2 * alpha, loc=gamma, scale=spread)
        found = evidential_nll(torch.tensor(target, dtype=torch.float64), evidence(*case)).item()
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("case", [CASES[0], CASES[2]])
def test_variances_agree_with_a_draw(case):
    gamma, nu, alpha, beta = case
    random = np.random.default_rng(3)
    variance = stats.invgamma.rvs(alpha, scale=beta, size=2_000_000, random_state=random)
    mean = random.normal(gamma, np.sqrt(variance / nu))
    found = height_estimate(evidence(*case), height_scale_m=10.0)
    assert found.aleatoric_var_m2.item() == pytest.approx(100 * variance.mean(), rel=0.03)
    assert found.epistemic_var_m2.item() == pytest.approx(100 * mean.var(), rel=0.03)
    assert found.height_m.item() == pytest.approx(10 * mean.mean(), abs=10 * 5 * mean.std() / np.sqrt(mean.size))


@pytest.mark.parametrize("case", CASES)
def test_mean_and_total_variance_are_those_of_the_student_t(case):
    gamma, nu, alpha, beta = case
    heights = stats.t(df=2 * alpha, loc=gamma, scale=np.sqrt(beta * (1 + nu) / (nu * alpha)))
    found = height_estimate(evidence(*case), height_scale_m=10.0)
    total = found.aleatoric_var_m2 + found.epistemic_var_m2
    assert total.item() == pytest.approx(100 * heights.var(), rel=1e-9)
    assert found.height_m.item() == pytest.approx(10 * max(0.0, heights.mean()), rel=1e-9)  # none is below ground


def test_height_is_never_below_ground():
    assert height_estimate(evidence(-0.5, 1, 2, 1), 10.0).height_m.item() == 0
    assert height_estimate(evidence(0.5, 1, 2, 1), 10.0).height_m.item() == pytest.approx(5.0)


def test_extreme_network_outputs_stay_valid_and_finite():
    raw = torch.tensor([-1e4, 0.0, 1e6]).view(3, 1, 1, 1).expand(3, 3, 1, 1)
    found = evidence_from_raw(torch.zeros(3, 1, 1, 1), raw)
    assert (found.nu > 0).all() and (found.alpha > 1).all() and (found.beta > 0).all()
    assert torch.isfinite(evidential_nll(torch.tensor(5.0), found)).all()


def test_uncertainty_terms_do_not_move_the_height():
    gamma = torch.zeros(1, 1, 2, 2, requires_grad=True)
    raw = torch.zeros(1, 3, 2, 2, requires_grad=True)
    target, mask = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2, dtype=torch.bool)
    evidential_height_loss(target, evidence_from_raw(gamma, raw), mask).backward()
    # Only the squared error reaches gamma: d/dgamma mean((1 - gamma)^2) = -2 / 4 per pixel.
    assert torch.allclose(gamma.grad, torch.full_like(gamma, -0.5))
    assert raw.grad.abs().sum() > 0


@pytest.mark.parametrize("beta", [None, 0.05])
@pytest.mark.parametrize("raw_value", [-3.0, 0.0, 4.0])
def test_the_gradient_of_gamma_is_that_of_its_own_error_whatever_the_evidence(beta, raw_value):
    """Gamma's branch is one of its own: neither the NLL nor the penalty moves it."""
    gamma = torch.linspace(-1, 3, 6).view(1, 1, 2, 3).requires_grad_()
    target, mask = torch.ones(1, 1, 2, 3), torch.ones(1, 1, 2, 3, dtype=torch.bool)
    seen = evidence_from_raw(gamma, torch.full((1, 3, 2, 3), raw_value))
    evidential_height_loss(target, seen, mask, penalty_weight=50.0, smooth_l1_beta=beta).backward()
    alone = gamma.detach().clone().requires_grad_()
    height_error(target, alone, beta).mean().backward()
    torch.testing.assert_close(gamma.grad, alone.grad)


def moved_by_the_evidence(**settings):
    """Names of a decoder's parameters, and of its inputs by place, that the NLL would move."""
    torch.manual_seed(0)
    decoder = TaskDecoder(16, 16, 8, channels=16, class_count=3, **settings)
    inputs = [torch.randn(2, c, s, s, requires_grad=True) for c, s in ((16, 4), (16, 8), (8, 16))]
    output = decoder(*inputs)
    heights = evidence_from_raw(output.gamma.detach(), output.raw_evidence)
    evidential_nll(torch.ones(2, 1, 32, 32), heights).mean().backward()
    named = [*decoder.named_parameters(), *((f"input {place}", given) for place, given in enumerate(inputs))]
    return {name for name, value in named if value.grad is not None and value.grad.abs().sum() > 0}


@pytest.mark.parametrize("height_by_class", [False, True])
def test_the_evidence_branch_steers_nothing_but_itself(height_by_class):
    moved = moved_by_the_evidence(height_by_class=height_by_class)
    assert {name.split(".")[0] for name in moved} == {"evidence_head"} and len(moved) == 4


def test_in_the_papers_form_the_evidence_moves_the_shared_features_and_never_gammas_branch():
    moved = {name.split(".")[0] for name in moved_by_the_evidence(evidence_steers=True)}
    shared = {"project", "context", "to_quarter", "to_half"}
    assert moved == shared | {"evidence_head", "input 0", "input 1", "input 2"}


def test_masked_pixels_count_nothing():
    mask = torch.tensor([[[[True, False]]]])
    maps = evidence_from_raw(torch.zeros(1, 1, 1, 2), torch.zeros(1, 3, 1, 2))
    near = evidential_height_loss(torch.tensor([[[[1.0, 1.0]]]]), maps, mask)
    far = evidential_height_loss(torch.tensor([[[[1.0, 99.0]]]]), maps, mask)
    assert near.item() == far.item()
