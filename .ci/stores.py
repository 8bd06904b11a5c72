"""Opens every store of a run directory in xarray and checks what a user relies
on: named dimensions, coordinates, units, and finite values."""

import pathlib
import sys

import numpy as np
import xarray as xr

stores = sorted(pathlib.Path(sys.argv[1]).rglob("*.zarr"))
assert stores, "no store found"
for path in stores:
    data = xr.open_zarr(path)
    assert "time" in data.coords and "units" in data["time"].attrs, f"{path}: time has no units"
    for name, variable in data.data_vars.items():
        assert "units" in variable.attrs, f"{path}: {name} has no units"
        if path.stem != "observations":
            assert np.isfinite(variable.values).all(), f"{path}: {name} is not finite"
    print(path.relative_to(sys.argv[1]), dict(data.sizes))
