"""The papers' numbers and recipes."""
