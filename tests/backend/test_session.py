"""Devices and faults of the runtime, with a stand-in for onnxruntime where its own faults cannot be provoked."""

import types

import numpy as np
import pytest
from fake_model import TILE_PX, write_fake_package

from s3d_protocol import DeviceUnavailable, InvalidModel, MissingDependency, OutOfMemory
from semantic3d.inference import session as session_module
from semantic3d.inference.session import InferenceSession, worker_threads
from semantic3d.models.package import load_package

ALL = ("height_m", "aleatoric_var_m2", "epistemic_var_m2", "evidence_index", "class_probability")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return load_package(write_fake_package(tmp_path_factory.mktemp("model") / "fake"))


class Fail(Exception):
    pass


def runtime(
    package, *, available=("CPUExecutionProvider",), kept=None, load_fault=None, run_fault=None, lost_after=None, batch="N"
):
    """A stand-in; `kept` says which providers a session asked for CUDA really has after a run."""

    class Session:
        def __init__(self, data, options, providers):
            if load_fault and providers[0].startswith("CUDA"):
                raise Fail(load_fault)
            self.providers, self.sizes = providers, []
            self.falls_back, self.runs = True, 0

        def disable_fallback(self):
            self.falls_back = False

        def get_providers(self):
            return list(kept) if kept and self.providers[0].startswith("CUDA") else self.providers

        def get_inputs(self):
            size = package.tile_size_px
            return [types.SimpleNamespace(name="image", type="tensor(float)", shape=[batch, 3, size, size])]

        def get_outputs(self):
            size = package.tile_size_px
            return [
                types.SimpleNamespace(name=n, type="tensor(float)", shape=["N", 2 if "class" in n else 1, size, size])
                for n in ALL
            ]

        def run(self, names, feeds):
            if lost_after is not None and self.providers[0].startswith("CUDA"):
                self.runs += 1
                if self.runs > lost_after:
                    raise (Fail if self.falls_back is False else AssertionError)(run_fault)
            elif lost_after is None and run_fault and (self.providers[0].startswith("CUDA") or "CUDA" not in str(available)):
                raise Fail(run_fault)
            image = feeds["image"]
            self.sizes.append(len(image))
            planes = {name: image[:, :1] for name in ALL} | {"class_probability": image[:, :2]}
            return [planes[name] for name in names or ALL]

    state = types.SimpleNamespace(Fail=Fail)
    return types.SimpleNamespace(
        __version__="0", capi=types.SimpleNamespace(onnxruntime_pybind11_state=state), InferenceSession=Session,
        SessionOptions=lambda: types.SimpleNamespace(add_session_config_entry=lambda name, value: None),
        get_available_providers=lambda: list(available),
        ExecutionOrder=types.SimpleNamespace(PRIORITY_BASED=1),
    )  # fmt: skip


BOTH = ("CUDAExecutionProvider", "CPUExecutionProvider")


def make(monkeypatch, package, device="auto", **faults):
    monkeypatch.setattr(session_module, "_import_runtime", lambda: runtime(package, **faults))
    said = []
    return InferenceSession(package, device, lambda text, level: said.append((level, text))), said


def test_the_real_runtime_gives_the_roles_asked_for(package):
    session = InferenceSession(package, "cpu")
    image = np.zeros((2, 3, TILE_PX, TILE_PX), np.float32)
    outputs = session.run(image, ("height_m", "class_probability"))
    assert set(outputs) == {"height_m", "class_probability"}
    np.testing.assert_allclose(outputs["height_m"], 4.0, atol=1e-5)  # 10 x mean of the means 0.5, 0.4, 0.3
    np.testing.assert_allclose(outputs["class_probability"][:, 1], 0.5, atol=1e-6)


def test_a_working_card_is_used(monkeypatch, package):
    session, said = make(monkeypatch, package, available=BOTH)
    assert session.device == "cuda" and said == []


@pytest.mark.parametrize(
    "faults, words",
    [
        ({"kept": ("CPUExecutionProvider",)}, "fell back"),
        ({"load_fault": "libcublas not found"}, "libcublas"),
        ({"run_fault": "CUDA failure 2: out of memory"}, "Memory ran out"),
    ],
)
def test_a_card_that_does_not_work_is_said_aloud(monkeypatch, package, faults, words):
    session, said = make(monkeypatch, package, available=BOTH, **faults)
    assert session.device == "cpu"
    assert said[0][0] == "warning" and words in said[0][1] and "processor" in said[0][1]
    with pytest.raises(DeviceUnavailable, match=words):
        make(monkeypatch, package, "cuda", available=BOTH, **faults)


LOST = "CUDA failure 719: unspecified launch failure"


def test_a_card_that_is_lost_in_the_middle_is_said_aloud_and_the_processor_goes_on(monkeypatch, package):
    image = np.zeros((1, 3, TILE_PX, TILE_PX), np.float32)
    session, said = make(monkeypatch, package, available=BOTH, run_fault=LOST, lost_after=2)
    session.run(image, ALL)  # the proof was the first run
    assert session.device == "cuda" and said == []
    assert set(session.run(image, ALL)) == set(ALL)
    assert session.device == "cpu" and len(said) == 1
    assert said[0][0] == "warning" and "CUDA failure 719" in said[0][1] and "processor goes on" in said[0][1]
    session.run(image, ALL)
    assert len(said) == 1


