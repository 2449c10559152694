"""Logging in by one-time code with FastAPI. Start it with `uvicorn fastapi_codes:app`."""

import functools

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from notifykit import AsyncNotifier, AsyncVerifier

app = FastAPI()
verifier = functools.cache(lambda: AsyncVerifier(AsyncNotifier.from_settings(), purpose="login"))


@app.post("/codes")
async def send_code(mobile: str, request: Request) -> JSONResponse:
    started = await verifier().start(mobile, client=request.client.host)
    return JSONResponse({"status": started.status}, started.http_status, started.headers)


@app.post("/login")
async def log_in(mobile: str, code: str) -> JSONResponse:
    checked = await verifier().check(mobile, code)
    return JSONResponse({"ok": checked.ok}, checked.http_status, checked.headers)
