"""What training knows about missing labels, and how a run stops and goes on."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from s3d_protocol import Cancelled  # noqa: E402
from semantic3d.datasets.labelled import NOT_BUILDING, Sample  # noqa: E402
from semantic3d.training.adapt import land_cover_loss  # noqa: E402
from semantic3d.training.loop import Diverged, LoopConfig, buffer_state, checkpoint_state, run_loop, trained_state  # noqa: E402
from semantic3d.training.patches import PatchConfig, PatchSource  # noqa: E402


def test_where_only_outlines_are_known_every_class_but_building_is_right():
    logits = torch.zeros(1, 7, 1, 2)
    logits[0, 3, 0, :] = 2.0  # building
    found = land_cover_loss(logits, torch.tensor([[[NOT_BUILDING, 4]]]), torch.ones(7))
    p4 = np.exp(2) / (np.exp(2) + 6)
    assert found.item() == pytest.approx(-(np.log(1 - p4) + np.log(p4)) / 2, rel=1e-5)


def test_a_model_of_eleven_classes_has_an_eleventh_of_its_own():
    logits = torch.zeros(1, 12, 1, 1)
    logits[0, 10] = 3.0
    found = land_cover_loss(logits, torch.tensor([[[11]]]), torch.ones(12))
    assert found.item() == pytest.approx(-np.log(np.exp(3) / (np.exp(3) + 11)), rel=1e-5)


def test_patches_of_an_image_without_heights_look_for_classes():
    ndsm_m, cover = np.full((512, 512), np.nan, np.float32), np.zeros((512, 512), np.uint8)
    cover[:200, :200] = 2
    sample = Sample("classes", np.zeros((512, 512, 3), np.uint8), ndsm_m, cover, 0.5)
    source = PatchSource([([sample], 1.0)], PatchConfig(patch_px=64))
    shares = [(source.batch(1, seed).land_cover > 0).float().mean().item() for seed in range(40)]
    assert np.mean(np.array(shares) > 0) > 0.45  # 0.15 of the places; six tries find one in six of ten cases


def line():
    torch.manual_seed(0)
    return torch.nn.Linear(3, 1)


def loss_of(module):
    def loss_of_step(step):
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        return (module(x) - x.sum(dim=1, keepdim=True)).square().mean()

    return loss_of_step


CONFIG = LoopConfig(steps=9, warmup_steps=2, checkpoint_every=4, use_bf16=False)


def test_a_cancelled_run_goes_on_where_it_stopped(tmp_path):
    whole, losses = line(), {}
    run_loop(whole, loss_of(whole), CONFIG, tmp_path / "whole", on_step=losses.__setitem__)
    parts = line()

    def stop_at_six(done, loss):
        assert np.isfinite(loss)
        if done == 6:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run_loop(parts, loss_of(parts), CONFIG, tmp_path / "parts", on_step=stop_at_six)
    fresh, seen = line(), {}
    ema = run_loop(fresh, loss_of(fresh), CONFIG, tmp_path / "parts", on_step=seen.__setitem__)
    assert seen == pytest.approx({step: losses[step] for step in (6, 7, 8)})
    for name, value in trained_state(whole).items():
        torch.testing.assert_close(trained_state(fresh)[name], value)
    assert ema.updates == 9


@pytest.mark.parametrize(
    ("has_bf16", "wanted", "expected"),
    [(True, None, True), (False, None, False), (False, True, True), (True, False, False)],
)
def test_bfloat16_is_used_where_the_processor_has_it(tmp_path, monkeypatch, has_bf16, wanted, expected):
    """Emulated, a step takes several times as long as in float32."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bf16, raising=False)
    module, seen = line(), []

    def loss_of_step(step):
        seen.append(module(torch.ones(1, 3)).dtype)
        return module(torch.ones(1, 3)).float().square().mean()

    run_loop(module, loss_of_step, replace(CONFIG, steps=1, use_bf16=wanted), tmp_path)
    assert seen == [torch.bfloat16 if expected else torch.float32]


