"""The account of a fit: one page that says what was predicted, how well, by what, and how the time was spent."""
