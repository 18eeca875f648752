"""Folders that the command reads, each way to spoil one, and what the refusal must say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

Texts = Mapping[str, str]
Files = Mapping[str, str | bytes]

PLAIN = {
    "variables.csv": "name,value,sd,status,lower,upper,start\n"
    "in,100,10,measured,0,,\nout,110,10,measured,0,,\nloss,,,unmeasured,0,,5\nfixed,2,,constant,,,\n",
    "balances.csv": "balance,variable,coefficient\nP1,in,1\nP1,out,-1\nP1,loss,-1\n",
    "equations.txt": "# a share\nloss - fixed * 2\n",
    "covariance.csv": "variable_a,variable_b,covariance\nin,out,50\n",
}
SYSTEM = {
    "flows.csv": "flow,source,target,value,sd,cv,lower,upper,unit\n"
    "F1,,P1,100,10,,,,t\nF2,,P1,50,,,,,t\nF3,P1,P2,300,30,,,,t\nF4,P2,P1,,,,,,t\n"
    "F5,P2,P3,160,,0.1,,,t\nF6,P3,,,,,,,t\nF7,P3,,,,,,,t\n",
    "processes.csv": "process,stock\nP1,no\nP2,\nP3,no\n",
    "transfer_coefficients.csv": "flow,value,sd\nF4,0.5,0.05\n",
}
LAYERED = {
    "flows.csv": "flow,source,target,period,layer,value,cv,unit\n"
    "imports,,use,2020,goods,100,0.1,t\nscrap,use,plant,2020,goods,30,0.2,t\n"
    "product,plant,,2020,goods,20,0.1,t\nresidue,plant,,2020,goods,,,t\n"
    "imports,,use,2021,goods,120,0.1,t\nscrap,use,plant,2021,goods,35,0.2,t\n"
    "product,plant,,2021,goods,22,0.1,t\nresidue,plant,,2021,goods,12000,.2,kg\n"
    "imports,,use,2021,metal,30000,0.1,kg\nresidue,plant,,2020,metal,500,0.3,kg\n",
    "processes.csv": "process,stock\nuse,yes\nplant,no\n",
    "concentrations.csv": "flow,layer,value,sd,unit,period\nimports,metal,28,2,%,\nscrap,metal,25,3,%,\n",
    "stocks.csv": "process,quantity,period,layer,value,sd,unit\n"
    "use,level,2019,goods,1000,50,t\nuse,level,2020,goods,1080,50,t\nuse,change,2021,goods,90,10,t\n",
    "transfer_coefficients.csv": "flow,layer,value,sd\nproduct,metal,0.9,0.02\n",
}
RATIOS = {
    "variables.csv": "name,value,sd,status,lower,upper,start\n"
    "a,10,1,measured,0,,\nb,4,0.5,measured,0,,\nratio,0.5,0.1,measured,,,\nroot,,,unmeasured,0,,\nside,3,0.2,measured,,,\n",
    "equations.txt": "a / b - 5 * ratio\nroot**0.5 - side\n",
}
FOLDERS = {"ratios": RATIOS, "plain": PLAIN, "system": SYSTEM, "layered": LAYERED}


def change(file: str, before: str, after: str) -> Callable[[Texts], Files]:
    def applied(files: Texts) -> Files:
        assert before in files[file], (file, before)
        return {**files, file: files[file].replace(before, after, 1)}

    return applied


def without(file: str) -> Callable[[Texts], Files]:
    return lambda files: {name: text for name, text in files.items() if name != file}


BAD = [
    # kind, change, what the line must say
    ("plain", change("balances.csv", "P1,in", "P1,inn"), ["balances.csv, row 2, column variable", "'inn'"]),
    ("plain", change("equations.txt", "loss -", "lost -"), ["equations.txt, row 2", "'lost'"]),
    ("plain", change("covariance.csv", "in,out", "in,exit"), ["covariance.csv, row 2, column variable_b", "'exit'"]),
    (
        "plain",
        change("variables.csv", "fixed,", "spare,,,unmeasured,,,\nfixed,"),
        ["variables.csv, row 5", "spare is unmeasured and stands in no balance"],
    ),
    ("plain", change("variables.csv", "in,100,10,", "in,100,0,"), ["variables.csv, row 2, column sd", "above zero"]),
    (
        "plain",
        change("variables.csv", "in,100,10,", "in,100,-10,"),
        ["variables.csv, row 2, column sd", "above zero"],
    ),
    ("plain", change("variables.csv", "in,100,10,", "in,100,,"), ["variables.csv, row 2, column sd", "above zero"]),
    (
        "plain",
        change("variables.csv", "in,100,10,", "in,,10,"),
        ["variables.csv, row 2, column value", "without a value"],
    ),
    (
        "plain",
        change("variables.csv", "loss,,,", "loss,7,,"),
        ["variables.csv, row 4, column value", "neither value nor sd"],
    ),
    (
        "plain",
        change("variables.csv", "fixed,2,,", "fixed,2,1,"),
        ["variables.csv, row 5, column sd", "a constant has no sd"],
    ),
    ("plain", change("variables.csv", "out,110", "in,110"), ["variables.csv, row 3, column name", "row 2"]),
    ("plain", change("variables.csv", "out,110", ",110"), ["variables.csv, row 3, column name", "empty"]),
    ("plain", change("variables.csv", "constant", "known"), ["variables.csv, row 5, column status", "'known'"]),
    (
        "plain",
        change("variables.csv", "constant,,,", "constant,3,,"),
        ["variables.csv, row 5", "constant beyond its own bound"],
    ),
    (
        "plain",
        change("variables.csv", "measured,0,,", "measured,9,8,"),
        ["variables.csv, row 2", "lower bound above"],
    ),
    (
        "plain",
        change("variables.csv", "in,100,", "in,1e999,"),
        ["variables.csv, row 2, column value", "not a finite number"],
    ),
    (
        "plain",
        change("variables.csv", "in,100,", "in,nan,"),
        ["variables.csv, row 2, column value", "expected a number"],
    ),
    (
        "plain",
        change("variables.csv", "in,100,", 'in,"1,234.5",'),
        ["variables.csv, row 2, column value", "without commas"],
    ),
    (
        "plain",
        change("variables.csv", "in,100,", 'in,"100,5",'),
        ["variables.csv, row 2, column value", "without commas"],
    ),
    (
        "plain",
        change("variables.csv", "in,100,", "in,1_000,"),
        ["variables.csv, row 2, column value", "expected a number"],
    ),
    (
        "plain",
        change("variables.csv", "in,100,", "in,10%,"),
        ["variables.csv, row 2, column value", "write the fraction"],
    ),
    ("plain", change("variables.csv", "in,100,", "in,100,5,"), ["variables.csv, row 2", "found 8 cells, expected 7"]),
    ("plain", change("variables.csv", "status", "state"), ["variables.csv, row 1, column status", "lacks status"]),
    ("plain", change("variables.csv", "start", "begin"), ["variables.csv, row 1, column 'begin'", "unknown column"]),
    ("plain", change("variables.csv", "upper", "lower"), ["variables.csv, row 1, column 'lower'", "twice"]),
    ("plain", change("variables.csv", "in,100", '"in\nto",100'), ["variables.csv, row 2", "line break"]),
    ("plain", change("variables.csv", "in,100", '"in,100'), ["variables.csv, row 2", "not CSV"]),
    (
        "plain",
        change("covariance.csv", ",50", ",150"),
        ["covariance.csv, row 2, column covariance", "larger than the product"],
    ),
    ("plain", change("covariance.csv", "in,out", "in,in"), ["covariance.csv, row 2", "diagonal"]),
    ("plain", change("covariance.csv", "in,out,50", "in,out,50\nout,in,50"), ["covariance.csv, row 3", "already"]),
    (
        "plain",
        change("covariance.csv", "in,out", "in,fixed"),
        ["covariance.csv, row 2, column variable_b", "not measured"],
    ),
    ("plain", change("covariance.csv", "50", ""), ["covariance.csv, row 2, column covariance", "empty"]),
    ("plain", change("balances.csv", "P1,in,1", "P1,in,"), ["balances.csv, row 2, column coefficient", "empty"]),
    ("plain", change("balances.csv", "P1,in,1", "P1,in,1\nP1,in,1"), ["balances.csv, row 3", "twice"]),
    ("plain", change("equations.txt", "fixed * 2", "sin(fixed)"), ["equations.txt, row 2", "call"]),
    ("plain", change("equations.txt", "fixed * 2", "fixed.real"), ["equations.txt, row 2", "attribute"]),
    ("plain", change("equations.txt", "fixed * 2", "fixed % 2"), ["equations.txt, row 2", "'%'"]),
    ("plain", change("equations.txt", "loss -", "loss ="), ["equations.txt, row 2", "equals 0"]),
    ("plain", change("equations.txt", "fixed * 2", "fixed / 0"), ["equations.txt, row 2", "zero"]),
    ("plain", change("equations.txt", "loss - fixed * 2", "1 - 1"), ["equations.txt, row 2", "no variable"]),
    ("plain", change("equations.txt", "fixed * 2", "fixed ** 21"), ["equations.txt, row 2", "exponent"]),
    ("plain", change("equations.txt", "fixed * 2", "fixed * 1e999"), ["equations.txt, row 2", "finite"]),
    (
        "plain",
        change("equations.txt", "fixed * 2", "(" * 101 + "fixed" + ")" * 101),
        ["equations.txt, row 2", "nested"],
    ),
    ("plain", change("equations.txt", "fixed * 2", "fixed" * 2000), ["equations.txt, row 2", "characters"]),
    ("plain", lambda files: {**files, "equations.txt": "a" * 10_000_000}, ["equations.txt, row 1", "characters"]),
    ("plain", lambda files: {**files, "variables.csv": "a" * 10_000_000}, ["variables.csv, row 1", "length"]),
    (
        "plain",
        lambda files: {**files, "variables.csv": "name,value,sd,status\n" + "a" * 10_000_000},
        ["variables.csv, row 2", "length"],
    ),
    (
        "plain",
        lambda files: {**files, "variables.csv": "name,value,sd,status\n" + "a," * 5_000_000},
        ["variables.csv, row 2", "cells"],
    ),
    ("plain", lambda files: {**files, "variables.csv": ""}, ["variables.csv", "no rows"]),
    (
        "plain",
        lambda files: {**files, "variables.csv": "name,value,sd,status\n\n"},
        ["variables.csv, row 1", "no rows below"],
    ),
    (
        "plain",
        lambda files: {**files, "variables.csv": "name,value,sd,status\nä,1,1,measured".encode("cp1252") + b"\x81"},
        ["variables.csv, row 2", "not UTF-8"],
    ),
    (
        "plain",
        lambda files: {**files, "equations.txt": "# a share\nä".encode("cp1252") + b"\x81"},
        ["equations.txt, row 2", "not UTF-8"],
    ),
    (
        "plain",
        lambda files: {**files, "variables.csv": files["variables.csv"].encode("utf-16-le")},
        ["variables.csv", "zero bytes"],
    ),
    ("plain", lambda files: {"variables.csv": files["variables.csv"]}, ["variables.csv", "add balances.csv"]),
    ("plain", lambda files: {"balances.csv": files["balances.csv"]}, ["nothing to reconcile"]),
    ("plain", lambda files: {}, ["nothing to reconcile"]),
    ("plain", lambda files: {**files, **SYSTEM}, ["both flows and variables"]),
    (
        "plain",
        change("equations.txt", "loss - fixed * 2", "fixed - 3"),
        ["no values meet the balance equations.txt line 2"],
    ),
    ("plain", change("equations.txt", "loss - fixed * 2", "loss + fixed"), ["no values meet", "loss ≥ 0", "line 2"]),
    ("plain", change("equations.txt", "loss - fixed * 2", "loss**2 + in**2 + 1"), ["no convergence", "line 2"]),
    ("plain", change("equations.txt", "loss - fixed * 2", "loss / (out - out) - in"), ["line 2", "no finite value"]),
    ("system", without("processes.csv"), ["flows.csv", "add processes.csv"]),
    ("system", change("flows.csv", "F3,P1,P2", "F3,P1,P9"), ["flows.csv, row 4, column target", "'P9'"]),
    (
        "system",
        change("flows.csv", "F3,P1,P2", "F3,P1,P1"),
        ["flows.csv, row 4, column target", "from 'P1' to itself"],
    ),
    ("system", change("flows.csv", "F1,,P1", "F1,,"), ["flows.csv, row 2, column target", "both outside"]),
    ("system", change("flows.csv", "F2,,P1", "F1,,P1"), ["flows.csv, row 3, column flow", "row 2"]),
    ("system", change("flows.csv", "100,10,,", "100,0,,"), ["flows.csv, row 2, column sd", "above zero"]),
    ("system", change("flows.csv", "100,10,,", "100,,-0.1,"), ["flows.csv, row 2, column cv", "above zero"]),
    ("system", change("flows.csv", "100,10,,", "100,10,0.1,"), ["flows.csv, row 2, column cv", "both given"]),
    ("system", change("flows.csv", "100,10,,", "100,,25,"), ["flows.csv, row 2, column cv", "write 0.25 for 25 %"]),
    ("system", change("flows.csv", "100,10,,", ",10,,"), ["flows.csv, row 2, column sd", "without a value"]),
    (
        "system",
        change("flows.csv", "100,10,,,,t", "100,10,,,,m"),
        ["flows.csv, row 3, column unit", "cannot be converted to m"],
    ),
    ("system", change("flows.csv", "100,10,,,,t", "100,10,,,,"), ["flows.csv, row 2, column unit", "are in t"]),
    (
        "system",
        change("flows.csv", "F2,,P1,50,,,,", "F2,,P1,50,,,60,"),
        ["flows.csv, row 3", "constant beyond its own bound"],
    ),
    ("system", change("processes.csv", "P2,", "P2,maybe"), ["processes.csv, row 3, column stock", "yes or no"]),
    ("system", change("processes.csv", "P2,", "P1,"), ["processes.csv, row 3, column process", "already"]),
    ("system", change("processes.csv", "P3,no", "P3,no\nP4,no"), ["flows.csv", "'P4'", "no flow enters or leaves"]),
    ("system", change("flows.csv", "F6,P3,,,,,,,t\nF7,P3,,,,,,,t\n", ""), ["flows.csv", "no flow leaves 'P3'"]),
    (
        "system",
        change("transfer_coefficients.csv", "F4", "F9"),
        ["transfer_coefficients.csv, row 2, column flow", "'F9'"],
    ),
    (
        "system",
        change("transfer_coefficients.csv", "F4", "F1"),
        ["transfer_coefficients.csv, row 2", "leaves no process"],
    ),
    (
        "system",
        change("transfer_coefficients.csv", "F4,0.5,0.05", "F4,0.5,0.05\nF4,0.5,0.05"),
        ["row 3, column flow", "row 2"],
    ),
    ("layered", change("flows.csv", "2020,goods,30", ",goods,30"), ["flows.csv, row 3, column period", "empty"]),
    ("layered", change("flows.csv", "2020,goods,30", "2020,,30"), ["flows.csv, row 3, column layer", "empty"]),
    ("layered", change("flows.csv", "2021,goods,120", "2020,goods,120"), ["flows.csv, row 6, column flow", "row 2"]),
    (
        "layered",
        change("flows.csv", "imports,,use,2021,goods", "imports,,plant,2021,goods"),
        ["flows.csv, row 6, column target", "earlier row"],
    ),
    (
        "layered",
        change("concentrations.csv", "scrap,metal,25,3,%", "scrap,metal,25,3,"),
        ["concentrations.csv, row 3, column unit", "kg"],
    ),
    (
        "layered",
        change("concentrations.csv", "scrap,metal,25,3,%", "scrap,metal,25,3,m"),
        ["concentrations.csv, row 3, column unit"],
    ),
    (
        "layered",
        change("concentrations.csv", "scrap,metal", "scrap,goods"),
        ["concentrations.csv, row 3, column layer"],
    ),
    (
        "layered",
        change("concentrations.csv", "3,%,", "3,%,1999"),
        ["concentrations.csv, row 3, column period", "1999"],
    ),
    (
        "layered",
        change("transfer_coefficients.csv", "metal", "glue"),
        ["transfer_coefficients.csv, row 2, column layer", "'glue'"],
    ),
    (
        "layered",
        change("stocks.csv", "use,level,2020", "use,level,2022"),
        ["stocks.csv, row 3, column period", "one of '2019'"],
    ),
    ("layered", change("stocks.csv", "use,level", "plant,level"), ["stocks.csv, row 2, column process", "'plant'"]),
    (
        "layered",
        change("stocks.csv", "level,2019", "height,2019"),
        ["stocks.csv, row 2, column quantity", "change or level"],
    ),
    ("layered", change("stocks.csv", "change,2021", "change,2018"), ["stocks.csv, row 4, column period", "2018"]),
]

# What random changes put into a cell or between two signs.
SPOILERS = [
    "",
    ",",
    "\n",
    '"',
    ";",
    "\t",
    "\x00",
    "\ufeff",
    "0",
    "-",
    "e",
    "9" * 400,
    "1e308",
    "nan",
    "inf",
    "P1",
    "=",
    "(",
    ")",
    "**",
    "#",
    "é",
    "\udcff",
]
