"""The parts that KerasTuner's users subclass: oracle, tuner, trial, hyperparameters. See ``docs/keras_tuner.md``."""
