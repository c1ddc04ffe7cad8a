"""The mathematics of attribution graphs."""
