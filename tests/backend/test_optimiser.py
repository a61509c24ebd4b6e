"""Muon for matrices, AdamW for the rest."""

import copy

import pytest

torch = pytest.importorskip("torch")

from semantic3d.training.optimiser import MuonAdamW  # noqa: E402


def network(memory_format=torch.channels_last):
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 16, 3), torch.nn.SiLU(), torch.nn.Conv2d(16, 8, 3), torch.nn.Flatten()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(8 * 36, 5)).to(memory_format=memory_format)


def train(module, optimiser, steps):
    for step in steps:
        x = torch.randn(4, 3, 10, 10, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        (module(x) - x.mean((1, 2, 3))[:, None]).pow(2).mean().backward()
        optimiser.step()


def parameters(module):
    return [p.detach().clone() for p in module.parameters()]


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_a_convolution_moves_alike_in_every_direction(memory_format):
    module = network(memory_format)
    before = module[2].weight.detach().clone()
    train(module, MuonAdamW(module.parameters(), lr=1e-2, weight_decay=0.0), range(1))
    moved = (module[2].weight.detach() - before).reshape(8, -1)
    sizes = torch.linalg.svdvals(moved)  # a gradient's own span orders of magnitude
    assert sizes.max() / sizes.min() < 3
    assert moved.pow(2).mean().sqrt() == pytest.approx(0.2e-2, rel=0.3)  # as large as AdamW's


def test_biases_and_thin_matrices_are_left_to_adamw():
    module = torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.Linear(3, 2))
    other = copy.deepcopy(module)
    ours = MuonAdamW(module.parameters(), lr=1e-2, weight_decay=0.1)
    theirs = torch.optim.AdamW(other.parameters(), lr=1e-2, weight_decay=0.1)
    x = torch.randn(5, 6)
    for net, optimiser in ((module, ours), (other, theirs)):
        for _ in range(5):
            optimiser.zero_grad()
            net(x).pow(2).sum().backward()
            optimiser.step()
    for a, b in zip(parameters(module), parameters(other)):
        torch.testing.assert_close(a, b)


def test_a_resumed_run_ends_as_an_uninterrupted_one():
    whole = network()
    train(whole, MuonAdamW(whole.parameters(), lr=1e-2, weight_decay=0.1), range(8))
    first = network()
    optimiser = MuonAdamW(first.parameters(), lr=1e-2, weight_decay=0.1)
    train(first, optimiser, range(4))
    second = network()
    second.load_state_dict(first.state_dict())
    resumed = MuonAdamW(second.parameters(), lr=1e-2, weight_decay=0.1)
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    train(second, resumed, range(4, 8))
    for a, b in zip(parameters(whole), parameters(second)):
        assert torch.equal(a, b)
    assert not torch.equal(parameters(whole)[0], parameters(network())[0])
