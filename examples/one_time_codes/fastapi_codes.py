"""Logging in by one-time code with FastAPI. Start it with `uvicorn fastapi_codes:app`."""

import functools

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from notifykit import AsyncVerifier
from notifykit.integrations.fastapi import NotifierDep, lifespan

app = FastAPI(lifespan=lifespan())
verifier = functools.cache(lambda notifier: AsyncVerifier(notifier, purpose="login"))


@app.post("/codes")
async def send_code(mobile: str, request: Request, notifier: NotifierDep) -> JSONResponse:
    started = await verifier(notifier).start(mobile, client=request.client.host)
    return JSONResponse({"status": started.status}, started.http_status, started.headers)


@app.post("/login")
async def log_in(mobile: str, code: str, notifier: NotifierDep) -> JSONResponse:
    checked = await verifier(notifier).check(mobile, code)
    return JSONResponse({"ok": checked.ok}, checked.http_status, checked.headers)
