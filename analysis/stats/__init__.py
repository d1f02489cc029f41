"""Statistics as pure functions of numbers."""
