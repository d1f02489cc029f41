"""How the analysis grows with the number of runs."""
