"""Distributions, draws of inputs, and what balances make of many draws."""
