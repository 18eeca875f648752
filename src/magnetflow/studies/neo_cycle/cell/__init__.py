"""The electrochemical cell of the concept: its case, its design, and what the solver is verified on."""
