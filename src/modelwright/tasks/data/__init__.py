"""Tables as they come: read, told what their columns are, and typed. Knows no target that is predicted and no model."""
