"""Bytes to values and back; the only package that opens files."""
