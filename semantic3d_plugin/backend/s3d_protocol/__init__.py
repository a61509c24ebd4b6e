"""What QGIS and the backend both know: messages, jobs, error codes and names of unfinished files.

Standard library only and relative imports only, so that it works under either Python and under any
package name: QGIS imports it as ``semantic3d_plugin.backend.s3d_protocol``, the backend as ``s3d_protocol``.
"""

from .aside import (
    discard_partials,
    new_job_id,
    partial_files,
    partial_path,
    publish,
    publish_folder,
    remove_partial,
)
from .control import JobControl
from .detect_shadows_job import DetectShadowsJob
from .errors import (
    BackendCrashed,
    BackendHung,
    BackendMissing,
    Cancelled,
    DeviceUnavailable,
    InternalError,
    InvalidInput,
    InvalidModel,
    InvalidParameter,
    MissingDependency,
    OutOfMemory,
    OutputFailed,
    ProtocolMismatch,
    Semantic3DError,
    from_message,
)
from .evaluate_job import EvaluateJob
from .job_base import DEVICES, Job
from .jobs import JOB_TYPES, DoctorJob, ReconstructJob, job_from_dict
from .messages import PROTOCOL_VERSION, BadMessage, decode, encode
from .namesakes import namesake
from .train_job import (
    CHECKPOINTING,
    HEIGHT_LOSSES,
    TrainJob,
    check_hub_id,
    is_hub_id,
    model_name_of,
    read_class_map,
    usual_validate_every,
)
from .version import product_version

__all__ = [
    "CHECKPOINTING",
    "DEVICES",
    "HEIGHT_LOSSES",
    "JOB_TYPES",
    "PROTOCOL_VERSION",
    "BackendCrashed",
    "BackendHung",
    "BackendMissing",
    "BadMessage",
    "Cancelled",
    "DetectShadowsJob",
    "DeviceUnavailable",
    "DoctorJob",
    "EvaluateJob",
    "InternalError",
    "InvalidInput",
    "InvalidModel",
    "InvalidParameter",
    "Job",
    "JobControl",
    "MissingDependency",
    "OutOfMemory",
    "OutputFailed",
    "ProtocolMismatch",
    "ReconstructJob",
    "Semantic3DError",
    "TrainJob",
    "check_hub_id",
    "decode",
    "discard_partials",
    "encode",
    "from_message",
    "is_hub_id",
    "job_from_dict",
    "model_name_of",
    "namesake",
    "new_job_id",
    "partial_files",
    "partial_path",
    "product_version",
    "publish",
    "publish_folder",
    "read_class_map",
    "remove_partial",
    "usual_validate_every",
]
