from magnetflow.errors import InputError as InputError
from magnetflow.errors import MagnetflowError as MagnetflowError
from magnetflow.flows.records import Figure as Figure
from magnetflow.flows.records import Flow as Flow
from magnetflow.flows.records import Place as Place
from magnetflow.flows.records import Process as Process
from magnetflow.flows.system import System as System
from magnetflow.inference.problem import Problem as Problem
from magnetflow.inference.reconcile import Reconciliation as Reconciliation
from magnetflow.inference.reconcile import eliminate_serially as eliminate_serially
from magnetflow.inference.reconcile import reconcile as reconcile
from magnetflow.inference.reconcile import reconcile_robustly as reconcile_robustly
from magnetflow.recovery.cell.grids import graded as graded
from magnetflow.recovery.cell.kinetics import Branch as Branch
from magnetflow.recovery.cell.kinetics import HalfReaction as HalfReaction
from magnetflow.recovery.cell.kinetics import MassAction as MassAction
from magnetflow.recovery.cell.kinetics import Solid as Solid
from magnetflow.recovery.cell.model import Bulk as Bulk
from magnetflow.recovery.cell.model import Cell as Cell
from magnetflow.recovery.cell.model import Electrode as Electrode
from magnetflow.recovery.cell.model import Inflow as Inflow
from magnetflow.recovery.cell.model import Ion as Ion
from magnetflow.recovery.cell.model import Wall as Wall
from magnetflow.recovery.cell.operation import Operation as Operation
from magnetflow.recovery.cell.operation import Setup as Setup
from magnetflow.recovery.cell.operation import operate as operate
from magnetflow.recovery.cell.state import State as State
from magnetflow.recovery.cell.state import start as start
from magnetflow.recovery.cell.steady import currents_a_m2 as currents_a_m2
from magnetflow.recovery.cell.steady import steady as steady
from magnetflow.recovery.cell.transient import run as run
from magnetflow.recovery.chemistry.reactions import Reaction as Reaction

__all__: list[str]
__version__: str
