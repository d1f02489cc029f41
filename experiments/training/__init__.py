"""The machinery that carries a declaration out."""
