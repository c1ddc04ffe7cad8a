"""The compute process and the jobs it runs."""
