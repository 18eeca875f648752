"""Species, reactions, thermochemistry and equilibria in water."""
