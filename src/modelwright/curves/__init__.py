"""Curves: where a learning curve will end, from its first points. numpy and scipy alone."""

from modelwright.curves.extrapolate import Extrapolator, Forecast, extrapolate

__all__ = ["Extrapolator", "Forecast", "extrapolate"]
