"""The layer styles that jobs leave beside their rasters: not where they would style, or replace, somebody else's."""

from __future__ import annotations

from typing import Callable

from s3d_protocol import JobControl, OutputFailed, partial_path

from ..exporters import qml


def write_style_aside(path: str, control: JobControl, write: Callable[[str], object]) -> None:
    """Write the .qml of a raster output aside, or say why there is none: the plugin then styles the layer itself.

    Args:
        path: of the output, which lies aside as yet.
        write: writes the style beside the raster whose path it is given.

    Raises:
        OutputFailed: it cannot be written.
    """
    try:
        reason = qml.obstacle(path)
        if reason:
            control.log(reason)
        else:
            write(partial_path(path, control.job_id))
    except OSError as error:
        raise OutputFailed(f"The layer style beside {path} cannot be written: {error}.") from error
