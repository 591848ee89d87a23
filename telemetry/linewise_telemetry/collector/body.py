"""The body of a request, within bounds of size and time before and after inflation.

In: a request. Out: its bytes, or the HTTP status with which to refuse it. It never holds more than
the bounds, whatever the headers claim.
"""

from __future__ import annotations

import asyncio
import zlib

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MAX_WIRE = 1024 * 1024
MAX_INFLATED = 4 * 1024 * 1024
MAX_SECONDS = 10.0


async def read(request: Request, most: int = MAX_WIRE) -> bytes:
    """Return the body, inflated if it was gzipped.

    Raises HTTPException: 408 too slow, 413 too large, 415 unknown encoding, 400 broken gzip.
    """
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise HTTPException(415, "the encoding must be gzip or identity")
    body = bytearray()
    try:
        async with asyncio.timeout(MAX_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise HTTPException(413, f"the body is larger than {most} bytes")
    except TimeoutError as error:
        raise HTTPException(408, f"the body took longer than {MAX_SECONDS:.0f} s") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the body is not complete") from error
    return _inflate(bytes(body)) if encoding == "gzip" else bytes(body)


def _inflate(body: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        data = inflater.decompress(body, MAX_INFLATED + 1)
    except zlib.error as error:
        raise HTTPException(400, "the body is not gzip") from error
    if len(data) > MAX_INFLATED:
        raise HTTPException(413, f"the body inflates to more than {MAX_INFLATED} bytes")
    if not inflater.eof or inflater.unused_data:
        raise HTTPException(400, "the body is not one whole gzip member")
    return data
