"""Each generated request comes from another address.

The server locks out an address after some refused logins, and generated logins are refused. Behind
one trusted proxy (DRLS_TRUSTED_PROXIES=1) the address is the last one of X-Forwarded-For.
"""

import itertools

import schemathesis

_numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(_numbers)
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
