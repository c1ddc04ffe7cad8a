"""Trained models small enough to be read whole: what they compute, what breaks them, what can be taken out of them."""
