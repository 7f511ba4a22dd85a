"""The public doors: ``tune``, ``Study``, ``Trial``, ``load_study``."""
