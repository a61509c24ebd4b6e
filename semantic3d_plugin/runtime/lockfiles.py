"""The pinned packages of each environment: which file, which packages, how much room."""

from __future__ import annotations

import hashlib
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
    def name(self) -> str:
        """The environment's folder name: a changed lock is another environment."""
        paths = [self.path] + ([self.torch_cuda_path] if self.torch_cuda_path else [])
        text = "".join(path.read_text(encoding="utf-8") for path in paths)
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
