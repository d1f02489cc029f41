"""What will be run, how long it will take, how many runs fit at once."""
