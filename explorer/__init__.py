"""Circuit Explorer shows why a language model said what it said."""

__version__ = "0.1.0"
