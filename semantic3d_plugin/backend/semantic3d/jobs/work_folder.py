"""The folder in which a job keeps its finished blocks, so that it can go on after whatever stops it.

    .semantic3d-3f2a91c07be4/     beside the first output; the digits are the job's identity
        lock                      held by the process that works here
        manifest.json             what the job is; blocks of any other are not taken
        run.json                  the id of the run that works here, in the names of its unfinished outputs, and these
        height/r0000_c0001.<8 hex>.tif
        records/r0000_c0001.json  written last: with it the block counts as finished

A record names its block's files by their hashes, and carries one of itself. Files and records are written aside,
brought to the disk, and renamed; whatever has no record, or another hash than its record says, is done again. Each
attempt at a block has files of its own, so that two workers on the same block never write into each other's.

The folder is made once, when the job begins; one that is gone later was taken away by somebody and is not made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Callable, Iterable, Mapping

from s3d_protocol import OutputFailed, discard_partials
from s3d_protocol.aside import is_job_id
from s3d_protocol.durable import replace_durably
from s3d_protocol.file_hash import file_hash
from s3d_protocol.file_lock import Busy, FileLock

from ..raster.block_file import BlockFile
from ..raster.block_grid import Block, BlockGrid
from ..raster.writer import RasterSpec
from .work_files import ABSENT, at_work, is_link, make_folder, read_json, reading, remove, write_whole

PREFIX = ".semantic3d-"
_LOCK, _MANIFEST, _RUN, _RECORDS = "lock", "manifest.json", "run.json", "records"
_FORMAT = 1
_TOKEN, _DIGEST = re.compile(r"[0-9a-f]{8}"), re.compile(r"[0-9a-f]{64}")
_OWN_DIGEST = "sha256"  # of the record itself, beside its fields
_DEVICES = ("", "cpu", "cpu, cuda", "cuda")
_STEPS_END = 2**63  # they are added up as int64


@dataclass(frozen=True)
class BlockRecord:
    """A finished block.

    Attributes:
        row, column: which one.
        attempt: token in the names of its files.
        files: layer -> [bytes, SHA-256].
        height_steps: sum of its valid heights in steps of 1/1024 m, a whole number.
        height_count: its valid pixels with a height.
        class_pixels: class id, as text -> pixels.
        device: where the model ran for it: "cpu", "cuda", or "cpu, cuda"; empty where no tile was computed.
    """

    row: int
    column: int
    attempt: str
    files: Mapping
    height_steps: int
    height_count: int
    class_pixels: Mapping
    device: str = ""

    @property
    def block(self) -> Block:
        return Block(self.row, self.column)


def identity_of(parts: Mapping) -> str:
    """Return 64 hexadecimal digits for JSON values, as all that changes a job's pixels, or what a record says."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def work_path(output_path: str, identity: str) -> str:
    """Return where the blocks of this job lie: beside its first output."""
    return os.path.join(os.path.dirname(os.path.abspath(output_path)), PREFIX + identity[:12])


