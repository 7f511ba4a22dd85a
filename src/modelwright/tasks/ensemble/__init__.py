"""From judged candidates to the members that are deployed, and how much each of them counts."""
