"""Magics: each a thin caller of the Python function with the same name."""
