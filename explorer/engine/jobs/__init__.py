"""Jobs that compute and touch files; they pass values downwards."""
