"""From an exception that is not ours to an error that the user can act on."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback

from .errors import (
    Cancelled,
    InternalError,
    InvalidModel,
    MissingDependency,
    OutOfMemory,
    OutputFailed,
    Semantic3DError,
)
from .jobs import Job, ReconstructJob, TrainJob

SETUP_HINT = "Run 'Set up the backend' (semantic3d:setup_backend) to install what is missing."

_OWN_PACKAGES = ("semantic3d", "s3d_protocol")
_NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_WINDOWS_NO_ROOM = (39, 112)  # where safetensors gives the system's own numbers
_NO_WAY_IN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)
_MEMORY_WORDS = (
    "memoryerror",
    "bad_alloc",
    "bad allocation",
    "failed to allocate",
    "cannot allocate memory",
    "out of memory",
    "out_of_memory",
    "alloc_failed",
    "smaller than requested bytes",  # onnxruntime's arena
    "paging file is too small",
)


def tells_of_memory(text: str) -> bool:
    """Whether a library's text says that an allocation failed."""
    text = text.lower()
    return any(words in text for words in _MEMORY_WORDS)


def weight_file_errors() -> tuple[type[BaseException], ...]:
    """The exceptions of safetensors, which are neither OSError nor RuntimeError; () where nobody has loaded it."""
    kind = getattr(sys.modules.get("safetensors"), "SafetensorError", None)
    return () if kind is None else (kind,)


def memory_advice(job: Job | None) -> str:
    """Return the next step after memory ran out, with the values that matter."""
    if isinstance(job, TrainJob):
        return _training_advice(job)
    if not isinstance(job, ReconstructJob):
        return "Close other programs, or choose the CPU if the graphics card ran out."
    return (
        f"The memory limit was {job.max_memory_mb} MB and the batch size {job.batch_size} (device {job.device}): "
        "lower them, close other programs, or choose the CPU if the graphics card ran out."
    )


def _training_advice(job: TrainJob) -> str:
    """Smaller batches first, which cost time alone."""
    values = (
        f"A batch had {job.batch_size} patches of {job.patch_px} pixels (gradient checkpointing "
        f"{job.gradient_checkpointing}, device {job.device}): "
    )
    patches = job.batch_size * job.accumulation
    if job.batch_size > 1:
        values += f"BATCH_SIZE 1 with ACCUMULATION {patches} makes as large a step in less memory; "
    return values + "CHECKPOINTING on and a smaller PATCH need less, too. Or close other programs."


def diagnose(fault: BaseException, job: Job | None = None) -> Semantic3DError:
    """Return the error of ours that says what this exception means; ours come back unchanged."""
    if isinstance(fault, Semantic3DError):
        return fault
    if isinstance(fault, KeyboardInterrupt):
        return Cancelled("The job was interrupted.")
    details = {"traceback": "".join(traceback.format_exception(type(fault), fault, fault.__traceback__))}
    said = f"{type(fault).__name__}: {fault}".strip(": ")
    # onnxruntime and torch raise RuntimeErrors of their own for this, so that only the text tells
    of_libraries = (RuntimeError, OSError, *weight_file_errors())
    if isinstance(fault, MemoryError) or (isinstance(fault, of_libraries) and tells_of_memory(said)):
        return OutOfMemory(f"Memory ran out ({_shortened(said)}). {memory_advice(job)}", details)
    if isinstance(fault, ImportError) and (fault.name or "").partition(".")[0] not in _OWN_PACKAGES:
        return MissingDependency(
            f"A package that this job needs does not load in the backend's Python ({_shortened(said)}). {SETUP_HINT}",
            {**details, "package": fault.name or ""},
        )
    number = _system_number(fault)
    if number in _NO_ROOM or (os.name == "nt" and number in _WINDOWS_NO_ROOM and not isinstance(fault, OSError)):
        return OutputFailed(
            f"The disk is full ({_shortened(said)}). Free some space or choose another folder.", details
        )
    if number in _NO_WAY_IN or (number is not None and isinstance(fault, weight_file_errors())):
        return OutputFailed(
            f"A file or folder cannot be used ({_shortened(said)}). Check that it is there, that you may read and "
            "write it, and that its disk is connected and not write-protected, or choose another folder.",
            details,
        )
    if isinstance(fault, weight_file_errors()):
        return InvalidModel(
            f"A file of weights cannot be read ({_shortened(said)}): it is damaged or incomplete. Get the model again.",
            details,
        )
    return InternalError(
        f"The backend failed with {_shortened(said)}{_place(fault)}. "
        "This is a fault of Semantic3D: please report it with the log of this run.",
        details,
    )


def _system_number(fault: BaseException) -> int | None:
    """The operating system's error number; safetensors gives it in words alone."""
    if isinstance(fault, OSError):
        return fault.errno
    found = re.search(r"\(os error (\d+)\)", str(fault)) if isinstance(fault, weight_file_errors()) else None
    return int(found[1]) if found else None


def _place(fault: BaseException) -> str:
    frames = traceback.extract_tb(fault.__traceback__)
    return f", in {frames[-1].name}, line {frames[-1].lineno} of {frames[-1].filename}" if frames else ""


def _shortened(text: str, limit: int = 400) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[:limit] + " ..."
