"""A reconstruct job's work folder: found again by the same job, left behind when that is worth it."""

from __future__ import annotations

import glob
import hashlib
import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Mapping

from s3d_protocol import Cancelled, JobControl, OutputFailed, partial_path

from ..inference.session import InferenceSession
from .image_identity import ImageChanged
from .reconstruct_plan import Plan
from .work_folder import (
    PREFIX,
    BlockRecord,
    WorkFolder,
    devices_text,
    identity_of,
    record_block,
    remove_if_killed,
    work_path,
)


_OF_ONE_RUN = ".work"  # ends the name of a folder that no other run continues
_ANY_RUN = "any-run"
_COMPUTING = ("inference", "jobs", "metrics", "models", "raster")  # the folders whose code makes pixels


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """Return 64 hexadecimal digits from the code that makes pixels: it may change while the version does not."""
    root, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for path in sorted(path for folder in _COMPUTING for path in (root / folder).glob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def identity_parts(plan: Plan, image_fingerprint: str, tags: Mapping) -> dict:
    """Return what the job's identity is made of: everything that changes a byte of its outputs.

    Args:
        tags: of provenance; they name model, parameters, device and the versions of the software.
    """
    return {
        "image": image_fingerprint,
        "window_px": list(plan.window),
        "transform": list(plan.grid.transform[:6]),
        "crs": plan.grid.crs.to_wkt() if plan.grid.crs else "",
        "gsd_m": [plan.size.x_m, plan.size.y_m],
        "layers": list(plan.layers),
        "block_px": plan.block_px,
        "machine": platform.machine(),
        "code": code_fingerprint(),
        "tags": dict(tags),
    }


class Watched:
    """A model that remembers where it has run. A block's record names all devices of the walk up to that block."""

    def __init__(self, session: InferenceSession):
        self._session, self._devices = session, set()

    def run(self, images, roles: tuple) -> dict:
        outputs = self._session.run(images, roles)
        self._devices.add(self._session.device)  # looked at afterwards: a card that failed has not computed these
        return outputs

    @property
    def lanes(self) -> int:
        """As of the model."""
        return self._session.lanes

    @property
    def device(self) -> str:
        """As in a `BlockRecord`."""
        return devices_text(self._devices)


class KeptWork:
    """Around a job: its work folder goes when the job has succeeded, or when nothing in it is worth keeping."""

    def __init__(self, control: JobControl):
        self._control = control
        self._folder: WorkFolder | None = None
        self._total, self._lasting = 0, False
        self._unread = False  # blocks of an earlier run, not looked over yet
        self.records: dict = {}

    @property
    def path(self) -> str:
        return self._folder.path

    def take(self, plan: Plan, image_fingerprint: str, tags: Mapping) -> None:
        """Open the job's folder, and look over the blocks that an earlier run has left.

        An image of one block gets a folder of its own that goes with the job: there is nothing to continue. So does
        a job that is to keep nothing. What killed runs into the same file have left of theirs goes.

        Raises:
            OutputFailed: another process does the same job, or the folder cannot be used.
        """
        control, first = self._control, next(iter(plan.job.outputs().values()))
        parts = identity_parts(plan, image_fingerprint, tags)
        self._total = plan.blocks.count
        self._lasting = lasting = self._total > 1 and plan.job.keep_blocks
        path = work_path(first, identity_of(parts))
        if not lasting:
            path = os.path.abspath(partial_path(first, control.job_id) + _OF_ONE_RUN)
        _tell_of_others(path, control)
        self._unread = lasting and os.path.isdir(path)
        if self._unread:
            control.log("Checking the blocks that an earlier run has left.")
        for left in _folders_of_one_run(first):
            remove_if_killed(left, plan.job.outputs().values())
        self._folder = WorkFolder(path, parts)
        self._folder.begin_run(control.job_id, plan.job.outputs().values())
        if lasting:
            control.log(f"Finished blocks are kept in {path} until the outputs are whole.")
        self.records = self._folder.finished(plan.layers, plan.blocks, control.check_cancelled)
        self._unread = False
        if self.records:
            control.log(f"Continuing: {len(self.records)} of {self._total} blocks are there.")

    def finish(self, model: Watched, record: BlockRecord) -> None:
        """Record a block that `model` has computed, and count it."""
        self.add(record_block(self.path, record, model.device))

    def add(self, record: BlockRecord) -> None:
        """Count a block that was finished just now."""
        self.records[record.block] = record

    def __enter__(self) -> KeptWork:
        return self

    def __exit__(self, kind, error, trace) -> None:
        if self._folder is None:
            return
        is_wanted = error is not None and not isinstance(error, ImageChanged)
        if is_wanted and self._unread:
            self._folder.release()
            self._control.log(
                f"The blocks of an earlier run are kept in {self.path}: the same job run again continues with them.",
                "warning",
            )
            return
        if is_wanted and self.records and self._lasting:
            kept = self._folder.count(self.records.values())
            self._folder.release()
            if not kept:  # somebody has taken the folder away; the error says so
                return
            how = "cancelled" if isinstance(error, Cancelled) else "stopped by an error"
            self._control.log(
                f"The job was {how}. {kept} of {self._total} blocks are kept in {self.path}: the same job "
                "run again continues with them. Delete that folder if you do not want to continue.",
                "warning",
            )
            return
        try:
            self._folder.remove()
        except OSError as fault:
            self._control.log(
                f"The work folder {self.path} could not be deleted ({fault.strerror or fault}), please do so.",
                "warning",
            )


def has_kept_work(output_path: str) -> bool:
    """Tell whether any job has left blocks beside this output."""
    return bool(_work_folders(os.path.dirname(os.path.abspath(output_path))))


def _folders_of_one_run(output_path: str) -> list[str]:
    """Return the work folders that belong to single runs with this first output, whichever run."""
    folder, name = os.path.split(os.path.abspath(output_path))
    begin, _, end = partial_path(name, _ANY_RUN).partition(_ANY_RUN)
    return glob.glob(os.path.join(glob.escape(folder), glob.escape(begin) + "*" + glob.escape(end + _OF_ONE_RUN)))


def _tell_of_others(path: str, control: JobControl) -> None:
    others = [name for name in _work_folders(os.path.dirname(path)) if name != os.path.basename(path)]
    if others:
        control.log(
            f"Blocks of other jobs lie in {os.path.dirname(path)}: {', '.join(others)}. Each is taken up by the job "
            "that left it, with the same image, model and parameters; delete those that you do not need."
        )


def _work_folders(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.startswith(PREFIX))
    except OSError as error:
        raise OutputFailed(f"The folder {folder} cannot be read: {error.strerror or error}.") from error
