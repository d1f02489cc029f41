"""What came out: reads W&B logs only; imports neither torch, nets nor experiments."""
