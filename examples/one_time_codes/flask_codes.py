"""Logging in by one-time code with Flask. Start it with `flask --app flask_codes run`."""

import functools

from flask import Flask, request

from notifykit import Notifier, Verifier

app = Flask(__name__)
verifier = functools.cache(lambda: Verifier(Notifier.from_settings(), purpose="login"))


@app.post("/codes")
def send_code():
    started = verifier().start(request.form["mobile"], client=request.remote_addr)
    return {"status": started.status}, started.http_status, started.headers


@app.post("/login")
def log_in():
    checked = verifier().check(request.form["mobile"], request.form["code"])
    return {"ok": checked.ok}, checked.http_status, checked.headers
