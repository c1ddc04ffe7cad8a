"""How the modular specimens are made: transformers that learn a + b mod p by heart, and understand it much later."""
