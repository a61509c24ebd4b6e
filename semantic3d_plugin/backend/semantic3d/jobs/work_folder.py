"""The folder in which a job keeps its finished blocks, so that it can go on after whatever stops it.

    .semantic3d-3f2a91c07be4/     beside the first output; the digits are the job's identity
        lock                      held by the process that works here
        manifest.json             what the job is; blocks of any other are not taken
        height/r0000_c0001.<8 hex>.tif
        records/r0000_c0001.json  written last: with it the block counts as finished

A record names its block's files by their hashes. Files and records are written aside, brought to the disk, and
renamed; whatever has no record, or another hash than its record says, is done again. Each attempt at a block has
files of its own, so that two workers on the same block never write into each other's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from dataclasses import asdict, dataclass
from typing import Callable, Iterable, Mapping

from s3d_protocol import OutputFailed
from s3d_protocol.file_hash import file_hash
from s3d_protocol.file_lock import Busy, FileLock

from ..raster.block_file import BlockFile
from ..raster.block_grid import Block, BlockGrid
from ..raster.writer import RasterSpec, failed

PREFIX = ".semantic3d-"
_LOCK, _MANIFEST, _RECORDS = "lock", "manifest.json", "records"
_FORMAT = 1
_MOST_RECORD_BYTES = 100_000
_TOKEN = re.compile(r"[0-9a-f]{8}")


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
    """

    row: int
    column: int
    attempt: str
    files: Mapping
    height_steps: int
    height_count: int
    class_pixels: Mapping

    @property
    def block(self) -> Block:
        return Block(self.row, self.column)


def identity_of(parts: Mapping) -> str:
    """Return the identity of a job, 64 hexadecimal digits, from all that changes its pixels (JSON values)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def work_path(output_path: str, identity: str) -> str:
    """Return where the blocks of this job lie: beside its first output."""
    return os.path.join(os.path.dirname(os.path.abspath(output_path)), PREFIX + identity[:12])


class WorkFolder:
    """A work folder in use: only this process's job writes here, with its workers.

    Attributes:
        path: of the folder.
    """

    def __init__(self, path: str, parts: Mapping, lasting: bool):
        """Take the folder, created if need be; blocks of another identity in it are thrown away.

        Args:
            parts: what the identity is made of; kept as the manifest.
            lasting: whether it may outlive the job. One that may not needs no lock: its name is the job's own.

        Raises:
            OutputFailed: another process works there, or it cannot be written.
        """
        self.path = path
        self._lasting, self._lock = lasting, None
        try:
            os.makedirs(os.path.join(path, _RECORDS), exist_ok=True)
            if lasting:
                self._lock = FileLock(os.path.join(path, _LOCK), needed=False)
            self._take_over({"format": _FORMAT, "job": json.loads(json.dumps(parts))})
        except Busy as busy:
            who = f"Process {busy.pid}" if busy.pid else "Another process"
            raise OutputFailed(
                f"{who} is already doing this very job (its blocks are in {path}). Wait for it, or end it first and "
                "run the job again: it will continue.",
                {"pid": busy.pid, "folder": path},
            ) from busy
        except OSError as error:
            self.release()
            raise OutputFailed(
                f"The work folder {path} cannot be used: {error.strerror or error}. Check that the outputs' folder is "
                "writable, and on a file system that can lock files.",
                {"folder": path},
            ) from error

    def _take_over(self, manifest: dict) -> None:
        place = os.path.join(self.path, _MANIFEST)
        if _read_json(place) != manifest:
            for name in os.listdir(self.path):
                if name != _LOCK:
                    _remove(os.path.join(self.path, name))
            os.makedirs(os.path.join(self.path, _RECORDS))
            write_whole(place, manifest)

    def finished(self, layers: Iterable[str], grid: BlockGrid, check_cancelled: Callable[[], None]) -> dict:
        """Return Block -> BlockRecord of the blocks that are there, every byte of them checked; remove the rest."""
        records = {}
        for name in sorted(os.listdir(os.path.join(self.path, _RECORDS))):
            record = read_record(os.path.join(self.path, _RECORDS, name), layers, grid)
            if record is not None and _is_whole(self.path, record, check_cancelled):
                records[record.block] = record
        self._sweep(records, layers)
        return records

    def _sweep(self, records: Mapping, layers: Iterable[str]) -> None:
        """Remove what no good record names: torn, damaged, and left by broken attempts."""
        good = {os.path.join(self.path, _RECORDS, block.name + ".json") for block in records}
        good |= {block_path(self.path, layer, record) for record in records.values() for layer in layers}
        for folder in (_RECORDS, *layers):
            place = os.path.join(self.path, folder)
            for name in os.listdir(place) if os.path.isdir(place) else ():
                if os.path.join(place, name) not in good:
                    _remove(os.path.join(place, name))

    def release(self) -> None:
        """Leave the folder as it is, for the same job to go on."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def remove(self) -> None:
        """Delete the folder; one that does not last may be gone already, with the job's other unfinished files.

        Raises:
            OSError: something in it will not go.
        """
        if not self._lasting and not os.path.exists(self.path):
            return
        try:
            for name in os.listdir(self.path):
                if name != _LOCK:
                    _remove(os.path.join(self.path, name))
            if self._lock is not None:
                self._lock.release(remove=True)
                self._lock = None
            os.rmdir(self.path)
        finally:
            self.release()


