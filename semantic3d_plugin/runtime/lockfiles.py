"""The pinned packages of each environment: which file, which packages, how much room."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "locks"
PROFILES = ("light", "full")
ACCELERATORS = ("cpu", "cuda")
NEWEST_PYTHON = (3, 14)
OLDEST_PYTHON = {"cpu": (3, 10), "cuda": (3, 11)}

_LIGHT_MODULES = ("numpy", "rasterio", "onnxruntime")
_FULL_MODULES = _LIGHT_MODULES + (
    "scipy",
    "safetensors",
    "onnx",
    "torch",
    "onnxscript",
    "accelerate",
    "diffusers",
    "peft",
)
MODULES = {"light": _LIGHT_MODULES, "full": _FULL_MODULES}

# MB that must be free: the packages, their downloads and the one environment that a repair replaces.
_ROOM_MB = {"light-cpu": 800, "full-cpu": 7000, "light-cuda": 6000, "full-cuda": 14000}


@dataclass(frozen=True)
class Lock:
    """The pins of one environment.

    Attributes:
        path: requirements file with a hash for every file of every pin.
        torch_cuda_path: further pins, wanted where torch turns out to be its CUDA build; None elsewhere.
    """

    profile: str
    accelerator: str

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.profile}-{self.accelerator}.txt"

    @property
    def torch_cuda_path(self) -> Path | None:
        path = FOLDER / f"{self.profile}-{self.accelerator}-torch-cuda.txt"
        return path if path.is_file() else None

    @property
    def local_builds_path(self) -> Path | None:
        """Builds that a mirror or folder may offer in the place of a pin, under a local version."""
        path = FOLDER / f"{self.profile}-{self.accelerator}-local-builds.txt"
        return path if path.is_file() else None

    def text_with_local_builds(self) -> str:
        """The pins, those of `local_builds_path` in the place of their namesakes."""
        local = self.local_builds_path.read_text(encoding="utf-8") if self.local_builds_path else ""
        names = set(re.findall(r"^([A-Za-z0-9_.-]+)==", local, re.MULTILINE))
        pins = re.split(r"\n(?=[A-Za-z0-9])", self.path.read_text(encoding="utf-8"))
        return "\n".join([pin for pin in pins if pin.split("==")[0] not in names] + [local])

    @property
    def name(self) -> str:
        """The environment's folder name: a changed lock is another environment."""
        paths = (self.path, self.torch_cuda_path, self.local_builds_path)
        text = "".join(path.read_text(encoding="utf-8") for path in paths if path)
        digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
        return f"{self.profile}-{self.accelerator}-{digest[:8]}"

    @property
    def modules(self) -> tuple[str, ...]:
        """What must be importable when the packages are in."""
        return MODULES[self.profile]

    @property
    def room_mb(self) -> int:
        return _ROOM_MB[f"{self.profile}-{self.accelerator}"]

    @property
    def oldest_python(self) -> tuple[int, int]:
        return OLDEST_PYTHON[self.accelerator]
