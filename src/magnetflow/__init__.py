"""Flows, uncertainty and recovery of rare earths in permanent magnets."""

from importlib.metadata import version

__version__ = version("magnetflow")
