"""All steps by their names, for what is read back from JSON."""

from __future__ import annotations

from modelwright.tasks.features import (
    categories,
    dates,
    groups,
    interactions,
    numbers,
    reduction,
    scaling,
    selection,
    target_means,
    text,
)
from modelwright.tasks.features.step import Register

REGISTER = Register()
REGISTER.add(numbers.Numbers, numbers.AppliedNumbers)
REGISTER.add(numbers.Nothing, numbers.AppliedNothing)
REGISTER.add(numbers.Ordinals, numbers.AppliedOrdinals)
REGISTER.add(categories.Codes, categories.AppliedCodes)
REGISTER.add(categories.OneHot, categories.AppliedOneHot)
REGISTER.add(categories.Counts, categories.AppliedCounts)
REGISTER.add(categories.Hashed, categories.AppliedHashed)
REGISTER.add(target_means.TargetMeans, target_means.AppliedTargetMeans)
REGISTER.add(dates.Dates, dates.AppliedDates)
REGISTER.add(text.Texts, text.AppliedTexts)
REGISTER.add(interactions.Pairs, interactions.AppliedPairs)
REGISTER.add(groups.GroupMeans, groups.AppliedGroupMeans)
REGISTER.add(groups.CrossedMeans, groups.AppliedCrossedMeans)
REGISTER.add(scaling.Scaled, scaling.AppliedScaled)
REGISTER.add(reduction.Components, reduction.AppliedComponents)
REGISTER.add(selection.Selected, selection.AppliedSelected)
