"""What pyproject.toml cannot say: the version comes from metadata.txt, and one package is a folder of models."""

import configparser
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
BACKEND = "semantic3d_plugin/backend"


def version() -> str:
    """The plugin's version, the only place with the number being metadata.txt."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


setup(
    version=version(),
    packages=find_packages(BACKEND) + ["semantic3d_bundled_models"],
    package_dir={
        "s3d_protocol": f"{BACKEND}/s3d_protocol",
        "semantic3d": f"{BACKEND}/semantic3d",
        "semantic3d_bundled_models": "semantic3d_plugin/models",
    },
    package_data={"semantic3d_bundled_models": ["**/*"], "semantic3d": ["**/*.json", "**/*.css", "**/*.png"]},
)
