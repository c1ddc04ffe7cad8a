"""Small real models that come with the app, and the scripts that made them."""
