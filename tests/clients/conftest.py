"""Clients that other people published, as their registries hand them out, and a sandbox for them to talk to.

Not one byte of their files is changed. They only get another address: the Python clients keep theirs
in a module constant, which a ``sitecustomize`` sets from outside; the Node client has it in a literal, so a preloaded
script sends what is meant for that host elsewhere.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import attrs
import pytest

from notifykit_kwtsms.sandbox import Rules, Sandbox
from tests.environments import once

#: Where every Python client is required: one that is not available is a failure there, not a skip.
REQUIRED: Final = os.environ.get("CI", "").lower() in ("1", "true")
#: Seconds for one program.
_PATIENCE: Final = 120
#: Where an environment has its programs.
_PROGRAMS: Final = "Scripts" if sys.platform == "win32" else "bin"
#: The variables of every program.
_BASE: Final = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "ignore"}
#: Points the Python clients at the sandbox, wherever their interpreter starts, and lets their sleeps pass on its clock.
_PYTHON_HOOK: Final = """\
import json, os, sys, time, urllib.request

def lead():
    for module in filter(None, map(sys.modules.get, ("kwtsms._core", "kwtsms._async"))):
        module.BASE_URL = os.environ["SANDBOX_AT"] + "/API/"

try:
    import kwtsms._core
except ImportError:
    pass
else:
    lead()
    sleeps = []

    def nap(seconds):
        sleeps.append(seconds)
        body = json.dumps({"advance": seconds}).encode()
        urllib.request.urlopen(urllib.request.Request(os.environ["SANDBOX_AT"] + "/sandbox/clock", body)).close()

    time.sleep = nap
"""
#: Makes calls as they stand in a line of JSON and prints what came of each: in a process of their own, which is forked
#: from one that has imported the client, in the folder and with the variables that stand there too.
_PYTHON_SCRIPT: Final = """\
import asyncio, inspect, json, os, sys, traceback
import kwtsms, sitecustomize

def answer(asked):
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sitecustomize.lead()
    client = getattr(kwtsms, asked["kind"])
    client = client.from_env() if asked["options"] is None else client(**asked["options"])
    results = []
    for name, positional, named in asked["calls"]:
        try:
            value = getattr(client, name)
            value = value(*positional, **named) if callable(value) else value
            results.append({"returned": asyncio.run(value) if inspect.isawaitable(value) else value})
        except Exception as error:
            results.append({"raised": type(error).__name__, "saying": str(error)})
    return {"results": results, "sleeps": sitecustomize.sleeps, "home": kwtsms.__file__}

out = os.dup(1)
os.dup2(2, 1)  # what a client prints is no answer
for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            said = answer(json.loads(line))
        except BaseException:
            said = {"failed": traceback.format_exc()}
        with open(out, "w") as stream:
            stream.write(json.dumps(said) + "\\n")
        os._exit(0)
    os.waitpid(child, 0)
