"""Nothing is installed for the tests: both sides are imported from where they stand.

No Python has both QGIS and the backend's packages: what this one cannot run is left out, and said at the head.
"""

import importlib.util
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
for folder in (REPOSITORY, REPOSITORY / "semantic3d_plugin" / "backend"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

NEEDS = {"backend": "onnxruntime", "end_to_end": "rasterio", "plugin": "qgis"}
collect_ignore = [name for name, module in NEEDS.items() if importlib.util.find_spec(module) is None]


def pytest_report_header():
    return [f"tests/{name} is left out: this Python has no {NEEDS[name]}" for name in collect_ignore]
