"""How architectures are compared: specs, recipes, ablations, and the machinery that trains them."""
