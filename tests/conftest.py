"""Nothing is installed for the tests: both sides are imported from where they stand."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
for folder in (REPOSITORY, REPOSITORY / "semantic3d_plugin" / "backend"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
