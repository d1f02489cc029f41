"""What a person sees on the terminal: the plan, progress, lists."""
