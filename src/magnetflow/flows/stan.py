"""Which system does a file of STAN (.zmfa) hold, and what of the file is not read?

Experimental: written from what is public about the format; no file saved by STAN has been opened with it yet.
Such a file is one XML document packed by gzip. Each child of its root is a row of the table that it is named after,
and each child of that a field. What is not understood is named; STAN's own results are no measurements.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from magnetflow.errors import InputError, TableError
from magnetflow.flows.records import OUTSIDE, Figure, Flow, Place, Process
from magnetflow.flows.system import System
from magnetflow.flows.zmfa import CURE, SHARES, TRANSFER, read_tables
from magnetflow.tables.sheets import Row, shown
from magnetflow.tables.units import normalised

EXPERIMENTAL = "the reader of STAN's files is experimental; compare a few values with those in STAN"
BOUNDARY = "1"  # the type of the process that is the system boundary
FIELDS = {  # of each table: those that are read
    "Process": "ProcessID ProcessType Name",
    "ProcessInput": "ProcessInputID ProcessID SubProcessInputID",
    "ProcessOutput": "ProcessOutputID ProcessID SubProcessOutputID",
    "Flow": "FlowID ProcessInputID ProcessOutputID Name",
    "FlowValue": "FlowID PeriodID FlowLayerID MFInput MFNumUnitID",
    "Stock": "ProcessID PeriodID FlowLayerID SVInput SVUnitID DTInput DTNumUnitID",
    "Unit": "UnitID SiUnitID UnitCode Factor",
    "DefaultUnit": "FlowLayerID NumUnitID",
    "Period": "PeriodID PeriodCode",
    "FlowLayer": "FlowLayerID Name MaterialCode",
    SHARES: "FlowID ProcessInputID ProcessOutputID PeriodID FlowLayerID",
}
# What is not certain of the format, in likely spellings; which one is read is noted.
SHARE = re.compile(r"(tc|trans\w*)?_?(input|value)|tc", re.I)
SPREAD = re.compile(r"\w*(sigma|uncert|unsich|std|sd$)\w*(?<!ID)", re.I)
BALANCED = re.compile(r"(is)?balanc(e|ed|ing)", re.I)
QUANTITIES = ("MF", "VF", "CF", "EF", "SV", "DT", "TC")  # with which fields begin
Key = tuple[str, Place]  # a flow or a process, and its place


@dataclass(frozen=True)
class StanFile:
    """The system of a file, how it was read, what was not read, and the flows as STAN calculated them.

    These are in the unit of their layer.
    """

    system: System
    notes: Sequence[str]
    unread: Sequence[str]
    calculated: Mapping[Key, float]


def read(path: Path) -> StanFile:
    """Read the system in a file of STAN; raises TableError with table, row and field at what has no clear meaning."""
    tables, found = read_tables(path, FIELDS)
    return _Reader(path.name, tables, found).file()


class _Reader:
    """Puts the rows of the tables of a file together, and notes how they are read and what is not."""

    def __init__(self, name: str, tables: Mapping[str, Sequence[Row]], found: Counter[tuple[str, str]]) -> None:
        """Take the rows of tables, and how many values each field of each table has."""
        self.name, self.tables, self.found = name, tables, found
        self.notes, self.unread = list[str](), list[str]()
        self.guesses = dict[tuple[str, str], str]()  # fields read beyond FIELDS, by table and quantity
        self.units = {row.text("UnitID"): row for row in tables["Unit"]}
        self.layers, self.periods = (
            self._names("FlowLayer", "Name", "MaterialCode"),
            self._names("Period", "PeriodCode"),
        )
        self.flow_names, self.process_names = self._names("Flow", "Name"), self._names("Process", "Name")
        self.goods = next(iter(self.layers.values()), "")  # STAN has this layer first, and always
        self.scales = {layer: self._scale(key) for key, layer in [("", ""), *self.layers.items()]}

    def file(self) -> StanFile:
        """Return the system, with all that there is to know about its reading."""
        flows = self._flows()
        figures, calculated = self._flow_values()
        shares = self._shares(flows)
        levels, changes, order = self._stocks()
        entered = {
            place.layer
            for own in (figures, shares, levels, changes)
            for (_, place), figure in own.items()
            if not math.isnan(figure.value)
        }
        empty = [layer for layer in self.layers.values() if layer not in entered]
        self.unread += [f"layer {layer}, in which no value is entered" for layer in empty]
        if not entered:
            raise TableError(self.name, "no value is entered in this file; enter what is measured, and save it")
        figures = {key: figure for key, figure in figures.items() if key[1].layer in entered}
        processes = self._processes(flows, tuple(sorted(entered - {self.goods})))
        if not self.guesses.get(("FlowValue", "MF")):
            self.notes.append("FlowValue has no field of uncertainty, so that all values entered count as exact")
        self.unread += self._left_over()
        try:
            system = System(
                processes,
                flows,
                figures,
                shares,
                levels=levels,
                changes=changes,
                goods=self.goods,
                period_years=dict.fromkeys(order, math.nan),
                notes=(EXPERIMENTAL, *self.notes, *(f"not read: {one}" for one in self.unread)),
            )
        except TableError:
            raise
        except InputError as error:
            raise TableError(self.name, str(error)) from None
        return StanFile(system, self.notes, self.unread, calculated)

    def _names(self, table: str, *fields: str) -> dict[str, str]:
        """Return a name for each row of a table by its ID; the ID follows a name that several rows have."""
        called: dict[str, str] = {}
        for row in self.tables[table]:
            key = row.text(f"{table}ID")
            if key in called:
                raise row.fault(f"{shown(key)} is listed already; {CURE}", f"{table}ID")
            called[key] = next((row.optional(one) for one in fields if row.optional(one)), f"{table} {key}")
            called[key] = " ".join(called[key].split())
        count = Counter(called.values())
        alike = [one for one in count if count[one] > 1]
        self.notes += [f"{count[one]} rows of {table} are called {one}; their ID follows" for one in alike]
        return {key: f"{one} ({key})" if one in alike else one for key, one in called.items()}

    def _guess(self, table: str, quantity: str, spelling: re.Pattern[str], meaning: str) -> str:
        """Return the field of a table that has a likely spelling, and note its meaning; empty if there is none."""
        if (table, quantity) not in self.guesses:
            others = tuple(one for one in QUANTITIES if one != quantity[:2])
            likely = [
                column
                for of, column in self.found
                if (of == table or (table == SHARES and TRANSFER.fullmatch(of)))
                and spelling.fullmatch(column)
                and not column.startswith(others)
                and "calc" not in column.lower()
            ]
            if len(likely) > 1:
                raise TableError(self.name, f"{' and '.join(likely)} in {table} could each be the {meaning}; {CURE}")
            self.guesses[table, quantity] = "".join(likely)
            self.notes += [f"{table}.{column} is read as the {meaning}" for column in likely]
        return self.guesses[table, quantity]

    def _named(self, row: Row, column: str, names: Mapping[str, str]) -> str:
        """Return the name that an ID in a row stands for; empty if there is none."""
        key = row.optional(column)
        if key and key not in names:
            raise row.fault(f"{shown(key)} is in no row of the table that it refers to; {CURE}", column)
        return names.get(key, "")

    def _place(self, row: Row) -> Place:
        return Place(self._named(row, "PeriodID", self.periods), self._named(row, "FlowLayerID", self.layers))

    def _unit(self, row: Row, column: str) -> Row:
        if row.text(column) not in self.units:
            raise row.fault(f"{shown(row.text(column))} is not in the table Unit; {CURE}", column)
        return self.units[row.text(column)]

    def _factor(self, unit: Row) -> float:
        factor = unit.number_in("Factor")
        if not factor > 0:
            raise unit.fault(f"{unit.text('UnitCode')} has no factor above zero; mend it in STAN", "Factor")
        return factor

    def _scale(self, layer: str) -> tuple[str, str, float]:
        """Return the unit of a layer, its family and factor: the one that STAN shows, or that of the first value."""
        own = (row for row in self.tables["FlowValue"] if row.optional("FlowLayerID") == layer)
        first = next((row for row in own if row.optional("MFNumUnitID")), None)
        if first is None:
            return "", "", 1.0
        unit = self._unit(first, "MFNumUnitID")
        for row in self.tables["DefaultUnit"]:  # of concentrations too, which are of another family
            default = self.units.get(row.optional("NumUnitID"), unit)
            if row.optional("FlowLayerID") in (layer, "-1") and default.cells.get("SiUnitID") == unit.cells.get(
                "SiUnitID"
            ):
                unit = default
        kin = [one for one in self.units.values() if one.cells.get("SiUnitID") == unit.cells.get("SiUnitID")]
        for one in [unit, *kin]:
            with suppress(InputError):
                return normalised(one.text("UnitCode")), unit.optional("SiUnitID"), self._factor(one)
        raise unit.fault(f"{shown(unit.text('UnitCode'))} is no unit that is known here; add one in STAN", "UnitCode")

    def _figure(self, row: Row, table: str, column: str, unit_column: str) -> tuple[Figure, float]:
        """Return what is entered, and what it is multiplied by to be in the unit of its layer.

        Without an uncertainty it is exact, as it is in STAN.
        """
        spread = self._guess(table, column[:2], SPREAD, f"standard uncertainty of {column}, in the same unit")
        unit, family, scale = self.scales[self._place(row).layer]
        given = self._unit(row, unit_column) if row.optional(unit_column) else None
        if given and given.optional("SiUnitID") != family:
            problem = f"{given.text('UnitCode')} is not of the kind of {unit or 'other units'} in the layer"
            raise row.fault(f"{problem}; mend the unit in STAN", unit_column)
        factor = self._factor(given) / scale if given else 1.0
        return self._measured(row, column, spread, factor, unit), factor

    def _measured(self, row: Row, column: str, spread: str, factor: float, unit: str) -> Figure:
        value, sd = row.number_in(column), row.number_in(spread)
        if sd < 0:
            raise row.fault("found an uncertainty below zero; mend it in STAN", spread)
        known = sd > 0 and not math.isnan(value)
        return Figure(factor * value, factor * sd if known else math.nan, unit=unit, row=row)

    def _flows(self) -> dict[str, Flow]:
        """Return the flows: by way of subprocesses to the processes within, and to the outside at the boundary."""
        within = {
            row.text("ProcessID"): self.process_names[row.text("ProcessID")]
            if row.optional("ProcessType") != BOUNDARY
            else OUTSIDE
            for row in self.tables["Process"]
        }
        ends: dict[str, dict[str, str]] = {}
        for port in ("ProcessInput", "ProcessOutput"):
            rows = {row.text(f"{port}ID"): row for row in self.tables[port]}
            ends[port] = {}
            for key, row in rows.items():
                passed = {key}
                while inner := row.optional(f"Sub{port}ID"):
                    if inner in passed or inner not in rows:
                        raise row.fault(f"{shown(inner)} leads to no process; {CURE}", f"Sub{port}ID")
                    passed.add(inner)
                    row = rows[inner]
                ends[port][key] = self._named(row, "ProcessID", within)
        flows = {}
        for row in self.tables["Flow"]:
            source, target = (self._named(row, f"{port}ID", ends[port]) for port in ("ProcessOutput", "ProcessInput"))
            flows[self.flow_names[row.text("FlowID")]] = Flow(source, target, row=row)
        return flows

    def _processes(self, flows: Mapping[str, Flow], substances: tuple[str, ...]) -> dict[str, Process]:
        stocked = {row.text("ProcessID") for row in self.tables["Stock"]}
        touched = {end for flow in flows.values() for end in (flow.source, flow.target)}
        exempt = self._guess("Process", "", BALANCED, "tick for balancing")
        processes = {}
        for row in self.tables["Process"]:
            name = self.process_names[row.text("ProcessID")]
            balanced = row.optional(exempt).lower() not in ("false", "0", "no", "nein")
            if name in touched:
                processes[name] = Process(row.text("ProcessID") in stocked, balanced or substances, row)
            elif row.optional("ProcessType") != BOUNDARY:
                self.unread.append(f"process {name}, which no flow enters or leaves itself")
            if not balanced:
                self.notes.append(f"{name} is not balanced in {self.goods or 'its layer'}, the layer of goods")
        return processes

    def _flow_values(self) -> tuple[dict[Key, Figure], dict[Key, float]]:
        """Return what is entered for flows, and what STAN calculated."""
        figures, calculated = dict[Key, Figure](), dict[Key, float]()
        for row in self.tables["FlowValue"]:
            key = (self._named(row, "FlowID", self.flow_names), self._place(row))
            if key in figures:
                raise row.fault(f"{shown(key[0])} has a value there already; {CURE}", "FlowID")
            figures[key], factor = self._figure(row, "FlowValue", "MFInput", "MFNumUnitID")
            if row.optional("MFCalc"):
                calculated[key] = factor * row.number_in("MFCalc")
        return figures, calculated

    def _stocks(self) -> tuple[dict[Key, Figure], dict[Key, Figure], list[str]]:
        """Return levels, changes, and all periods in order.

        A level of STAN is at the start of its period, one of a system at the end, so that the first is in a period
        before all others.
        """
        order = list(self.periods.values())
        step = int(order[1]) - int(order[0]) if all(map(str.isdecimal, order[:2])) and order[1:] else 1
        first = str(int(order[0]) - step) if order and order[0].isdecimal() else f"before {' '.join(order[:1])}"
        earlier = dict(zip(order, [first, *order], strict=False))
        levels, changes = dict[Key, Figure](), dict[Key, Figure]()
        for row in self.tables["Stock"]:
            process, place = self._named(row, "ProcessID", self.process_names), self._place(row)
            if row.optional("DTInput"):
                changes[process, place] = self._figure(row, "Stock", "DTInput", "DTNumUnitID")[0]
            if row.optional("SVInput") and not place.period:
                raise row.fault(f"a level of {process} without a period; {CURE}", "PeriodID")
            if row.optional("SVInput"):
                before = place._replace(period=earlier[place.period])
                levels[process, before] = self._figure(row, "Stock", "SVInput", "SVUnitID")[0]
                at = f"the level of {process} at the start of {place.period}"
                self.notes.append(f"{at} is that at the end of {before.period}")
        return levels, changes, [first, *order] if any(place.period == first for _, place in levels) else order

    def _shares(self, flows: Mapping[str, Flow]) -> dict[Key, Figure]:
        """Return the transfer coefficients that are shares of all that enters a process."""
        share = self._guess(SHARES, "TC", SHARE, "share of what enters a process")
        spread = self._guess(SHARES, "TC±", SPREAD, "standard uncertainty of a share")
        leaving = {flow.row.optional("ProcessOutputID"): name for name, flow in flows.items() if flow.row}
        shares = {}
        for row in self.tables[SHARES]:
            name = leaving.get(row.optional("ProcessOutputID")) or self._named(row, "FlowID", self.flow_names)
            entering = [flow for flow in flows.values() if name and flow.target == flows[name].source]
            if not name or not row.optional(share) or (row.optional("ProcessInputID") and len(entering) > 1):
                self.unread.append(
                    f"{row.sheet}, row {row.number}: no share in one flow of all that enters a process"
                )
            else:
                shares[name, self._place(row)] = self._measured(row, share, spread, 1.0, "")
        return shares

    def _left_over(self) -> list[str]:
        """Return every table and field that is not read; raises TableError where values may not be in one unit."""
        read = {(table, column) for table, columns in FIELDS.items() for column in ["", *columns.split()]}
        read |= {(table, column) for (table, _), column in self.guesses.items()}
        left = []
        for (table, column), count in sorted(self.found.items()):
            known = SHARES if TRANSFER.fullmatch(table) else table
            if known not in FIELDS and not column:
                columns = ", ".join(sorted(one for of, one in self.found if of == table and one))
                left.append(f"table {table} ({count} ×)" + (f" with {columns}" if columns else ""))
            elif known in FIELDS and (known, column) not in read:
                units = {row.optional(column) for row in self.tables[known]} if column.endswith("UnitID") else ()
                if len(units) > 1 and column.startswith(("MF", "SV", "DT")):
                    problem = f"{table}.{column} is not known and not the same in all rows, so that units may differ"
                    raise TableError(self.name, f"{problem}; enter all values in one unit in STAN")
                left.append(f"{table}.{column} ({count} ×)" + (", STAN's own results" if "Calc" in column else ""))
        return left
