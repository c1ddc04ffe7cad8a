"""Evidence for features: what they respond to in text, what they promote, and labels with their scores."""
