"""Parts of `run_ablation.py`: seeds added in rounds, and what the end of an ablation prints and writes."""
