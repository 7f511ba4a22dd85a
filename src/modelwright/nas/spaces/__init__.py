"""Spaces that are ready to use. Each is a function; without a shape it returns a template that waits for one."""
