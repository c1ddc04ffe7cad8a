"""How the adder specimen is made: a transformer of 777 parameters that adds two ten-digit numbers."""
