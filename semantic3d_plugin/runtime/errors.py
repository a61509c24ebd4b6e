"""The words for what can happen to the backend's process, one message for each.

Each says what happened, the values, and the next step.
"""

from __future__ import annotations

import signal

from ..backend.s3d_protocol.diagnosis import memory_advice, tells_of_memory
from ..backend.s3d_protocol.errors import (
    BackendCrashed,
    BackendHung,
    BackendMissing,
    InternalError,
    OutOfMemory,
    ProtocolMismatch,
    Semantic3DError,
)
from ..backend.s3d_protocol.jobs import Job
from ..backend.s3d_protocol.messages import EXIT_MISMATCH, PROTOCOL_VERSION, shown_text
from .process import BackendProcess

CHECK = "Run 'Check the backend' (semantic3d:check_backend) to see what is wrong."
SET_UP = "Run 'Set up the backend' (semantic3d:setup_backend), or name another Python in the settings."
REPORT = "If it happens again, please report it with this message."

_WINDOWS_FAULTS = {
    0xC0000005: "access violation",
    0xC0000017: "no memory",
    0xC000001D: "illegal instruction",
    0xC00000FD: "stack overflow",
    0xC0000135: "a DLL is missing",
    0xC000013A: "interrupted",
    0xC0000409: "fail-fast abort",
}
_WINDOWS_NO_MEMORY = 0xC0000017


def no_python() -> BackendMissing:
    return BackendMissing(f"There is no backend environment yet. {SET_UP}")


def not_started(python_path: str, error: OSError) -> BackendMissing:
    return BackendMissing(
        f"The backend's Python {python_path} cannot be started ({error.strerror or error}). {SET_UP}",
        {"python_path": python_path},
    )


def no_hello(python_path: str, waited_s: float, process: BackendProcess) -> BackendHung:
    return BackendHung(
        f"The backend was started with {python_path}, but did not answer within {waited_s:g} s, and was stopped."
        f"{_said(process)} {CHECK}",
        _details(process),
    )


def silent(waited_s: float, process: BackendProcess, job: Job) -> BackendHung:
    advice = "Try again with a smaller EXTENT or the CPU." if hasattr(job, "extent") else "Try again on the CPU."
    return BackendHung(
        f"The backend gave no sign of life for {waited_s:g} s in the middle of its work, and was stopped; "
        f"unfinished outputs were removed.{_said(process)} {advice} {REPORT}",
        _details(process),
    )


def lingering(waited_s: float, process: BackendProcess) -> BackendHung:
    return BackendHung(
        f"The backend reported its result, but its process did not end within {waited_s:g} s, and was stopped, "
        f"so the outputs are not taken for good.{_said(process)} Run the job again. {REPORT}",
        _details(process),
    )


def other_protocol(theirs: object, version: object) -> ProtocolMismatch:
    theirs, version = shown_text(theirs)[:80], shown_text(version)[:80]
    return ProtocolMismatch(
        f"The backend (version {version}) speaks protocol {theirs}, this plugin speaks protocol {PROTOCOL_VERSION}. "
        "Install the plugin again, so that both come from the same release, and restart QGIS.",
        {"backend_protocol": theirs, "backend_version": version},
    )


def no_introduction(kind: str) -> ProtocolMismatch:
    return ProtocolMismatch(
        f"The program that was started as the backend sent '{kind}' before it introduced itself, so it is not our "
        f"backend or a broken one. {SET_UP}"
    )


def spoke_twice(first: str, second: str, process: BackendProcess) -> InternalError:
    return InternalError(
        f"The backend answered twice, first with '{first}' and then with '{second}', so neither is trusted. "
        f"Run the job again. {REPORT}",
        _details(process),
    )


def unreadable_result(process: BackendProcess) -> InternalError:
    return InternalError(f"The backend sent a result without values. Run the job again. {REPORT}", _details(process))


def foreign_outputs(named: str, process: BackendProcess) -> InternalError:
    return InternalError(
        f"The backend names outputs that the job did not ask for ({_shortened(shown_text(named))}), so its result is not "
        f"trusted. {SET_UP} {REPORT}",
        _details(process),
    )


def failed_after_result(exit_code: int, process: BackendProcess) -> BackendCrashed:
    return BackendCrashed(
        f"The backend reported its result, but then ended with {exit_text(exit_code)} instead of success, "
        f"so the outputs are not taken for good.{_said(process)} Run the job again. {REPORT}",
        {**_details(process), "exit_code": exit_code},
    )


def ended_silently(exit_code: int, introduced: bool, process: BackendProcess, job: Job) -> Semantic3DError:
    """Return the error for a process that ended without a result or an error."""
    details = {**_details(process), "exit_code": exit_code}
    how = exit_text(exit_code)
    if exit_code == EXIT_MISMATCH and introduced:
        return ProtocolMismatch(
            f"The backend refused the plugin's protocol {PROTOCOL_VERSION} ({how}). {SET_UP}", details
        )
    if _killed(exit_code):
        return OutOfMemory(
            f"The backend was killed from outside ({how}), which the system does when memory runs out. "
            f"{memory_advice(job)}",
            details,
        )
    if exit_code == _WINDOWS_NO_MEMORY or tells_of_memory(process.stderr_text):
        return OutOfMemory(f"The backend ran out of memory ({how}).{_said(process)} {memory_advice(job)}", details)
    if introduced:
        return BackendCrashed(f"The backend crashed ({how}).{_said(process)} {CHECK} {REPORT}", details)
    return BackendCrashed(f"The backend ended before it was ready ({how}).{_said(process)} {CHECK}", details)


def exit_text(exit_code: int) -> str:
    """Return an exit code in words: a signal's name, a Windows fault, or the number."""
    number = -exit_code if exit_code < 0 else exit_code - 128  # a shell in between reports 128 + signal
    if exit_code < 0 or 128 < exit_code < 160:
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        return f"signal {name}" if exit_code < 0 else f"exit code {exit_code}, signal {name}"
    if exit_code in _WINDOWS_FAULTS:
        return f"exit code 0x{exit_code:08X}, {_WINDOWS_FAULTS[exit_code]}"
    return f"exit code {exit_code}"


def _killed(exit_code: int) -> bool:
    return exit_code in (-9, 137)


def _said(process: BackendProcess) -> str:
    """Return the end of what the process printed, as a sentence with a blank before it."""
    text = ""
    if process.noise_lines:
        text += f" It printed {process.noise_lines} line(s) that are no messages, the first: '{process.first_noise}'."
    last = [line.strip() for line in process.stderr_text.splitlines() if line.strip()][-5:]
    if last:
        text += f" Its last words: {_shortened(' | '.join(last))}."
    return text


def _details(process: BackendProcess) -> dict:
    return {"stderr": process.stderr_text, "noise": process.first_noise}


def _shortened(text: str, limit: int = 600) -> str:
    return text if len(text) <= limit else "... " + text[-limit:]