class WorkFolder:
    """A work folder in use: only this process's job writes here, with its workers.

    Attributes:
        path: of the folder.
    """

    def __init__(self, path: str, parts: Mapping):
        """Take the folder, created if need be; blocks of another identity in it are thrown away.

        Args:
            parts: what the identity is made of; kept as the manifest.

        Raises:
            OutputFailed: another process works there, or it cannot be read or written. What lies there stays then.
        """
        self.path = path
        self._lock = None
        try:
            make_folder(path)
            make_folder(os.path.join(path, _RECORDS))
            self._lock = FileLock(os.path.join(path, _LOCK), needed=False)
            self._take_over({"format": _FORMAT, "job": json.loads(json.dumps(parts))})
        except Busy as busy:
            who = f"Process {busy.pid}" if busy.pid else "Another process"
            raise OutputFailed(
                f"{who} is already doing this very job (its blocks are in {path}). Wait for it, or end it first and "
                "run the job again: it will continue.",
                {"pid": busy.pid, "folder": path},
            ) from busy
        except OutputFailed:
            self.release()
            raise
        except OSError as error:
            self.release()
            raise OutputFailed(
                f"The work folder {path} cannot be used: {error.strerror or error}. Check that the outputs' folder is "
                "writable, and on a file system that can lock files.",
                {"folder": path},
            ) from error

    def _take_over(self, manifest: dict) -> None:
        place = os.path.join(self.path, _MANIFEST)
        with reading(place):
            found = read_json(place)
        if found != manifest:
            _empty(self.path)
            make_folder(os.path.join(self.path, _RECORDS))
            write_whole(place, manifest)

    def finished(self, layers: Iterable[str], grid: BlockGrid, check_cancelled: Callable[[], None]) -> dict:
        """Return Block -> BlockRecord of the blocks that are there, every byte of them checked; remove the rest.

        Raises:
            OutputFailed: the folder or a file in it cannot be read, or something in it will not go.
        """
        records = {}
        with at_work(self.path):
            for name in sorted(os.listdir(os.path.join(self.path, _RECORDS))):
                path = os.path.join(self.path, _RECORDS, name)
                with reading(path):
                    record = _record_in(read_json(path), name, layers, grid)
                if record is not None and _is_whole(self.path, record, check_cancelled):
                    records[record.block] = record
            self._sweep(records, layers)
        return records

    def begin_run(self, job_id: str, outputs: Iterable[str]) -> None:
        """Note the run that works here from now on; of outputs that a killed one before had begun nothing is left.

        Raises:
            OutputFailed: the disk refuses.
        """
        place, outputs = os.path.join(self.path, _RUN), [os.path.abspath(path) for path in outputs]
        with reading(place):
            before = read_json(place)
        _discard_outputs_of(before, job_id, [*outputs, self.path])
        with at_work(self.path):
            write_whole(place, {"job_id": job_id, "outputs": outputs})

    def count(self, records: Iterable[BlockRecord]) -> int:
        """Return how many of these blocks are still there, by their files' sizes."""
        return sum(os.path.isfile(record_path(self.path, r.block)) and has_files(self.path, r) for r in records)

    def _sweep(self, records: Mapping, layers: Iterable[str]) -> None:
        """Remove what no good record names: torn, damaged, and left by broken attempts."""
        good = {record_path(self.path, block) for block in records}
        good |= {block_path(self.path, layer, record) for record in records.values() for layer in layers}
        for folder in (_RECORDS, *layers):
            place = os.path.join(self.path, folder)
            if is_link(place) or os.path.lexists(place) and not os.path.isdir(place):
                remove(place)  # a link or a file where the layer's folder has to be
            for name in os.listdir(place) if os.path.isdir(place) else ():
                if os.path.join(place, name) not in good:
                    remove(os.path.join(place, name))

    def release(self) -> None:
        """Leave the folder as it is, for the same job to go on."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def remove(self) -> None:
        """Delete the folder; it may be gone already, by somebody else's hand or with the job's unfinished files.

        Raises:
            OSError: something in it will not go.
        """
        if not os.path.exists(self.path):
            self.release()
            return
        try:
            _remove_locked(self.path, self._lock)
        finally:
            self.release()


def remove_if_killed(path: str, outputs: Iterable[str]) -> None:
    """Delete the work folder of a run that was killed, and the outputs that it had begun; one at work keeps its own.

    Args:
        outputs: of the run that takes its place: what was begun lies beside them, or beside the work folder.
    """
    if is_link(path):
        return
    with suppress(OSError, Busy):  # what cannot be read or locked is not ours to judge
        before = read_json(os.path.join(path, _RUN))
        if before is None:
            return
        lock = FileLock(os.path.join(path, _LOCK))
        try:
            _discard_outputs_of(before, "", [*outputs, path])
            _remove_locked(path, lock)
        finally:
            lock.release()


def _discard_outputs_of(run, but_job_id: str, beside: Iterable[str]) -> None:
    """Delete the unfinished outputs of a run, given its note; it may make no sense, or be somebody else's.

    Args:
        beside: paths in whose folders they may lie: no other folder is touched, whatever the note says.
    """
    killed, outputs = (run.get("job_id"), run.get("outputs")) if isinstance(run, dict) else ("", ())
    if not is_job_id(killed) or killed == but_job_id or not isinstance(outputs, list):
        return
    folders = {os.path.dirname(os.path.abspath(path)) for path in beside}
    for output in outputs:
        with suppress(ValueError, TypeError, AttributeError):  # it is no path
            if os.path.dirname(os.path.abspath(output)) in folders:
                discard_partials([output], killed)


def _remove_locked(path: str, lock: FileLock) -> None:
    _empty(path)
    lock.release(remove=True)
    os.rmdir(path)


def _empty(path: str) -> None:
    for name in os.listdir(path):
        if name != _LOCK:
            remove(os.path.join(path, name))


class BlockAttempt:
    """One attempt at a block: its files, from the first rectangle to what its record will say."""

    def __init__(self, folder: str, block: Block, width: int, height: int, specs: Mapping[str, RasterSpec]):
        """Create the files of the layers in `specs` (layer -> what it holds), of `width` x `height` pixels.

        Raises:
            OutputFailed: the disk refuses, or the work folder is gone.
        """
        self._folder, self._block = folder, block
        self._token = uuid.uuid4().hex[:8]
        self._files: dict[str, BlockFile] = {}
        try:
            with at_work(folder):
                for layer, spec in specs.items():
                    make_folder(os.path.join(folder, layer))
                    self._files[layer] = BlockFile(self._path(layer) + ".partial", width, height, spec)
        except OutputFailed:
            self.discard()
            raise

    def _path(self, layer: str) -> str:
        return os.path.join(self._folder, layer, f"{self._block.name}.{self._token}.tif")

    def write(self, layer: str, column: int, row: int, values) -> None:
        """Write a rectangle [bands, H, W] at a pixel of the block."""
        with at_work(self._folder):
            self._files[layer].write(column, row, values)

    def finish(
        self, height_steps: int, height_count: int, class_pixels: Mapping,
        check_cancelled: Callable[[], None], check_input: Callable[[], None],
    ) -> BlockRecord:
        """Bring the block to the disk; it counts as finished when `record_block` has written what this returns.

        Args:
            height_steps, height_count, class_pixels: as in the record.
            check_input: called when all pixels are on the disk; may raise to give the block up.

        Raises:
            OutputFailed: the disk refuses, or the work folder is gone.
        """
        with at_work(self._folder):
            hashes = {layer: list(file.finish(check_cancelled)) for layer, file in self._files.items()}
        record = BlockRecord(*self._block, self._token, hashes, height_steps, height_count, dict(class_pixels))
        check_input()
        with at_work(self._folder):
            for layer, file in self._files.items():
                replace_durably(file.path, self._path(layer))
        return record

    def discard(self) -> None:
        """Delete what this attempt has written; not for one that is finished."""
        for layer, file in self._files.items():
            file.close()
            for path in (file.path, self._path(layer)):
                with suppress(OSError):  # not there, or the disk refuses: the job's next run sweeps
                    os.remove(path)


def record_block(folder: str, record: BlockRecord, device: str) -> BlockRecord:
    """Write the record of a block whose files are on the disk: from here on it is finished.

    Args:
        device: as in the record.

    Raises:
        OutputFailed: the disk refuses, or the work folder is gone.
    """
    record = replace(record, device=device)
    values = asdict(record)
    try:
        with at_work(folder):
            write_whole(record_path(folder, record.block), {**values, _OWN_DIGEST: identity_of(values)})
    except OutputFailed:
        for layer in record.files:
            with suppress(OSError):  # without a record they only take up room
                os.remove(block_path(folder, layer, record))
        raise
    return record


def devices_text(names: Iterable[str]) -> str:
    """Return all devices that records or sessions name, as a `BlockRecord` does."""
    return ", ".join(sorted({device for name in names for device in name.split(", ") if device}))


def record_path(folder: str, block: Block) -> str:
    """Return where a block's record lies."""
    return os.path.join(folder, _RECORDS, block.name + ".json")


