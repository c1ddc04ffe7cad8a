"""Language models: one table of families, one loader, one capture of a forward pass."""
