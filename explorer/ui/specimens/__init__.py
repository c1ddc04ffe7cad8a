"""The pages of the specimens: the same three verbs for each of them."""
