"""Records, objectives, errors, seeds, time and codecs: what every other package is made of.

Standard library and numpy only. Nothing here knows what a study does with the records.
"""
