"""User code, turned into a space and an estimation."""
