"""The search for models of a table: what a fit starts from, its candidates in a study, when it ends."""
