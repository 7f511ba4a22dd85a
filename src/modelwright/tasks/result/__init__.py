"""What a fit gives back: predictors, their files, leaderboards and explanations. Knows no study."""
