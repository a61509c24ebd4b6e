"""Layer styles as .qml sidecars, which QGIS 3.22 and later load together with the raster.

A style says three things: the colours with their unit, the legend, and whether the layer is an elevation surface.
The latter is said of heights alone (elevation profiles and terrain use it, from 3.26 on) and denied of all others,
since QGIS otherwise guesses it from the layer's name.
"""
from __future__ import annotations

import os
from html import escape

from s3d_protocol import namesake

from ..raster.block_sizes import open_quietly
from .preview import height_limit_m, sigma_limit_m
from .ramps import ERROR_RAMP, HEIGHT_RAMP, PROBABILITY_RAMP, SIGMA_RAMP, Ramp, number_text, rgb

_HEAD = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22.0" styleCategories="AllStyleCategories" hasScaleBasedVisibilityFlag="0" minScale="1e+08" \
maxScale="0">
"""  # by which ours are known, those of all releases: never changed. QGIS's own version has a name behind the number

_PROFILE_LINE = "49,104,142,255"
_PROFILE_FILL = "49,104,142,96"


def qml_path(raster_path: str) -> str:
    """The sidecar's path: the raster's suffix replaced by .qml."""
    return os.path.splitext(raster_path)[0] + ".qml"


def obstacle(raster_path: str) -> str:
    """Why no style may be written beside a raster, as a sentence; "" where one may.

    QGIS opens every layer of that name with the style, whatever its suffix: a photograph, too.
    """
    style = qml_path(raster_path)
    if os.path.exists(style) and not _is_ours(style):
        return f"{style} is there and is not of Semantic 3D: it stays, and {raster_path} gets no layer style beside it."
    other = namesake(raster_path)
    return other and (
        f"{raster_path} gets no layer style beside it: QGIS would open {other} with that style, too. Give the output "
        "another name to have one."
    )


def _is_ours(path: str) -> bool:
    try:
        with open(path, encoding="utf-8") as stream:  # its lines may have come to end as Windows's do
            return stream.read(len(_HEAD)) == _HEAD
    except (OSError, UnicodeDecodeError):
        return False


def write_height_style(raster_path: str) -> str:
    """Write the style of a HEIGHT raster, its scale from the data; returns the sidecar's path."""
    return _write(raster_path, height_qml(height_limit_m(raster_path)))


def write_sigma_style(raster_path: str) -> str:
    """Write the style of a SIGMA raster, its scale from the data; returns the sidecar's path."""
    return _write(raster_path, sigma_qml(sigma_limit_m(raster_path)))


def write_land_cover_style(raster_path: str, classes, clear: tuple = ()) -> str:
    """Write the style of a LAND_COVER raster; returns the sidecar's path. Classes whose id is in `clear` hide nothing."""
    return _write(raster_path, land_cover_qml(classes, clear))


def write_probabilities_style(raster_path: str, classes) -> str:
    """Write the style of a PROBABILITIES raster; returns the sidecar's path."""
    with open_quietly(raster_path) as source:
        has_scale = source.scales[0] != 1.0  # QGIS then sees the scaled values
        full = 255.0 if source.dtypes[0] == "uint8" and not has_scale else 1.0
    return _write(raster_path, probabilities_qml(full, classes[0].name if classes else ""))


def write_error_style(raster_path: str, limit_m: float) -> str:
    """Write the style of a raster of height errors, -`limit_m` to `limit_m`; returns the sidecar's path."""
    return _write(raster_path, _document(_pseudocolour(ERROR_RAMP, limit_m, " m", low=-limit_m), _elevation(False)))


def height_qml(limit_m: float) -> str:
    """Style for metres above ground, 0 to `limit_m`; an elevation surface."""
    return _document(_pseudocolour(HEIGHT_RAMP, limit_m, " m"), _elevation(True))


def sigma_qml(limit_m: float) -> str:
    """Style for a standard deviation in metres (band 1), 0 to `limit_m`; never an elevation surface."""
    return _document(_pseudocolour(SIGMA_RAMP, limit_m, " m"), _elevation(False))


def probabilities_qml(full: float, first_class: str) -> str:
    """Style for the probability of the first class (band 1), 0 to `full` (the stored value of 100 %)."""
    prefix = f"{first_class}: " if first_class else ""
    return _document(_pseudocolour(PROBABILITY_RAMP, full, "", prefix, label_factor=1.0 / full), _elevation(False))


def land_cover_qml(classes, clear: tuple = ()) -> str:
    """Style for class ids, with each class's name and colour; those in `clear` are seen through."""
    entries = "\n".join(
        f'        <paletteEntry value="{item.id}" color="{item.colour}" alpha="{0 if item.id in clear else 255}" '
        f"label={_quoted(item.name)}/>"
        for item in classes
    )
    renderer = f"""    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1" nodataColor="">
{_min_max_origin()}
      <colorPalette>
{entries}
      </colorPalette>
    </rasterrenderer>"""
    return _document(renderer, _elevation(False))


def _quoted(text: str) -> str:
    """A text as an XML attribute's value, quotes included."""
    return f'"{escape(text)}"'


