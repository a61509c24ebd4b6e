"""What tests of jobs in blocks share."""

import os

import pytest
from fake_model import write_fake_package


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 64 pixels instead of 4096."""
    monkeypatch.setenv("SEMANTIC3D_BLOCK_PX", "64")
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # no power fails here, and disks take their time


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """A model whose tiles of 64 pixels look at their surroundings."""
    return write_fake_package(tmp_path_factory.mktemp("model") / "fake", blur_px=5)
