"""What the runs of a study show: tables, claims, verdict."""
