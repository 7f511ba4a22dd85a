"""From a raw table to the best model: tables as they come, what their columns are, and what is learned from them."""
