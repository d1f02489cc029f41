"""How quickly this bench trains: the usual loop, ours, and the floor that the hardware sets."""
