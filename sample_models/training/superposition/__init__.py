"""How the superposition specimen is made: the training of the window, at ten densities."""