class BlockAttempt:
    """One attempt at a block: its files, from the first rectangle to the record."""

    def __init__(self, folder: str, block: Block, width: int, height: int, specs: Mapping[str, RasterSpec]):
        """Create the files of the layers in `specs` (layer -> what it holds), of `width` x `height` pixels."""
        self._folder, self._block = folder, block
        self._token = uuid.uuid4().hex[:8]
        self._files: dict[str, BlockFile] = {}
        for layer, spec in specs.items():
            os.makedirs(os.path.join(folder, layer), exist_ok=True)
            self._files[layer] = BlockFile(self._path(layer) + ".partial", width, height, spec)

    def _path(self, layer: str) -> str:
        return os.path.join(self._folder, layer, f"{self._block.name}.{self._token}.tif")

    def write(self, layer: str, column: int, row: int, values) -> None:
        """Write a rectangle [bands, H, W] at a pixel of the block."""
        self._files[layer].write(column, row, values)

    def finish(
        self, height_steps: int, height_count: int, class_pixels: Mapping,
        check_cancelled: Callable[[], None], check_input: Callable[[], None],
    ) -> BlockRecord:
        """Bring the block to the disk and record it; from here on it is finished.

        Args:
            height_steps, height_count, class_pixels: as in the record.
            check_input: called right before the block counts; may raise to give it up.

        Raises:
            OutputFailed: the disk refuses.
        """
        hashes = {layer: list(file.finish(check_cancelled)) for layer, file in self._files.items()}
        record = BlockRecord(*self._block, self._token, hashes, height_steps, height_count, dict(class_pixels))
        check_input()
        try:
            for layer, file in self._files.items():
                os.replace(file.path, self._path(layer))
                sync_folder(os.path.dirname(file.path))
            write_whole(os.path.join(self._folder, _RECORDS, self._block.name + ".json"), asdict(record))
        except OSError as error:
            raise failed(self._folder, error) from error
        return record

    def discard(self) -> None:
        """Delete what this attempt has written; not for one that is finished."""
        for layer, file in self._files.items():
            file.close()
            for path in (file.path, self._path(layer)):
                if os.path.exists(path):
                    os.remove(path)


def block_path(folder: str, layer: str, record: BlockRecord) -> str:
    """Return a finished block's file of a layer."""
    return os.path.join(folder, layer, f"{record.block.name}.{record.attempt}.tif")


def read_record(path: str, layers: Iterable[str], grid: BlockGrid) -> BlockRecord | None:
    """Read a block's record; None where there is none that makes sense."""
    values = _read_json(path)
    try:
        record = BlockRecord(**values)
        sensible = (
            0 <= record.row < grid.rows
            and 0 <= record.column < grid.columns
            and os.path.basename(path) == record.block.name + ".json"
            and _TOKEN.fullmatch(record.attempt)
            and set(record.files) == set(layers)
            and all(isinstance(size, int) and isinstance(digest, str) for size, digest in record.files.values())
            and isinstance(record.height_steps, int)
            and isinstance(record.height_count, int)
            and all(0 <= int(key) < 256 and isinstance(count, int) for key, count in record.class_pixels.items())
        )
    except (TypeError, ValueError, AttributeError):
        return None
    return record if sensible else None


def write_whole(path: str, values: Mapping) -> None:
    """Write JSON aside, bring it to the disk and put it in its place.

    Raises:
        OSError: the disk refuses.
    """
    aside = f"{path}.{uuid.uuid4().hex[:8]}.partial"
    with open(aside, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)
    sync_folder(os.path.dirname(path))


def sync_folder(path: str) -> None:
    """Bring a folder's entries to the disk, where the system knows how to."""
    if os.name == "nt":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _is_whole(folder: str, record: BlockRecord, check_cancelled: Callable[[], None]) -> bool:
    for layer, (size, digest) in record.files.items():
        check_cancelled()
        path = block_path(folder, layer, record)
        try:
            if os.path.getsize(path) != size or file_hash(path, check_cancelled) != digest:
                return False
        except OSError:  # missing, or the disk cannot read it: done again
            return False
    return True


def _read_json(path: str):
    try:
        with open(path, "rb") as file:
            return json.loads(file.read(_MOST_RECORD_BYTES))
    except (OSError, ValueError, RecursionError):  # none, torn or damaged
        return None


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)
