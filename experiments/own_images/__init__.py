"""What is known of a user's own images before they are loaded: classes, counts, size, and what is wrong with them."""
