"""Less memory and more processes, the same result: gradient checkpointing, accumulation, teams."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from test_adapted import labelled_source, tiny_model  # noqa: E402

from s3d_protocol import Cancelled  # noqa: E402
from semantic3d.training.adapt import LossConfig, adapt, joint_loss  # noqa: E402
from semantic3d.training.loop import LoopConfig, run_loop, trained_state  # noqa: E402
from semantic3d.training.patches import PatchBatch  # noqa: E402
from semantic3d.training.team import SOLO, Team, find_team  # noqa: E402

PLAIN = LossConfig(class_weights=(1.0,) * 7)  # every pixel counts alike, so that halves of a batch have equal weight


def gradients(recomputed):
    """Gradients of one step, and how often each convolution ran."""
    model, runs = tiny_model().train(), {}
    model.base.recompute_activations(recomputed)
    for name, module in model.named_modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(lambda *_, name=name: runs.update({name: runs.get(name, 0) + 1}))
    batch = labelled_source().batch(2, 0)
    joint_loss(model(batch.image), batch, model.config, PLAIN).backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}, runs


def test_gradient_checkpointing_gives_the_same_gradients_and_computes_twice():
    (kept, once), (again, twice) = gradients(False), gradients(True)
    assert kept.keys() == again.keys() and any("lora" in name for name in kept)
    for name, value in kept.items():
        torch.testing.assert_close(again[name], value, atol=1e-6, rtol=1e-5)
    assert set(once.values()) == {1}
    for part in ("base.vae.encoder.down_blocks", "base.unet.down_blocks", "base.unet.up_blocks", "decoder."):
        assert any(name.startswith(part) and count == 2 for name, count in twice.items()), part


def joined(*batches):
    return PatchBatch(*(torch.cat(parts) for parts in zip(*(vars(batch).values() for batch in batches))))


def trained(folder, batch_of_step, **settings):
    model = tiny_model(seed=5).train()
    loop = LoopConfig(steps=3, checkpoint_every=3, warmup_steps=1, use_bf16=False, **settings)
    adapt(model, batch_of_step, loop, PLAIN, folder)
    return trained_state(model)


def test_accumulated_batches_are_one_larger_batch(tmp_path):
    source = labelled_source()
    parts = trained(tmp_path / "parts", lambda draw: source.batch(2, draw), accumulation=2)
    whole = trained(
        tmp_path / "whole", lambda step: joined(source.batch(2, 2 * step), source.batch(2, 2 * step + 1))
    )
    start = vector(trained_state(tiny_model(seed=5)))
    learnt = vector(whole) - start
    # Parameters without a gradient (biases before a norm) follow rounding noise, which Adam blows up: hence the whole.
    assert learnt.norm() > 0.01 and (vector(parts) - vector(whole)).norm() < 0.03 * learnt.norm()


def vector(state):
    return torch.cat([state[name].flatten() for name in sorted(state)])


def test_no_two_processes_draw_the_same_batch():
    draws = []
    for rank in range(3):
        team = Team()
        team.rank, team.count = rank, 3
        draws += [team.draw(step, part, 2) for step in range(4) for part in range(2)]
    assert sorted(draws) == list(range(24))
    assert [SOLO.draw(step, 0, 1) for step in range(4)] == [0, 1, 2, 3]  # one process alone: the step's number


def test_without_a_launcher_there_is_one_process(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert find_team("cpu") is SOLO


class Follower(Team):
    """A process beside the first, whose first one says stop at its third question."""

    rank, count = 1, 2

    def __init__(self):
        self.asked = 0

    def any(self, flag):
        self.asked += 1
        return flag or self.asked == 3


def test_one_that_stops_stops_all_and_only_the_first_writes(tmp_path):
    module = torch.nn.Linear(2, 1)
    config = LoopConfig(steps=9, checkpoint_every=1, use_bf16=False)
    team = Follower()
    with pytest.raises(Cancelled, match="Another process"):
        run_loop(module, lambda _: module(torch.ones(1, 2)).sum(), config, tmp_path, team=team, on_step=lambda *_: None)
    assert team.asked == 3 and not list(tmp_path.iterdir())  # asked before and after each step
