"""What others made and we read: bounded fuzzing, the same examples at each run."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "backend"))  # the fake models

settings.register_profile("hostile", max_examples=80, derandomize=True, deadline=None, database=None)
settings.load_profile("hostile")
