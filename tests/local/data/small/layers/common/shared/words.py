"""A word for the function that imports it from the layer."""

WORD = "shared"
