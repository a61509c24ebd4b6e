"""The files of a model package, in a folder or in a zip, read without trusting either.

Nothing is unpacked to disk. A file is read only if the manifest lists it, no further than its listed size, and
its bytes count only after their hash agreed. Files that the manifest does not list are refused, because a
package that carries more than it says is not the package it says it is.
"""
from __future__ import annotations

import hashlib
import os
import stat
import struct
import zipfile
import zlib

from s3d_protocol.errors import InvalidModel

from .package_manifest import LARGEST_MANIFEST_BYTES, MANIFEST_NAME, MOST_FILES, hash_digits, is_plain_file_name

_MOST_INFLATION = 10  # weights hardly compress; only a bomb grows further than this
_SMALL_BYTES = 1 << 24
_LARGEST_LISTING_BYTES = 1 << 20
_LEAST_HEADER_BYTES = 30  # before each entry's own bytes
_END_BYTES = 22 + 65_535 + 20 + 56  # end record, its comment, zip64 locator and record
_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError, struct.error,
    KeyError,
)
_DESKTOP_DROPPINGS = {".ds_store", "thumbs.db", "desktop.ini", ".directory"}
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


class FolderFiles:
    """A package in a folder."""

    def __init__(self, path: str):
        self.path = path

    def names(self) -> list:
        """Names of all files; InvalidModel on links, folders and odd names."""
        names = []
        for entry in sorted(os.scandir(self.path), key=lambda item: item.name):
            if _is_dropping(entry.name):
                continue
            if entry.is_symlink():
                raise InvalidModel(f"The package holds a link ({_shown(entry.name)}); only plain files are allowed.")
            if entry.is_dir():
                raise InvalidModel(f"The package holds a folder ({_shown(entry.name)}); only plain files are allowed.")
            if not entry.is_file():
                raise InvalidModel(f"The package holds {_shown(entry.name)}, which is no plain file.")
            names.append(_checked_name(entry.name))
        return _counted(names)

    def has_manifest(self) -> bool:
        """Whether manifest.json is there, whatever else is."""
        return os.path.isfile(os.path.join(self.path, MANIFEST_NAME))

    def read(self, name: str, limit: int) -> bytes:
        """At most `limit` + 1 bytes of a file."""
        with open(os.path.join(self.path, name), "rb") as stream:
            return stream.read(limit + 1)


class ZipFiles:
    """A package in a zip, at its root or inside one folder."""

    def __init__(self, path: str):
        self.path = path
        self._members = None

    def names(self) -> list:
        """Names of all files; InvalidModel on escapes, links, encryption and odd names."""
        if _listing_bytes(self.path) > _LARGEST_LISTING_BYTES:
            raise InvalidModel(f"The zip's list of files is larger than {_LARGEST_LISTING_BYTES} bytes.")
        try:
            with zipfile.ZipFile(self.path) as archive:
                infos = archive.infolist()
        except _ZIP_ERRORS as error:
            raise InvalidModel(f"The package is not a readable zip ({ascii(str(error))}).") from error
        if len(infos) > 4 * MOST_FILES:
            raise InvalidModel(f"The zip holds {len(infos)} entries; a package has at most {MOST_FILES} files.")
        self._members = self._checked_members(infos)
        self._check_places(infos)
        return _counted(sorted(self._members))

    def has_manifest(self) -> bool:
        """Whether manifest.json is there; InvalidModel as for `names`."""
        return MANIFEST_NAME in self.names()

    def read(self, name: str, limit: int) -> bytes:
        """At most `limit` + 1 bytes of a file, however far the entry would inflate, and whatever size it claims."""
        if self._members is None:
            self.names()
        try:
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(self._members[name])
                with archive.open(info) as stream:
                    return stream.read(min(limit, info.file_size) + 1)
        except _ZIP_ERRORS as error:
            raise InvalidModel(f'"{name}" cannot be read from the zip ({ascii(str(error))}).') from error

    def _check_places(self, infos) -> None:
        """Check that the entries' compressed bytes lie in the file, each in a place of its own.

        What the list of files says of them decides how far they may grow, and is nobody's word but the zip's.
        """
        end = 0
        for info in sorted(infos, key=lambda item: item.header_offset):
            if info.header_offset < end:
                raise InvalidModel(f"The zip entry {_shown(info.filename)} lies over another one; it is refused.")
            end = info.header_offset + _LEAST_HEADER_BYTES + info.compress_size
        if end > os.path.getsize(self.path):
            raise InvalidModel(f"The zip {_shown(os.path.basename(self.path))} lists more bytes than it has.")

    @staticmethod
    def _checked_members(infos) -> dict:
        parts_of = {}
        for info in infos:
            parts = info.filename.split("/")
            if ".." in parts or info.filename.startswith("/") or "\\" in info.filename or ":" in info.filename:
                raise InvalidModel(f"The zip tries to leave its folder with the entry {_shown(info.filename)}.")
            if parts[0] == "__MACOSX" or _is_dropping(parts[-1]) or info.is_dir():
                continue
            if stat.S_ISLNK(info.external_attr >> 16):
                raise InvalidModel(f"The package holds a link ({_shown(info.filename)}); only plain files are allowed.")
            if info.flag_bits & 0x1:
                raise InvalidModel(f"The zip entry {_shown(info.filename)} is encrypted.")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others inflate without a limit
                raise InvalidModel(f"The zip entry {_shown(info.filename)} is neither stored nor deflated; it is refused.")
            if info.file_size > max(_SMALL_BYTES, _MOST_INFLATION * info.compress_size):
                raise InvalidModel(
                    f"The zip entry {_shown(info.filename)} would grow from {info.compress_size} to {info.file_size} "
                    "bytes; it is taken for a bomb."
                )
            if info.filename in parts_of:
                raise InvalidModel(f"The zip holds {_shown(info.filename)} twice.")
            parts_of[info.filename] = parts
        tops = {parts[0] for parts in parts_of.values() if len(parts) > 1}
        root = 1 if len(tops) == 1 and all(len(parts) > 1 for parts in parts_of.values()) else 0
        members = {}
        for filename, parts in parts_of.items():
            if len(parts) != root + 1:
                raise InvalidModel(f"The package holds a folder ({_shown(filename)}); only plain files are allowed.")
            name = _checked_name(parts[root])
            if name in members:
                raise InvalidModel(f'The zip holds "{name}" twice.')
            members[name] = filename
        return members


