"""The function that takes life-cycle transitions and carries out what follows them."""
