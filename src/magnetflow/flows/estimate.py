"""How does a count become a mass?

The estimation equations of Hsu et al. (2024), section 3.2. Each multiplies an activity by what one unit of it holds.
"""

from __future__ import annotations

import xarray as xr


def embedded_in_capacity(
    capacity_mw: xr.DataArray, shares: xr.DataArray, intensity_kg_per_mw: xr.DataArray
) -> xr.DataArray:
    """Return the mass in kg embedded in installed capacity: Eq. (3), with the market shares written out.

    mass = W · s · I, for capacity W in MW, share s of each technology, and intensity I in kg/MW.
    Dimensions are matched by name (say site, year, technology, element) and must carry the same labels.
    Raises ValueError when labels differ, so that no year or technology is dropped unseen.
    """
    xr.align(capacity_mw, shares, intensity_kg_per_mw, join="exact")
    return (capacity_mw * shares * intensity_kg_per_mw).assign_attrs(unit="kg")