def test_a_lost_card_that_was_asked_for_ends_the_job(monkeypatch, package):
    image = np.zeros((1, 3, TILE_PX, TILE_PX), np.float32)
    session, said = make(monkeypatch, package, "cuda", available=BOTH, run_fault=LOST, lost_after=1)
    with pytest.raises(DeviceUnavailable, match="middle of the work.*CUDA failure 719.*auto or cpu"):
        session.run(image, ALL)
    session, said = make(monkeypatch, package, "cuda", available=BOTH, run_fault="CUDA out of memory", lost_after=1)
    with pytest.raises(OutOfMemory, match="batch size"):
        session.run(image, ALL)
    assert said == []


@pytest.mark.parametrize("name", ["DeviceReset", "NotFound", "Fail", "EPFail"])
def test_every_exception_of_the_real_runtime_is_known(name):
    onnxruntime = pytest.importorskip("onnxruntime")
    state = onnxruntime.capi.onnxruntime_pybind11_state
    if not hasattr(state, name):
        pytest.skip(f"this onnxruntime has no {name}")
    assert getattr(state, name) in session_module._runtime_errors(onnxruntime)


@pytest.mark.parametrize(
    "words", ["Available memory of 0 is smaller than requested bytes of 12", "std::bad_alloc", "CUBLAS_STATUS_ALLOC_FAILED"]
)
def test_the_runtimes_words_for_memory_are_known(monkeypatch, package, words):
    session, _ = make(monkeypatch, package, "cpu", run_fault=words)
    with pytest.raises(OutOfMemory, match="Lower the batch size"):
        session.run(np.zeros((1, 3, TILE_PX, TILE_PX), np.float32), ALL)


def test_without_a_gpu_build_auto_is_quiet_and_cuda_is_refused(monkeypatch, package):
    session, said = make(monkeypatch, package)
    assert session.device == "cpu" and said == []
    with pytest.raises(DeviceUnavailable, match="GPU backend"):
        make(monkeypatch, package, "cuda")


def test_faults_while_running_are_named(monkeypatch, package):
    image = np.zeros((1, 3, TILE_PX, TILE_PX), np.float32)
    session, _ = make(monkeypatch, package, "cpu", run_fault="Failed to allocate memory for requested buffer")
    with pytest.raises(OutOfMemory, match="1 tile of 64 pixels"):
        session.run(image, ALL)
    session, _ = make(monkeypatch, package, "cpu", run_fault="Non-zero status code")
    with pytest.raises(InvalidModel, match="Non-zero status"):
        session.run(image, ALL)


def test_a_missing_runtime_is_named(monkeypatch, package):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="onnxruntime"):
        InferenceSession(package)


@pytest.mark.parametrize(
    "processors, tile_px, free_mb, limit_mb, model_bytes, lanes",
    [
        (1, 512, 9e9, 2048, 1, 1),
        (2, 512, 9e9, 2048, 1, 2),
        (4, 512, None, 2048, 1, 3),
        (32, 512, 9e9, 2048, 1, 8),
        (32, 512, 9e9, 1000, 1, 4),
        (32, 512, 3000, 2048, 1, 6),
        (32, 512, 10, 64, 1, 1),
        (32, 1024, 9e9, 2048, 1, 2),
        (32, 4096, 9e9, 2048, 1, 1),
        (32, 512, 9e9, 2048, 3_400_000_000, 1),
    ],
)
def test_as_many_tiles_side_by_side_as_processors_and_memory_let(
    monkeypatch, package, processors, tile_px, free_mb, limit_mb, model_bytes, lanes
):
    monkeypatch.setattr(session_module.os, "sched_getaffinity", lambda pid: set(range(processors)), raising=False)
    monkeypatch.setattr(session_module, "free_memory_mb", lambda: free_mb)
    of_size = types.SimpleNamespace(tile_size_px=tile_px)
    assert session_module.lanes_for(of_size, model_bytes, limit_mb) == lanes


def test_lanes_that_take_too_much_memory_are_fewer(monkeypatch, package):
    monkeypatch.setattr(session_module, "worker_threads", lambda: 4)
    monkeypatch.setattr(session_module, "free_memory_mb", lambda: None)
    session = InferenceSession(package, "cpu", memory_mb=2000)
    image = np.random.default_rng(0).random((1, 3, TILE_PX, TILE_PX), dtype=np.float32)
    before = session.run(image, ALL)
    for lane_mb, lanes in ((500.0, 4), (600.0, 3), (0.0, 3), (5000.0, 1)):
        session.limit_lanes(lane_mb, 2000)
        assert session.lanes == lanes
        for role, values in session.run(image, ALL).items():
            np.testing.assert_array_equal(values, before[role])


def test_a_card_has_one_lane(monkeypatch, package):
    session, _ = make(monkeypatch, package, available=BOTH, run_fault=LOST, lost_after=1)
    assert session.device == "cuda" and session.lanes == 1
    session.run(np.zeros((1, 3, TILE_PX, TILE_PX), np.float32), ALL)
    assert session.device == "cpu" and session.lanes == 1  # the walk under way has one thread


@pytest.mark.parametrize("count, expected", [(1, 1), (2, 2), (3, 2), (16, 15)])
def test_one_processor_is_left_for_the_desktop(monkeypatch, count, expected):
    monkeypatch.setattr(session_module.os, "sched_getaffinity", lambda pid: set(range(count)), raising=False)
    assert worker_threads() == expected
