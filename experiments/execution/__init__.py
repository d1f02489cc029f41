"""Carries runs out: one run with its folder and log, many runs in parallel."""
