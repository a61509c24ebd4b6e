"""Light and viewing geometry: cast shadows, Lambert shading, relief displacement.

Shadows and displacement both work on scan lines sheared into the direction
of the sun or of the view, where they become one running maximum.
"""
from __future__ import annotations

import numpy as np


def _sheared_frame(shape, direction_xy):
    """How to lay lines along ``direction_xy`` on axis 0, increasing with it.

    Returns (transpose, flip, offsets [rows], width, step) with ``step`` the
    length of one row step in pixels.
    """
    along_x, along_y = float(direction_xy[0]), float(direction_xy[1])
    transpose = abs(along_x) > abs(along_y)
    major, minor = (along_x, along_y) if transpose else (along_y, along_x)
    rows, columns = (shape[1], shape[0]) if transpose else shape
    flip = major < 0
    ratio = minor / abs(major)
    offsets = np.rint(-ratio * np.arange(rows)).astype(np.int64)
    offsets -= offsets.min()
    return transpose, flip, offsets, columns + int(offsets.max()), float(np.hypot(1.0, ratio))


def _shear(layer, frame, fill=0):
    transpose, flip, offsets, width, _ = frame
    view = layer.T if transpose else layer
    view = view[::-1] if flip else view
    out = np.full((view.shape[0], width), fill, layer.dtype)
    for row, offset in enumerate(offsets):
        out[row, offset:offset + view.shape[1]] = view[row]
    return out


def _unshear(sheared, frame, shape):
    transpose, flip, offsets, _, _ = frame
    columns = shape[0] if transpose else shape[1]
    view = np.empty((sheared.shape[0], columns), sheared.dtype)
    for row, offset in enumerate(offsets):
        view[row] = sheared[row, offset:offset + columns]
    view = view[::-1] if flip else view
    return np.ascontiguousarray(view.T if transpose else view)


def shadow_depth(height_m, gsd_m, sun_azimuth_deg, sun_elevation_deg):
    """How far below the shadow's upper face each surface point lies.

    Args:
        height_m: surface [H, W], metres.
        sun_azimuth_deg: clockwise from north (up); where the light comes from.

    Returns:
        [H, W] metres; 0 where the sun reaches the surface.
    """
    azimuth = np.deg2rad(sun_azimuth_deg)
    frame = _sheared_frame(height_m.shape, (np.sin(azimuth), -np.cos(azimuth)))
    drop_m = gsd_m * frame[4] * np.tan(np.deg2rad(sun_elevation_deg))
    lines = _shear(np.asarray(height_m, np.float32), frame)
    ramp = (np.arange(lines.shape[0], dtype=np.float32) * np.float32(drop_m))[:, None]
    lines -= ramp
    ceiling = np.maximum.accumulate(lines[::-1], axis=0)[::-1]
    return _unshear(ceiling - lines, frame, height_m.shape)


def sun_visibility(height_m, gsd_m, sun_azimuth_deg, sun_elevation_deg):
    """Share of direct sun [H, W] in 0..1, the edge softened over half a pixel."""
    depth = shadow_depth(height_m, gsd_m, sun_azimuth_deg, sun_elevation_deg)
    soft = max(0.12, 0.6 * gsd_m * float(np.tan(np.deg2rad(sun_elevation_deg))))
    return 1.0 - np.clip((depth - 0.04) / np.float32(soft), 0.0, 1.0)


def lambert(slope_x, slope_y, sun_azimuth_deg, sun_elevation_deg):
    """Direct light on a sloped surface relative to level ground, [H, W], at most 2."""
    azimuth, elevation = np.deg2rad(sun_azimuth_deg), np.deg2rad(sun_elevation_deg)
    east, south = np.sin(azimuth), -np.cos(azimuth)
    tangent = np.float32(1.0 / np.tan(elevation))
    facing = 1.0 - (slope_x * np.float32(east) + slope_y * np.float32(south)) * tangent
    facing /= np.sqrt(1.0 + slope_x * slope_x + slope_y * slope_y)
    return np.clip(facing, 0.0, 2.0)


def box_blur(layer, radius_px: int, passes: int = 1):
    """Mean over a (2 r + 1) square, edges repeated; [H, W] float32."""
    if radius_px < 1:
        return layer
    for _ in range(passes):
        for _axis in range(2):
            padded = np.pad(layer, ((radius_px + 1, radius_px), (0, 0)), mode="edge")
            total = np.cumsum(padded, axis=0, dtype=np.float64)
            width = 2 * radius_px + 1
            layer = ((total[width:] - total[:-width]) / width).astype(np.float32).T
    return np.ascontiguousarray(layer)


def sky_view(height_m, gsd_m):
    """Rough share of open sky [H, W], from the mean height within about 8 m."""
    step = max(1, int(round(2.0 / gsd_m)))
    rows, columns = (edge // step * step for edge in height_m.shape)
    coarse = height_m[:rows, :columns].reshape(rows // step, step, columns // step, step).mean((1, 3))
    around = box_blur(coarse, 3, 2)
    at_row = np.minimum(np.arange(height_m.shape[0]) // step, around.shape[0] - 1)
    at_column = np.minimum(np.arange(height_m.shape[1]) // step, around.shape[1] - 1)
    above = np.maximum(around[at_row][:, at_column] - height_m, 0.0)
    return 1.0 / (1.0 + 0.09 * above)


def lean(height_m, gsd_m, direction_xy, displacement):
    """Where each pixel of a leaning image looks.

    A point of height z appears ``displacement * z`` metres further along
    ``direction_xy``; the first surface met from above is the one seen.

    Returns:
        (source [H, W] flat index into the upright layers,
         seen_m [H, W] height of the point seen,
         facade [H, W] bool, True where a vertical face is seen).
    """
    shape = height_m.shape
    frame = _sheared_frame(shape, direction_xy)
    lines = _shear(np.asarray(height_m, np.float32), frame)
    index = _shear(np.arange(height_m.size, dtype=np.int32).reshape(shape), frame)
    metres_per_row = gsd_m * frame[4]
    shift = lines * np.float32(displacement / metres_per_row)
    rows = np.arange(lines.shape[0], dtype=np.float32)
    reach = np.maximum.accumulate(shift + rows[:, None], axis=0).T
    hit = np.empty(reach.shape, np.int64)
    for column, line in enumerate(np.ascontiguousarray(reach)):
        hit[column] = np.searchsorted(line, rows - 0.25)
    hit = np.minimum(hit.T, np.arange(lines.shape[0])[:, None])
    column = np.arange(lines.shape[1])[None, :]
    roof_m = lines[hit, column]
    z_m = (rows[:, None] - hit) * np.float32(metres_per_row / max(displacement, 1e-6))
    facade = (roof_m - z_m > 0.75 * metres_per_row / max(displacement, 1e-6)) & (roof_m > 1.0)
    seen = np.where(facade, np.minimum(z_m, roof_m), roof_m)
    source = index[hit, column]
    return _unshear(source, frame, shape), _unshear(seen, frame, shape), _unshear(facade, frame, shape)
