"""Material flow analysis: systems, estimation equations and stocks, for any country and any material."""
