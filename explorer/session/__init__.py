"""What the user does, as plain values."""