"""
#: The same for a class of an npm package.
_NODE_SCRIPT: Final = """\
const chunks = [];
process.stdin.on('data', (chunk) => chunks.push(chunk)).on('end', async () => {
  const asked = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const { KwtSMS } = require('kwtsms');
  const results = [];
  let client;
  try {
    const { username, password, ...options } = asked.options || {};
    client = asked.options === null ? KwtSMS.fromEnv() : new KwtSMS(username, password, options);
  } catch (error) {
    console.log(JSON.stringify({ results: [{ raised: error.name, saying: error.message }], sleeps: globalThis.sleeps }));
    return;
  }
  for (const [name, positional] of asked.calls) {
    try {
      const value = typeof client[name] === 'function' ? await client[name](...positional) : client[name];
      results.push({ returned: value === undefined ? null : value });
    } catch (error) {
      results.push({ raised: error.name, saying: error.message });
    }
  }
  console.log(JSON.stringify({ results, sleeps: globalThis.sleeps, home: require.resolve('kwtsms') }));
});
"""
#: Sends what a Node program means for the gateway to the sandbox instead, and lets its sleeps pass on the sandbox's clock.
_NODE_HOOK: Final = """\
const http = require('node:http');
const https = require('node:https');
const { syncBuiltinESMExports } = require('node:module');
const HOST = 'www.kwtsms.com';
const there = new URL(process.env.SANDBOX_AT);
const moved = (options) => ({
  ...options, protocol: 'http:', host: there.hostname, hostname: there.hostname, port: there.port, agent: undefined,
  headers: { ...options.headers, Host: there.host },
});
const original = https.request;
https.request = (first, ...rest) => {
  const url = typeof first === 'string' || first instanceof URL ? new URL(first) : null;
  const options = url
    ? { hostname: url.hostname, path: url.pathname + url.search, ...(typeof rest[0] === 'object' ? rest.shift() : {}) }
    : first;
  if ((options.hostname || options.host) !== HOST) return original(first, ...rest);
  return http.request(moved(options), ...rest);
};
https.get = (...all) => { const request = https.request(...all); request.end(); return request; };
const fetched = globalThis.fetch;
globalThis.fetch = (resource, options) => {
  const url = new URL(resource instanceof Request ? resource.url : resource);
  if (url.hostname !== HOST) return fetched(resource, options);
  const target = new URL(url.pathname + url.search, there);
  return fetched(resource instanceof Request ? new Request(target, resource) : target, options);
};
syncBuiltinESMExports();
globalThis.sleeps = [];
const timer = globalThis.setTimeout;
globalThis.setTimeout = Object.assign((callback, delay, ...rest) => {
  if (![500, 30000, 60000, 120000].includes(delay)) return timer(callback, delay, ...rest);
  globalThis.sleeps.push(delay / 1000);
  const body = JSON.stringify({ advance: delay / 1000 });
  const passed = () => fetched(new URL('/sandbox/clock', there), { method: 'PUT', body }).then(() => callback(...rest));
  return timer(passed, 0);
}, timer);
"""


@attrs.frozen
class CallResults:
    """What came of a call_all through some calls."""

    #: What each call returned, or the exception as ``{"raised": …, "saying": …}``.
    results: list[dict[str, Any]]
    #: Every sleep of the client, in seconds; none was real.
    sleeps: list[float]

    @property
    def returned(self) -> list[Any]:
        """What the calls returned; one that raised is a failure."""
        assert all("returned" in one for one in self.results), self.results
        return [one["returned"] for one in self.results]

    @property
    def only(self) -> Any:
        """What the only call returned."""
        (value,) = self.returned
        return value


@attrs.frozen
class Client:
    """A published client in an environment of its own."""

    #: Its interpreter.
    interpreter: pathlib.Path
    #: The script that makes calls.
    script: tuple[str, ...]
    #: What gives it the other address.
    hooks: dict[str, str]
    #: Where its commands are.
    commands: pathlib.Path
    #: Answers one line of calls after the other, for a client of Python; a Node program is started for each.
    server: subprocess.Popen[str] | None = None

    def call_all(
        self,
        sandbox: Sandbox,
        *calls: Sequence[Any],
        kind: str = "KwtSMS",
        options: dict[str, Any] | None = None,
        **environment: str,
    ) -> CallResults:
        """Make calls, each a name and its arguments; without options the client reads its environment."""
        plain = [
            (
                name,
                [part for part in rest if not isinstance(part, dict)],
                next((p for p in rest if isinstance(p, dict)), {}),
            )
            for name, *rest in calls
        ]
        asked = {"kind": kind, "options": options, "calls": plain}
        if self.server is not None:
            answer = self._ask(
                {**asked, "folder": str(pathlib.Path.cwd()), "environment": self._variables(sandbox, environment)}
            )
        else:
            stdin = json.dumps(asked)
            done = self.run(sandbox, *self.script, program=self.interpreter, stdin=stdin, **environment)
            assert done.returncode == 0, done.stdout + done.stderr
            answer = json.loads(done.stdout)
        assert "home" not in answer or pathlib.Path(answer["home"]).is_relative_to(self.commands.parent.resolve())
        return CallResults(answer["results"], answer["sleeps"])

    def run(
        self,
        sandbox: Sandbox,
        *arguments: str,
        program: pathlib.Path | None = None,
        stdin: str = "",
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run its program ``kwtsms``, or another one, with what a sandbox prints to paste as the environment."""
        return subprocess.run(
            [program or self.commands / "kwtsms", *arguments],
            env=self._variables(sandbox, environment),
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=_PATIENCE,
            start_new_session=True,
        )

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self.server is not None
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(json.dumps(asked) + "\n")
        self.server.stdin.flush()
        assert select.select([self.server.stdout], [], [], _PATIENCE)[0], f"no answer within {_PATIENCE} s"
        answer: dict[str, Any] = json.loads(self.server.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer

    def _variables(self, sandbox: Sandbox, more: dict[str, str]) -> dict[str, str]:
        return {**_BASE, "SANDBOX_AT": sandbox.url, **sandbox.env, **self.hooks, **more}


def unavailable(reason: str) -> None:
    """Skip the tests of a client, or fail where every client is required."""
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


def _attempt(*command: str | pathlib.Path, cwd: pathlib.Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Client]]:
    """Install a version of the ``kwtsms`` that is on the Python index, once a run, and start it once a worker."""
    started: dict[str, Client] = {}

    def start(requirement: str) -> Client:
        if requirement not in started:
            if importlib.util.find_spec("pip") is None:
                unavailable("this environment has no pip to install other people's clients with")
            name = requirement.translate(str.maketrans("[]=", "---"))
            folder = once(tmp_path_factory, name, lambda folder: _install(requirement, folder))
            python, programs = folder / "venv" / _PROGRAMS / "python", folder / "venv" / _PROGRAMS
            hooks = {"PYTHONPATH": str(folder / "hook")}
            server = subprocess.Popen(
                [python, "-c", _PYTHON_SCRIPT],
                env={**_BASE, **hooks, "SANDBOX_AT": ""},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
            started[requirement] = Client(python, (), hooks, programs, server)
        return started[requirement]

    yield start
    for client in started.values():
        assert client.server is not None
        client.server.communicate()


def _install(requirement: str, folder: pathlib.Path) -> None:
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / _PROGRAMS / "python"
    options = ("--disable-pip-version-check", "--quiet", "--python", python)
    done = _attempt(sys.executable, "-m", "pip", *options, "install", "--no-compile", requirement)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        unavailable(f"{requirement} can't be installed from the Python index: {''.join(last)}")
    hook = folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(_PYTHON_HOOK)


@pytest.fixture(scope="session")
def node_program(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Node as it is on this machine, with the hook that leads to the sandbox."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine; install Node.js 20 or later to run these")
    folder = tmp_path_factory.mktemp("node")
    (folder / "hook.cjs").write_text(_NODE_HOOK)
    (folder / "call_all.cjs").write_text(_NODE_SCRIPT)
    hooks = {"NODE_OPTIONS": f"--require {folder / 'hook.cjs'}"}
    return Client(pathlib.Path(node), (str(folder / "call_all.cjs"),), hooks, folder / "node_modules" / ".bin")


@pytest.fixture(scope="session")
def node_client(node_program: Client) -> Client:
    """The ``kwtsms`` of the npm registry, installed beside the script that calls it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm on this machine to install the Node client with")
    folder = pathlib.Path(node_program.script[0]).parent
    done = _attempt(npm, "install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "kwtsms", cwd=folder)
    if done.returncode:
        missing = "E404" in done.stderr
        why = "it has no package of that name (E404)" if missing else done.stderr.strip()[-300:]
        pytest.skip(f"npm install kwtsms fails: {why}")
    return node_program


@pytest.fixture
def gateway() -> Iterator[Sandbox]:
    """A sandbox without a rate limit: the clients do not really sleep here."""
    with Sandbox(rules=Rules(rate_limit=None)) as sandbox:
        yield sandbox


@pytest.fixture
def strict() -> Iterator[Sandbox]:
    """A sandbox with every default rule, that of the rate included."""
    with Sandbox() as sandbox:
        yield sandbox
