"""For maintainers: the usual loop, where the time goes, endurance, the analysis at scale."""
