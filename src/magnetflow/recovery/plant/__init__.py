"""Streams, units and flowsheets."""
