"""All steps by their names, for what is read back from JSON."""

from __future__ import annotations

from modelwright.tasks.features import categories, numbers, scaling, target_means
from modelwright.tasks.features.step import Register

REGISTER = Register()
REGISTER.add(numbers.Numbers, numbers.AppliedNumbers)
REGISTER.add(numbers.Ordinals, numbers.AppliedOrdinals)
REGISTER.add(categories.Codes, categories.AppliedCodes)
REGISTER.add(categories.OneHot, categories.AppliedOneHot)
REGISTER.add(categories.Counts, categories.AppliedCounts)
REGISTER.add(categories.Hashed, categories.AppliedHashed)
REGISTER.add(target_means.TargetMeans, target_means.AppliedTargetMeans)
REGISTER.add(scaling.Scaled, scaling.AppliedScaled)
