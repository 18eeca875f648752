"""Rare earths in the permanent magnets of the United Kingdom, 2017 to 2021 (Hsu et al. 2024)."""
