"""Messages, orders and jobs of any content: our errors come out, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import math
import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from semantic3d.jobs import cluster_answers
from semantic3d.jobs.tile_progress import TilesOnWorkers
from semantic3d.raster.block_grid import Block
from semantic3d_plugin.backend.s3d_protocol import JOB_TYPES, ReconstructJob, errors, job_from_dict, messages
from semantic3d_plugin.backend.s3d_protocol.serving import _Work
from semantic3d_plugin.runtime import diagnosis, runner
from semantic3d_plugin.runtime.process import _INBOX_BYTES, _Inbox
from semantic3d_plugin.runtime.progress import progress_percent, progress_text

TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "/", ".", "..", "/.tif", "a.tif", "a\0.tif", "\udcff.tif", "\ud83d", "a\n.tif", "=" * 9, "1=" + "9" * 5000, "cuda"]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 2**63, 1e308, math.inf, math.nan, -0.0])
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = PLAIN | st.lists(PLAIN, max_size=4) | st.dictionaries(TEXTS, PLAIN, max_size=3) | st.lists(st.lists(PLAIN), max_size=2)
FIELDS = sorted({field.name for job in JOB_TYPES.values() for field in dataclasses.fields(job)})
MESSAGES = st.dictionaries(
    st.sampled_from(["type", "done", "total", "unit", "text", "seconds_left", "megapixels_per_s", "code", "details"])
    | TEXTS,
    VALUES,
    max_size=5,
)


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_message_or_none(line):
    try:
        assert isinstance(messages.decode(line)["type"], str)
    except messages.BadMessage:
        pass


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 400, "[" * 200 + "]" * 200, '{"a":' * 200 + "1" + "}" * 200],
)
def test_numbers_beyond_all_and_deep_nests_are_no_message(value):
    with pytest.raises(messages.BadMessage):
        messages.decode(f'{{"type":"progress","done":{value}}}')


@given(MESSAGES)
def test_any_progress_is_a_line_and_a_percentage(message):
    assert isinstance(progress_text(message).encode("utf-8"), bytes)
    assert 0 <= progress_percent(message) <= 100


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, True, "3", [3], "\ud83d"])
@pytest.mark.parametrize("field", ["done", "total", "unit", "text", "seconds_left", "megapixels_per_s"])
def test_one_odd_value_leaves_the_progress_readable(field, value):
    message = {"done": 1, "total": 4, "unit": "tiles", "seconds_left": 90.0, field: value}
    assert progress_percent(message) == (0.0 if field in ("done", "total") else 25.0)
    assert " of " in progress_text(message).encode("utf-8").decode()


@given(MESSAGES)
def test_any_error_message_is_an_error_that_can_be_shown(message):
    error = errors.from_message(message)
    assert isinstance(error, errors.Semantic3DError) and str(error).encode("utf-8")


@given(st.sampled_from([*JOB_TYPES, "fly"]) | VALUES, st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=12) | VALUES)
def test_any_job_is_checked_or_refused(kind, values):
    try:
        job = job_from_dict(kind, values)
        job.check()
    except errors.InvalidParameter as error:
        assert str(error).encode("utf-8") and len(str(error)) < 12_000
    else:
        assert job_from_dict(kind, json.loads(json.dumps(job.to_dict(), allow_nan=False))) == job


@given(st.sampled_from(sorted(JOB_TYPES)), st.data())
def test_one_odd_field_among_good_ones_is_checked_or_refused(kind, data):
    good = {
        "reconstruct": {"image_path": "a.tif", "height_path": "h.tif"},
        "doctor": {},
        "evaluate": {"height_path": "h.tif", "reference_height_path": "r.tif", "figures_path": "f.json"},
        "detect_shadows": {"image_path": "a.tif", "shadow_path": "s.tif"},
        "train": {"image_paths": ["a.tif"], "ndsm_paths": ["n.tif"], "package_path": "p"},
    }[kind]
    job_from_dict(kind, good).check()
    name = data.draw(st.sampled_from([field.name for field in dataclasses.fields(JOB_TYPES[kind])]))
    try:
        job_from_dict(kind, {**good, name: data.draw(VALUES)}).check()
    except errors.InvalidParameter:
        pass


@pytest.mark.parametrize("path", ["a\0.tif", "caf\udce9.tif"])
@pytest.mark.parametrize("field", ["image_path", "height_path"])
def test_a_name_that_no_library_takes_is_refused_when_the_job_is_made(field, path):
    with pytest.raises(errors.InvalidParameter, match=f"parameter {field}"):
        job_from_dict("reconstruct", {"image_path": "i.tif", "height_path": "h.tif", field: path})


class Pipe:
    """A channel whose other end says nothing more."""

    def __init__(self):
        self.last = None

    def send(self, message):
        raise AssertionError("nothing but the last word is due")

    def send_last(self, message):
        self.last = json.loads(messages.encode(message))

    def receive(self):
        threading.Event().wait()


def answer_to(order, values=None):
    pipe = Pipe()
    code = _Work(pipe, lambda job, control: values or {}, order, 0.1).do()
    return code, pipe.last


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(sorted(JOB_TYPES)) | VALUES,
            "job_id": st.just("abc") | VALUES,
            "job": st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6) | VALUES,
        },
    )
)
def test_any_order_gets_one_answer_of_ours(order):
    code, last = answer_to({"type": "job", "protocol": 1, **order})
    assert last["type"] == "result" if code == 0 else (code, last["code"]) == (1, "invalid_parameter")


@pytest.mark.parametrize("job_id", ["", "../up", "a/b", "a" * 100, None, 3, "a\0"])
def test_a_job_id_that_could_name_a_path_is_refused(job_id):
    order = {"kind": "detect_shadows", "job_id": job_id, "job": {"image_path": "a.tif", "shadow_path": "s.tif"}}
    assert answer_to(order)[1]["code"] == "invalid_parameter"


def test_a_refused_job_whose_output_names_no_file_is_still_answered():
    order = {"kind": "detect_shadows", "job_id": "abc", "job": {"image_path": "a.tif", "shadow_path": "/tmp/"}}
    assert answer_to(order)[1]["code"] == "invalid_parameter"


def test_a_result_too_long_to_be_read_is_an_error_and_not_lost():
    order = {"kind": "detect_shadows", "job_id": "abc", "job": {"image_path": "a.tif", "shadow_path": "s.tif"}}
    code, last = answer_to(order, {"text": "x" * messages.MAX_LINE_BYTES})
    assert code == 1 and last["code"] == "internal_error" and "longer than" in last["message"]


def test_the_inbox_holds_no_more_than_its_bytes_and_loses_nothing():
    inbox, count, size = _Inbox(), 20, _INBOX_BYTES // 4
    sender = threading.Thread(target=lambda: [inbox.put({"n": n}, size) for n in range(count)], daemon=True)
    sender.start()
    received = []
    while len(received) < count:
        taken = inbox.take(5.0)
        assert 1 <= len(taken) <= 4
        received += taken
    assert [message["n"] for message in received] == list(range(count))


def test_lines_without_an_end_cost_no_memory():
    class Endless:
        """A gigabyte without a newline, then a message."""

        def __init__(self):
            self.left, self.asked = 1 << 30, []

        def readline(self, limit):
            self.asked.append(limit)
            if self.left > 0:
                self.left -= limit
                return PIECE if self.left > 0 else PIECE[:-1] + b"\n"
            return b'{"type":"alive"}\n' if len(self.asked) == 65 else b""

    PIECE = b"x" * messages.MAX_ORDER_BYTES
    lines = list(messages.read_lines(Endless(), messages.MAX_ORDER_BYTES))
    assert [complete for _, complete in lines] == [False, True]
    assert messages.decode(lines[1][0]) == {"type": "alive"}


@given(st.dictionaries(st.sampled_from(["checks", "packages", "model", "device", "seconds_per_tile"]), VALUES, max_size=5))
def test_any_doctors_result_is_a_report(values):
    report = diagnosis.Diagnosis(values=values)
    assert report.text.encode("utf-8") and report._html().encode("utf-8")


@pytest.mark.parametrize("field", ["checks", "packages", "model", "seconds_per_tile"])
@pytest.mark.parametrize("value", [3, "text", [3], {"a": "<script>"}])
def test_one_odd_finding_leaves_a_report_without_foreign_markup(field, value):
    report = diagnosis.Diagnosis(values={"device": "cpu", field: value})
    assert "<script>" not in report._html()


class Ended:
    """A process that has said what it will and ended."""

    heard_s = 0.0
    noise_lines, first_noise, stderr_text = 0, "", ""

    def __init__(self, said, exit_code):
        self.said, self.exit_code = said, exit_code

    def kill(self):
        return self.said

    def send(self, message):
        assert message["type"] == "job"


def answers(kind):
    return st.dictionaries(
        st.sampled_from(["protocol", "version", "values", "code", "message", "details", "text", "level"]), VALUES,
        max_size=4,
    ).map(lambda values: {**values, "type": kind})


@given(
    st.lists(st.sampled_from(["hello", "result", "error", "progress", "log", "fly"]).flatmap(answers), max_size=4),
    st.booleans(), st.integers(-15, 5),
)
@example([{"type": "result", "values": {"outputs": {"height": "h.tif"}}}], True, 0)
@example([{"type": "result", "values": {"outputs": {"height": "/etc/passwd"}}}], True, 0)
@example([{"type": "result", "values": {"outputs": {"secret": None}}}], True, 0)
@example([{"type": "result", "values": {}}, {"type": "error", "code": "input", "message": "\ud83d"}], True, 0)
def test_any_conversation_ends_in_values_or_in_an_error_of_ours(said, greets, exit_code):
    job = ReconstructJob("a.tif", height_path="h.tif")
    hello = [messages.hello("1", 1)] if greets else []
    process, listener = Ended(hello + said, exit_code), runner._Listener(None, None, 1.0)
    talk = runner._Conversation(process, "python", "reconstruct", job, "0" * 32, listener, runner.Limits())
    try:
        values = talk.hold(None)
    except errors.Semantic3DError as error:
        assert str(error).encode("utf-8") and len(str(error)) < 30_000
    else:
        assert isinstance(values, dict) and values.get("outputs", {}) in ({}, {"height": "h.tif"}) and exit_code == 0


@given(
    VALUES
    | st.tuples(st.floats(), VALUES | st.dictionaries(st.just("tiles") | TEXTS, VALUES, max_size=3))
    | st.tuples(st.floats(), st.fixed_dictionaries({"tiles": st.lists(st.integers(-1, 9) | PLAIN, max_size=4)}))
)
@example((0.0, {"tiles": [0, 0, 11]}))
@example((0.0, {"tiles": [0, 1, -1]}))
def test_whatever_a_cluster_tells_of_tiles_keeps_the_count_in_its_bounds(event):
    tiles = TilesOnWorkers({Block(0, 0): 10, Block(0, 1): 6})
    tiles.hear(event)
    assert 0 <= tiles.count() <= tiles.total


@given(
    VALUES
    | st.dictionaries(st.sampled_from(["unfit", "why", "said", "rounding", "worker"]), VALUES)
    | st.fixed_dictionaries({"said": st.lists(st.lists(VALUES, min_size=2, max_size=2))})
)
def test_whatever_a_worker_answers_is_read_or_passed_over(answer):
    assert all(isinstance(text, str) and level in messages.LOG_LEVELS for text, level in cluster_answers.messages(answer))
    refused = cluster_answers.refusal(answer)
    assert refused is None or all(isinstance(text, str) for text in refused)
    ways = cluster_answers.rounding(answer)
    assert all(isinstance(part, str) and part for item in ways.items() for part in item)
