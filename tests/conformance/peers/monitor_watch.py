"""Watches the pipelines of a server, as a program would that knows the reference and nothing else.

Usage: monitor_watch.py <ws:// URL of the monitor> <token>

Prints OPEN, each message as MESSAGE, and at the end CLOSED with the code; refused handshakes as
REFUSED with the status. Ends when its input does.
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

URL, TOKEN = sys.argv[1:]


def say(word, value=None):
    print(word if value is None else f"{word} {json.dumps(value)}", flush=True)


async def watch():
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        # Pings of its own, too: the server has to answer them.
        async with connect(URL, additional_headers=headers, ping_interval=0.2, ping_timeout=5) as socket:
            say("OPEN")
            while True:
                message = await socket.recv()
                assert isinstance(message, str), "a message is not text"
                say("MESSAGE", json.loads(message))
    except InvalidStatus as refused:
        say("REFUSED", refused.response.status_code)
    except ConnectionClosed as closed:
        say("CLOSED", closed.rcvd.code if closed.rcvd is not None else None)


async def main():
    watching = asyncio.ensure_future(watch())
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    watching.cancel()


asyncio.run(main())
