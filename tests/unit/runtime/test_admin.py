from __future__ import annotations

import pytest

from identity_service.runtime.admin import Shares

SAID = """\
  Estimated number of nodes: 1.25 M
(1/4) Node import 2026-11-22 15:32:07.721+0000
  Estimated disk space usage: 690.9MiB
.......... .......... .......... .......... ..........   5% ∆8s 126ms [8s 126ms]
.......... .......... .......... .......... .......... 100% ∆0ms [23s 58ms]
Node import COMPLETED in 23s 120ms
(4/4) Post processing 2026-11-22 15:32:56.955+0000
-......... .......... .......... .......... ..........  50% ∆1s 934ms [1s 934ms]
IMPORT DONE in 1m 5s 158ms.
"""


def test_the_progress_of_an_import_is_read_off_what_it_prints() -> None:
    told: list[float] = []
    shares = Shares(told.append)

    for line in SAID.splitlines():
        shares.hear(line)

    assert told == pytest.approx([0.0125, 0.25, 0.875])
