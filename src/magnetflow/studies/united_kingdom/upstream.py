"""How sure are the compounds and alloys that follow from three uncertain inputs?

The upstream chain of the study: compounds market, alloy making, alloys market.
Imports and exports of compounds and imports of alloys are transcribed, with the printed uncertainty;
the loss, the export share and the addition to stock carry no error; everything else follows from the balances.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from magnetflow import tables
from magnetflow.flows.system import balance_matrix
from magnetflow.inference.problem import CONSTANT, UNMEASURED, Problem, state
from magnetflow.inference.problem import MEASURED as IS_MEASURED
from magnetflow.inference.propagation import Propagated, propagate
from magnetflow.studies.united_kingdom import printed

MEASURED = ("I1", "E1", "S1", "I2")
WITHOUT_ERROR = ("S1",)
STUDY_YEARS = 5  # the printed flows are sums over this many years
PROCESSES = ("REE compounds market", "metals and alloys manufacturing", "metals and alloys market")
RENAMED = {"O2": "C2"}  # the text's flow to other applications is the C2 of Table 2


def flows() -> pd.DataFrame:
    """Return the printed flows that touch the upstream chain, under the codes of Table 2; masses in `value`, in t."""
    system = printed.flows()
    touches = system["source_process"].isin(PROCESSES) | system["target_process"].isin(PROCESSES)
    return system[touches].replace({"flow": RENAMED})


def parameters() -> pd.Series[float]:
    """Return the parameters of the chain as fractions, by name."""
    table = tables.read("upstream_parameters").set_index("parameter")
    return tables.in_unit(table, "1")


def shares() -> pd.DataFrame:
    """Return the two fixed shares as balances, under the codes of the text: the loss, and the exports of alloys."""
    known = parameters()
    loss = pd.Series({"L1": 1.0, "C1": -known["loss_fraction"]}, name="loss fraction")
    export = pd.Series({"E2": 1.0, "P2": -known["export_share"], "I2": -known["export_share"]}, name="export share")
    return pd.concat([loss.to_frame().T, export.to_frame().T]).fillna(0.0)


def balances() -> pd.DataFrame:
    """Return the balances of the chain: three of mass, the loss fraction and the export share."""
    matrix = balance_matrix(flows()).loc[list(PROCESSES)]
    return pd.concat([matrix, shares()]).fillna(0.0)


def coefficients_of_variation() -> pd.Series[float]:
    """Return the printed CV of each measured flow as a fraction; the addition to stock is taken without error."""
    known = parameters()
    return pd.Series({code: 0.0 if code in WITHOUT_ERROR else known[f"cv_{code}"] for code in MEASURED})


def propagated(cv: pd.Series[float]) -> Propagated:
    """Return values in t and their covariance for the five-year sums, the measured flows erring independently.

    `cv` holds the coefficient of variation of each measured flow, as a fraction.
    """
    values = flows().set_index("flow")["value"][list(MEASURED)]
    variance = np.diag((cv * values).to_numpy() ** 2)
    return propagate(balances(), values, pd.DataFrame(variance, index=values.index, columns=values.index))


def problem(further: Mapping[str, tuple[float, float]] | None = None) -> Problem:
    """Return the chain as a problem to reconcile, in t, with the printed uncertainties.

    `further` holds value and standard deviation, in t, of flows taken as measured besides those of the study.
    """
    known, cv = flows().set_index("flow")["value"], coefficients_of_variation()
    matrix, given = balances(), dict(further or {})
    for flow in MEASURED:
        given[flow] = (float(known[flow]), float(cv[flow] * known[flow]))
    names = list(matrix.columns)
    return state(
        names,
        [UNMEASURED if flow not in given else CONSTANT if given[flow][1] == 0 else IS_MEASURED for flow in names],
        [given.get(flow, (np.nan, np.nan))[0] for flow in names],
        [given.get(flow, (np.nan, np.nan))[1] for flow in names],
        balances=(list(map(str, matrix.index)), sparse.csr_array(matrix.to_numpy(dtype=float))),
        lower=np.zeros(len(names)),
    )


def independent_years_scale(years: int) -> float:
    """Return what a yearly CV shrinks by in the sum of `years` equal years with independent errors: 1/√n.

    With unequal years the factor lies between this and 1, which is that of errors shared by all years.
    """
    return 1.0 / float(np.sqrt(years))