def read_manifest_bytes(files) -> bytes:
    """The bytes of manifest.json; InvalidModel if there is none."""
    if not files.has_manifest():
        raise InvalidModel(
            f'"{files.path}" has no {MANIFEST_NAME}. Choose the folder or zip of a model package, or an ONNX file '
            "with Deepness metadata."
        )
    return files.read(MANIFEST_NAME, LARGEST_MANIFEST_BYTES)


def check_listing(files, listed: dict) -> None:
    """Every file is listed, every listed file is there; InvalidModel names the first that is not."""
    present = set(files.names()) - {MANIFEST_NAME}
    for name in sorted(present - set(listed)):
        raise InvalidModel(f'The package holds "{name}", which its manifest does not list. Remove the file.')
    for name in sorted(set(listed) - present):
        raise InvalidModel(f'The manifest lists "{name}", but the package does not hold it.')


def read_verified(files, name: str, entry: dict) -> bytes:
    """The bytes of a listed file, after size, hash and kind agreed with the manifest.

    Raises:
        InvalidModel: another size or hash than the manifest says, or a pickle behind an innocent name.
    """
    data = files.read(name, entry["bytes"])
    if len(data) != entry["bytes"]:
        size = f"more than {entry['bytes']}" if len(data) > entry["bytes"] else str(len(data))
        raise InvalidModel(f'"{name}" has {size} bytes, but the manifest says {entry["bytes"]}.')
    digest = hashlib.sha256(data).hexdigest()
    if digest != hash_digits(entry["sha256"]):
        raise InvalidModel(
            f'"{name}" has the hash sha256:{digest[:12]}..., but the manifest says '
            f'sha256:{hash_digits(entry["sha256"])[:12]}...: it was changed or damaged. Get the package again.'
        )
    if data.startswith(_PICKLE_STARTS) or data.startswith(b"PK\x03\x04"):
        raise InvalidModel(f'"{name}" is a pickle or an archive, which may run code on load; it is refused.')
    return data


def _is_dropping(name: str) -> bool:
    """Whether a desktop left the file; "._NAME" is what macOS leaves on disks of other systems."""
    return name.startswith("._") or name.lower() in _DESKTOP_DROPPINGS


def _checked_name(name: str) -> str:
    if not is_plain_file_name(name):
        raise InvalidModel(f"The package holds a file with an odd name ({_shown(name)}); it is refused.")
    return name


def _shown(name: str) -> str:
    """A name from elsewhere as ASCII on one line."""
    return ascii(name[:80])


def _listing_bytes(path: str) -> int:
    """Bytes of the zip's central directory as its end record says, which zipfile would read into memory whole."""
    with open(path, "rb") as stream:
        stream.seek(max(0, os.path.getsize(path) - _END_BYTES))
        tail = stream.read(_END_BYTES)
    found = [int.from_bytes(tail[at + 12:at + 16], "little") for at in _places(tail, b"PK\x05\x06")]
    found += [int.from_bytes(tail[at + 40:at + 48], "little") for at in _places(tail, b"PK\x06\x06")]
    return max((size for size in found if size != 0xFFFFFFFF), default=0)  # that value points to the zip64 record


def _places(data: bytes, mark: bytes):
    at = data.find(mark)
    while at >= 0:
        yield at
        at = data.find(mark, at + 1)


def _counted(names: list) -> list:
    if len(names) > MOST_FILES + 1:
        raise InvalidModel(f"The package holds {len(names)} files; at most {MOST_FILES} are allowed.")
    return names
