"""What a call of ``fit`` asks for, and how it goes together with a plan, a study or a model from before."""
