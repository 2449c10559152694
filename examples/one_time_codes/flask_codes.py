"""Logging in by one-time code with Flask. Start it with `flask --app flask_codes run`."""

import functools

from flask import Flask, request

from notifykit import Verifier
from notifykit.integrations.flask import NotifyKit

app = Flask(__name__)
notify = NotifyKit(app)
verifier = functools.cache(lambda notifier: Verifier(notifier, purpose="login"))


@app.post("/codes")
def send_code():
    started = verifier(notify.notifier).start(request.form["mobile"], client=request.remote_addr)
    return {"status": started.status}, started.http_status, started.headers


@app.post("/login")
def log_in():
    checked = verifier(notify.notifier).check(request.form["mobile"], request.form["code"])
    return {"ok": checked.ok}, checked.http_status, checked.headers
