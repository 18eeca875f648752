"""Which ions carry the current through a membrane between the magnet and the cathode?

The balance of the plant lets chloride alone pass. Here the solver gives what passes a membrane of the charge assumed
between the liquor of the magnet and ammonium chloride, with a diffusion layer on either side.
"""

from __future__ import annotations

import numpy as np

from magnetflow.recovery.cell import grids
from magnetflow.recovery.cell.model import Bulk, Cell
from magnetflow.recovery.cell.state import start
from magnetflow.recovery.cell.steady import inflow_mol_m2_s, steady
from magnetflow.recovery.plant.units import FARADAY_C_PER_MOL
from magnetflow.studies.neo_cycle.cell import electrolysis
from magnetflow.studies.neo_cycle.cell.electrolysis import Point
from magnetflow.studies.neo_cycle.cell.quick import ELECTRONS

INTERVALS = 60  # of the membrane, and of each layer
FINEST_PART = 4e-4  # of either that the first interval at a face takes


def current_by_ion(at: Point, membrane_charge_mol_m3: float | None = None) -> dict[str, float]:
    """Return the part of the current that each ion carries where it leaves the liquor of the magnet.

    The catholyte is ammonium chloride, half of what the cell is fed with. The charge of the membrane is the central
    one unless given.
    """
    central = electrolysis.conditions()
    charge = central["membrane_charge_mol_m3"] if membrane_charge_mol_m3 is None else membrane_charge_mol_m3
    anolyte = electrolysis.liquor(at)
    salt = ELECTRONS * at.alloy_mol_m3 / 2
    catholyte = dict.fromkeys(anolyte, 0.0) | {"NH4+(aq)": salt, "Cl-(aq)": salt, "H+(aq)": 1e-4, "OH-(aq)": 1e-4}
    layer = grids.graded_both(at.layer_m, INTERVALS, FINEST_PART * at.layer_m)
    thickness = central["membrane_m"]
    membrane = at.layer_m + grids.graded_both(thickness, INTERVALS, FINEST_PART * thickness)
    grid = np.concatenate([layer[:-1], membrane[:-1], membrane[-1] + layer])
    nodes, intervals = grids.within(grid, float(membrane[0]), float(membrane[-1]))
    cell = Cell(
        electrolysis.ions(list(anolyte), at.mobility),
        grid,
        Bulk(anolyte, current_a_m2=at.current_density_a_m2),
        Bulk(catholyte),
        reactions=[electrolysis.association("OH-(aq)")],
        fixed_charge_mol_m3=charge * nodes,
        mobility=1 - (1 - central["membrane_mobility"]) * intervals,
    )
    entering = inflow_mol_m2_s(steady(start(cell, catholyte)))[0]
    shares = FARADAY_C_PER_MOL * cell.charges * entering / at.current_density_a_m2
    return dict(zip(cell.names, shares.tolist(), strict=True))