def _write(raster_path: str, text: str) -> str:
    path = qml_path(raster_path)
    with open(path, "w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
    return path


def _document(renderer: str, elevation: str) -> str:
    return f"""{_HEAD}  <flags>
    <Identifiable>1</Identifiable>
    <Removable>1</Removable>
    <Searchable>1</Searchable>
    <Private>0</Private>
  </flags>
{elevation}
  <customproperties>
    <Option type="Map">
      <Option type="QString" name="identify/format" value="Value"/>
    </Option>
  </customproperties>
  <pipe>
    <provider>
      <resampling enabled="false" maxOversampling="2" zoomedInResamplingMethod="nearestNeighbour" \
zoomedOutResamplingMethod="nearestNeighbour"/>
    </provider>
{renderer}
    <brightnesscontrast brightness="0" contrast="0" gamma="1"/>
    <huesaturation saturation="0" grayscaleMode="0" invertColors="0" colorizeOn="0" colorizeRed="255" \
colorizeGreen="128" colorizeBlue="128" colorizeStrength="100"/>
    <rasterresampler maxOversampling="2"/>
    <resamplingStage>resamplingFilter</resamplingStage>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
"""


def _pseudocolour(ramp: Ramp, limit: float, unit: str, prefix: str = "", label_factor: float = 1.0,
                  low: float = 0.0) -> str:
    last = len(ramp.stops) - 1
    items = "\n".join(
        f'          <item value="{number_text(low + (limit - low) * index / last)}" color="{colour}" alpha="255" '
        f"label={_quoted(number_text((low + (limit - low) * index / last) * label_factor) + unit)}/>"
        for index, colour in enumerate(ramp.stops)
    )
    decimals = 2 if limit * label_factor < 10 else 1
    return f"""    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" nodataColor="" \
classificationMin="{number_text(low)}" classificationMax="{number_text(limit)}">
{_min_max_origin()}
      <rastershader>
        <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" labelPrecision="2" \
minimumValue="{number_text(low)}" maximumValue="{number_text(limit)}">
{_gradient(ramp)}
{items}
          <rampLegendSettings useContinuousLegend="1" orientation="2" direction="0" prefix={_quoted(prefix)} \
suffix={_quoted(unit)} minimumLabel="" maximumLabel="{_maximum_label(limit, unit, label_factor)}">
            <numericFormat id="basic">
              <Option type="Map">
                <Option type="int" name="decimals" value="{decimals}"/>
                <Option type="int" name="rounding_type" value="0"/>
                <Option type="bool" name="show_thousand_separator" value="false"/>
                <Option type="bool" name="show_trailing_zeros" value="false"/>
              </Option>
            </numericFormat>
          </rampLegendSettings>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>"""


def _maximum_label(limit: float, unit: str, label_factor: float) -> str:
    return "" if label_factor == 1.0 else number_text(limit * label_factor) + unit


def _gradient(ramp: Ramp) -> str:
    colours = [",".join(map(str, rgb(stop))) + ",255" for stop in ramp.stops]
    last = len(colours) - 1
    stops = ":".join(f"{index / last:.6g};{colours[index]}" for index in range(1, last))
    values = {"color1": colours[0], "color2": colours[-1], "discrete": "0", "rampType": "gradient", "stops": stops}
    options = "\n".join(f'              <Option type="QString" name="{k}" value="{v}"/>' for k, v in values.items())
    # 3.22 and 3.40 both read the options; the older <prop> form is not needed
    return f"""          <colorramp type="gradient" name="[source]">
            <Option type="Map">
{options}
            </Option>
          </colorramp>"""


def _min_max_origin() -> str:
    return """      <minMaxOrigin>
        <limits>None</limits>
        <extent>WholeRaster</extent>
        <statAccuracy>Estimated</statAccuracy>
        <cumulativeCutLower>0.02</cumulativeCutLower>
        <cumulativeCutUpper>0.98</cumulativeCutUpper>
        <stdDevFactor>2</stdDevFactor>
      </minMaxOrigin>"""


def _elevation(is_surface: bool) -> str:
    """The elevation element: read from 3.26 on; `mode` counts from 3.38 on, older versions know but the surface."""
    if not is_surface:
        return '  <elevation enabled="0" band="1" zscale="1" zoffset="0" symbology="Line"/>'
    return f"""  <elevation enabled="1" mode="RepresentsElevationSurface" band="1" zscale="1" zoffset="0" \
symbology="Line">
    <profileLineSymbol>
      <symbol type="line" name="" alpha="1" clip_to_extent="1" force_rhr="0">
        <layer class="SimpleLine" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="line_color" value="{_PROFILE_LINE}"/>
            <Option type="QString" name="line_width" value="0.6"/>
            <Option type="QString" name="line_width_unit" value="MM"/>
          </Option>
        </layer>
      </symbol>
    </profileLineSymbol>
    <profileFillSymbol>
      <symbol type="fill" name="" alpha="1" clip_to_extent="1" force_rhr="0">
        <layer class="SimpleFill" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="{_PROFILE_FILL}"/>
            <Option type="QString" name="outline_style" value="no"/>
            <Option type="QString" name="style" value="solid"/>
          </Option>
        </layer>
      </symbol>
    </profileFillSymbol>
  </elevation>"""