def block_path(folder: str, layer: str, record: BlockRecord) -> str:
    """Return a finished block's file of a layer."""
    return os.path.join(folder, layer, f"{record.block.name}.{record.attempt}.tif")


def whole_block_path(folder: str, layer: str, record: BlockRecord, check_cancelled: Callable[[], None]) -> str:
    """Return `block_path`, once the file was seen to be as it was written.

    Raises:
        OutputFailed: it was damaged since, is gone or cannot be read.
    """
    path = block_path(folder, layer, record)
    with at_work(folder):
        if not _is_as_recorded(path, record.files[layer], check_cancelled):
            raise OutputFailed(
                f"{path} was damaged after it had been written. Look after that disk, then run the job again: it "
                "computes this block anew and keeps the others.",
                {"path": path},
            )
    return path


def read_record(path: str, layers: Iterable[str], grid: BlockGrid) -> BlockRecord | None:
    """Read a block's record; None where there is none that can be read, makes sense and is as it was written."""
    with suppress(OSError):
        return _record_in(read_json(path), os.path.basename(path), layers, grid)
    return None


def _record_in(values, name: str, layers: Iterable[str], grid: BlockGrid) -> BlockRecord | None:
    """Return the record that the JSON of a file of this name holds; None where it makes no sense."""
    try:
        written = values.pop(_OWN_DIGEST)
        if identity_of(values) != written:
            return None
        record = BlockRecord(**values)
        sensible = (
            _is_count(record.row, grid.rows - 1)
            and _is_count(record.column, grid.columns - 1)
            and name == record.block.name + ".json"
            and _TOKEN.fullmatch(record.attempt)
            and set(record.files) == set(layers)
            and all(type(size) is int and _DIGEST.fullmatch(digest) for size, digest in record.files.values())
            and record.device in _DEVICES
            and _totals_fit(record, grid)
        )
    except (TypeError, ValueError, AttributeError, KeyError):
        return None
    return record if sensible else None


