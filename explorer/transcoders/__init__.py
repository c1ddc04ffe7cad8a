"""Transcoders: the features that stand in for the MLPs of a model."""
