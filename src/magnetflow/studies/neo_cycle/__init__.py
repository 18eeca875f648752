"""Recovery of rare earths from end-of-life magnets: our model of the NEO-CYCLE concept."""
