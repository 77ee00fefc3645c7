"""Make, open and repair environments."""
