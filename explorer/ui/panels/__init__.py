"""The panels of the window, one file each.

A panel takes the document and, if it computes, the engine; it keeps nothing that they hold. Each is imported where it
is built: those that open later do not hold up the window.
"""