def test_a_checkpoint_can_end_the_run(tmp_path):
    module, seen = line(), []
    run_loop(module, loss_of(module), CONFIG, tmp_path, on_checkpoint=lambda step, _: seen.append(step) or step == 8)
    assert seen == [4, 8]


def test_where_steps_take_long_a_run_that_is_killed_goes_on_from_the_last_ones(tmp_path):
    whole, killed, seen = line(), line(), []
    run_loop(whole, loss_of(whole), CONFIG, tmp_path / "whole")

    def killed_in_the_seventh(step):
        if step == 6:
            raise KeyboardInterrupt
        return loss_of(killed)(step)

    def note(step, _):
        seen.append(step)

    slow = replace(CONFIG, longest_unsaved_s=0.0)
    with pytest.raises(KeyboardInterrupt):
        run_loop(killed, killed_in_the_seventh, slow, tmp_path / "killed", on_checkpoint=note)
    assert checkpoint_state(tmp_path / "killed")[1] == 6
    assert seen == [4]  # validations stay where they are
    fresh = line()
    run_loop(fresh, loss_of(fresh), CONFIG, tmp_path / "killed")
    for name, value in trained_state(whole).items():
        assert torch.equal(trained_state(fresh)[name], value)


@pytest.mark.parametrize("spoilt", ["loss", "gradient"])
def test_a_run_ends_where_it_diverges_and_keeps_the_checkpoint_before(tmp_path, spoilt):
    """A gradient without bound under a finite loss spoils the weights alone, which the next checkpoint looks at."""
    module, seen = line(), []

    def loss_of_step(step):
        seen.append(step)
        loss = loss_of(module)(step)
        if step < 5:
            return loss
        return loss * float("nan") if spoilt == "loss" else loss + (0 * module.weight).abs().sqrt().sum()

    config = CONFIG if spoilt == "loss" else replace(CONFIG, steps=6)
    with pytest.raises(Diverged) as found:
        run_loop(module, loss_of_step, config, tmp_path)
    assert found.value.step == 6 and seen[-1] == 5
    state, step = checkpoint_state(tmp_path)
    assert step == 4 and all(torch.isfinite(value).all() for value in state.values())


def normed():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))


def test_statistics_of_batch_norms_are_those_of_an_unbroken_run(tmp_path):
    whole, parts = normed(), normed()
    run_loop(whole, loss_of(whole), CONFIG, tmp_path / "whole")

    def stop_at_six(done, loss):
        if done == 6:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run_loop(parts, loss_of(parts), CONFIG, tmp_path / "parts", on_step=stop_at_six)
    resumed, finished = normed(), normed()
    run_loop(resumed, loss_of(resumed), CONFIG, tmp_path / "parts")
    run_loop(finished, loss_of(finished), CONFIG, tmp_path / "whole")  # no step is left
    assert (buffer_state(whole)["1.running_var"] - 1).abs().max() > 0.1
    for module in (resumed, finished):
        for name, value in buffer_state(whole).items():
            torch.testing.assert_close(buffer_state(module)[name], value)


def test_a_checkpoint_of_an_earlier_version_has_no_buffers_and_is_read(tmp_path):
    module, again = normed(), normed()
    run_loop(module, loss_of(module), CONFIG, tmp_path)
    without_buffers(tmp_path / "state.safetensors")
    run_loop(again, loss_of(again), CONFIG, tmp_path)
    for name, value in trained_state(module).items():
        torch.testing.assert_close(trained_state(again)[name], value)
    assert checkpoint_state(tmp_path, "buffer")[0] == {} and checkpoint_state(tmp_path)[1] == 9


def without_buffers(path):
    with safe_open(str(path), framework="pt") as stored:
        metadata = stored.metadata()
        tensors = {key: stored.get_tensor(key) for key in stored.keys() if not key.startswith("buffer.")}
    save_file(tensors, str(path), metadata=metadata)
