"""How a function, a Keras model or an estimator is run, measured and kept."""
