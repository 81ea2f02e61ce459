"""Each generated request comes from another address.

The server locks out an address after some refused logins, and generated logins are refused. Behind
one trusted proxy (DRLS_TRUSTED_PROXIES=1) the address is the last one of X-Forwarded-For.

A query that asks for two milliseconds is answered with 503, as documented, which says nothing about the
server: valid times that are short are made long.
"""

import itertools

import schemathesis

_numbers = itertools.count(1)
_PATIENCE_MS = 60_000


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(_numbers)
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    if case.path == "/api/query" and isinstance(case.body, dict):
        timeout = case.body.get("timeout_ms")
        if type(timeout) is int and 0 < timeout < _PATIENCE_MS:
            case.body["timeout_ms"] = _PATIENCE_MS
