"""What is predicted and how well: targets, weights of rows, metrics, thresholds, and which rows judge."""
