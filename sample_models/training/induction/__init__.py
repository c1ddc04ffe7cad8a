"""How the induction specimen is made: two layers of attention that learn to go on as it went on before."""