def has_files(folder: str, record: BlockRecord) -> bool:
    """Whether a block's files are there and as long as its record says."""
    try:
        return all(os.path.getsize(block_path(folder, layer, record)) == size for layer, (size, _) in
                   record.files.items())
    except OSError:
        return False


def _totals_fit(record: BlockRecord, grid: BlockGrid) -> bool:
    _, _, width, height = grid.window(record.block)
    pixels, steps = width * height, record.height_steps
    return (
        _is_count(record.height_count, pixels)
        and type(steps) is int
        and -_STEPS_END <= steps < _STEPS_END
        and (steps == 0 or record.height_count > 0)
        and all(0 <= int(key) < 256 and _is_count(count, pixels) for key, count in record.class_pixels.items())
        and sum(record.class_pixels.values()) <= pixels
    )


def _is_count(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most  # a bool counts nothing


def _is_whole(folder: str, record: BlockRecord, check_cancelled: Callable[[], None]) -> bool:
    for layer, recorded in record.files.items():
        check_cancelled()
        path = block_path(folder, layer, record)
        try:
            with reading(path):
                if not _is_as_recorded(path, recorded, check_cancelled):
                    return False
        except ABSENT:
            return False
    return True


def _is_as_recorded(path: str, recorded: Iterable, check_cancelled: Callable[[], None]) -> bool:
    size, digest = recorded
    return os.path.getsize(path) == size and file_hash(path, check_cancelled) == digest


