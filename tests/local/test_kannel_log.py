"""The messages that fakesmsc received, read from its log."""

from collections import Counter

from local.kannel import Got, read_log

LOG = """\
2026-11-22 07:20:16 [1] [0] INFO: fakesmsc starting
2026-11-22 07:20:17 [1] [0] DEBUG: Got message 1: <HARKAR 919876543210 text Hello @ {x} udh>
2026-11-22 07:20:17 [1] [0] DEBUG: Got message 2: <HARKAR 919876543210 text Hello @ {x} udh>
2026-11-22 07:20:17 [1] [0] DEBUG: Got message 3: <HARKAR 911 ucs-2 %09(%09.%098>
2026-11-22 07:20:18 [1] [0] DEBUG: Got message 4: <HARKAR 912 udh %05%00%03%02%02%01 data xxx>
2026-11-22 07:20:18 [1] [0] DEBUG: Got message 5: <HARKAR 912 udh %05%00%03%02%02%02 data xxx>
"""


def test_messages_and_segments_are_counted_by_number_and_header() -> None:
    assert read_log(LOG) == Counter(
        {
            Got("919876543210", ""): 2,
            Got("911", ""): 1,
            Got("912", "%05%00%03%02%02%01"): 1,
            Got("912", "%05%00%03%02%02%02"): 1,
        }
    )
