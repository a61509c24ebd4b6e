"""Heights that cannot be above the ground are told before anything is learnt from them."""

import numpy as np
import pytest
import rasterio

from s3d_protocol import InvalidInput

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("peft")

from semantic3d.datasets.user_rasters import _heights_text  # noqa: E402
from test_train import SIDE, data, job_of, prepared, write  # noqa: E402, F401


def test_heights_that_are_not_above_ground_are_told(data, tmp_path):
    def warnings(**changes):
        return prepared(job_of(data, tmp_path / "m", **changes)).data.warnings

    assert not any("ground" in text for text in warnings())
    assert any(
        "98 % of the heights on ortho.tif are above 412.5 m" in text and "Give a DSM as DSM" in text
        for text in warnings(ndsm_paths=(data["dsm"],))
    )
    low = write(tmp_path / "low.tif", np.full((SIDE // 2, SIDE // 2), 12.5), gsd=1.0, dtype="float32")
    found = warnings(ndsm_paths=(), dsm_paths=(data["dsm"],), dtm_paths=(low,))
    assert any("above 400.0 m" in text and "DSM and DTM do not fit together" in text for text in found)


def test_heights_below_the_ground_and_beyond_any_town_are_told(data, tmp_path):
    def only(**changes):
        (text,) = (text for text in prepared(job_of(data, tmp_path / "m", **changes)).data.warnings if "heights" in text)
        return text

    def shifted(name, source, change):
        with rasterio.open(source) as raster:
            values, gsd = raster.read(1), raster.res[0]
        return write(tmp_path / name, change(values.astype(np.float64)), gsd=gsd, dtype="float32")

    pair = {"ndsm_paths": (), "dsm_paths": (data["dsm"],), "dtm_paths": (data["dtm"],)}
    swapped = only(**{**pair, "dsm_paths": pair["dtm_paths"], "dtm_paths": pair["dsm_paths"]})
    assert "more than 2 m below the ground, and are not learnt" in swapped and "Are they swapped" in swapped
    deep = shifted("deep.tif", data["dsm"], lambda metres: metres - 32.0)
    assert only(**{**pair, "dsm_paths": (deep,)}).startswith("100% of the heights on ortho.tif lie")
    centimetres = shifted("cm.tif", data["ndsm"], lambda metres: metres * 100)
    assert "2 % of the heights on ortho.tif are above 800 m" in only(ndsm_paths=(centimetres,))


@pytest.mark.parametrize(
    ("shares", "is_told"),
    [({-2.5: 0.01}, False), ({-3.0: 0.12, 15.0: 0.5}, False), ({-8.0: 0.05}, True), ({-3.0: 0.5, 17.0: 0.5}, True)],
    ids=["a canal", "a pit among trees", "swapped in the country", "a datum in the woods"],
)
def test_a_little_ground_below_the_ground_is_nothing_to_tell(shares, is_told):
    heights_m = np.random.default_rng(0).normal(0, 0.3, (200, 200)).astype(np.float32)
    first = 0
    for height_m, share in shares.items():
        heights_m.ravel()[first : first + int(share * 40_000)] = height_m
        first += int(share * 40_000)
    assert bool(_heights_text("a.tif", heights_m, True)[1]) == is_told


def test_heights_far_below_the_ground_are_said_with_the_refusal(data, tmp_path):
    with rasterio.open(data["dsm"]) as raster:
        deep = write(tmp_path / "deep.tif", raster.read(1) - 70.0, gsd=raster.res[0], dtype="float32")
    job = job_of(data, tmp_path / "m", ndsm_paths=(), dsm_paths=(deep,), dtm_paths=(data["dtm"],), land_cover_paths=(),
                 class_map="")
    with pytest.raises(InvalidInput, match="No reference has a value .* other vertical datums"):
        prepared(job)
