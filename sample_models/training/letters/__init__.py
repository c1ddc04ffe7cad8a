"""How the letter specimen is made: a 27 x 27 matrix trained on names."""
