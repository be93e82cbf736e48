"""What every HTTP client of the tests is given, since servers on loopback speak no TLS."""

from __future__ import annotations

import ssl
from typing import Final

NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For `verify`. By default each client, and each request without one, reads all authorities that
the web trusts, which takes 50 ms of a processor.
"""
