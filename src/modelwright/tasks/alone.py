"""One call of LightGBM at a time.

LightGBM keeps the number of its threads once for the whole process, and every data set, booster and prediction sets it
anew. Where another thread of ours does that in between, buffers that were made for one thread are written to by two,
and the process ends with a segmentation fault. Data checks run beside a fit in a thread of their own, and models
predict in as many threads as a server has.
"""

from __future__ import annotations

import threading

#: To be held by whoever makes a data set or a booster, trains it, or predicts with it. It may be taken again.
ALONE = threading.RLock()
