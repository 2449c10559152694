"""What every contract is made of: promises that are kept or broken, and hypothesis that looks for the case."""

from __future__ import annotations

import base64
import contextlib
import pathlib
import pickle
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote, quote_plus

import pytest

from notifykit.errors import PluginError
from notifykit.pipeline.intercept import set_interceptor
from notifykit.plugins.functions import as_component

_Thing = TypeVar("_Thing")
_NOTHING: Final = object()
_MOST_SHOWN: Final = 300


class BrokenPromise(AssertionError):  # noqa: N818 - it says what happened
    """A clause of a contract does not hold. The message says which, for what, and what to do.

    :param clause: the name of the test that says it.
    """

    def __init__(self, text: str, clause: str = "") -> None:
        super().__init__(text)
        self.clause = clause


class Contract:
    """What is true of everything that stands at one station; a subclass names the object, and pytest runs the rest.

    The clauses are ordinary test methods. Those that look for a case by hypothesis follow the profile that is loaded:
    they draw :attr:`examples` where it asks for 100, and more or fewer as it does.
    """

    #: How many examples a clause draws where hypothesis' profile asks for 100.
    examples: ClassVar[int] = 50
    #: Seconds after which something takes too long, whatever the machine.
    patience: ClassVar[float] = 10.0
    #: What must never be shown: the passwords and tokens that you give to your object.
    secrets: ClassVar[tuple[str, ...]] = ()

    #: An empty folder for this test.
    folder: pathlib.Path
    _opened: contextlib.ExitStack

    @contextlib.contextmanager
    def prepared(self, folder: pathlib.Path | None = None) -> Iterator[None]:
        """Give a clause its folder, and close what it opened. Under pytest this happens by itself.

        :param folder: an empty one; a temporary one where none is given.
        """
        with contextlib.ExitStack() as self._opened:
            self.folder = folder or pathlib.Path(self._opened.enter_context(tempfile.TemporaryDirectory()))
            yield

    @pytest.fixture(autouse=True)
    def _prepared_by_pytest(self, tmp_path: pathlib.Path) -> Iterator[None]:
        with self.prepared(tmp_path):
            yield

    @classmethod
    def clauses(cls) -> tuple[str, ...]:
        """Return the names of the clauses: the test methods, in the order in which they stand."""
        names = [name for kind in reversed(cls.__mro__) for name in vars(kind) if name.startswith("test_")]
        return tuple(dict.fromkeys(names))

    # --- for clauses ---

    def promise(
        self, kept: object, promised: str, cure: str, *, given: object = _NOTHING, got: object = _NOTHING
    ) -> None:
        """Break off unless a promise is kept.

        :param kept: whether it is.
        :param promised: what was promised, as a sentence.
        :param cure: what the author does now.
        :param given: what the object was given.
        :param got: what it gave.
        :raises BrokenPromise: where it is not.
        """
        __tracebackhide__ = True
        if not kept:
            raise self._broken(promised, cure, given, got)

    def calmly(self, promised: str, given: object, call: Callable[..., _Thing], *arguments: Any) -> _Thing:
        """Call something that promised not to raise.

        :raises BrokenPromise: where it does.
        """
        __tracebackhide__ = True
        try:
            return call(*arguments)
        except BrokenPromise:
            raise
        except Exception as error:
            cure = "Catch what your code can raise, and answer it as the protocol says."
            raise self._broken(promised, cure, given, f"{type(error).__name__}: {error}") from error

    def for_all(self, check: Callable[..., None], share: float = 1.0, /, **strategies: Any) -> None:
        """Call a check with drawn arguments until one of them breaks it, and show the smallest that does.

        :param check: takes them by name.
        :param share: the part of :attr:`examples` that is enough.
        :param strategies: what is drawn.
        """
        from hypothesis import HealthCheck, Phase, given, settings

        loaded = settings().max_examples
        chosen = settings(
            max_examples=max(5, round(share * self.examples * loaded / 100)),
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        )

        def holds(**drawn: Any) -> None:
            check(**drawn)

        # The name is what hypothesis remembers failures by: another contract's are of no use here.
        holds.__name__ = f"{type(self).__qualname__}_{next(n for n in _callers() if n.startswith('test_'))}"
        chosen(given(**strategies)(holds))()

    def pickled(self, thing: _Thing, what: str) -> _Thing:
        """Return a copy that went through pickle.

        :raises BrokenPromise: where it can't.
        """
        cure = "Keep no locks, open files, lambdas or classes made inside functions in it, or define __reduce__."
        try:
            copy: _Thing = pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own bytes
        except Exception as error:  # pickle raises whatever the object does
            got = f"{type(error).__name__}: {error}"
            raise self._broken(f"{what} pickles", cure, type(thing).__name__, got) from error
        return copy

    def hidden(self, shown: str, where: str, *secrets: str) -> None:
        """Look for secrets in what somebody may see, in every spelling that leaves them readable.

        :raises BrokenPromise: where there is one.
        """
        for secret in filter(None, (*self.secrets, *secrets)):
            octets = secret.encode("utf-8", "surrogatepass")
            spellings = {
                secret,
                repr(secret)[1:-1],
                ascii(secret)[1:-1],
                quote(octets, safe=""),
                quote_plus(octets),
                base64.b64encode(octets).decode().rstrip("="),
                octets.hex(),
            }
            found = next((spelling for spelling in spellings if spelling in shown), None)
            self.promise(
                found is None,
                f"no password, address or text is shown in {where}",
                "Leave it out, keep passwords in a notifykit.Secret, and let other people's words go through "
                "notifykit.redaction.scrub.",
                given=found,
                got=_around(shown, found or ""),
            )

    def soon(self, promised: str, given: object, call: Callable[..., _Thing], *arguments: Any) -> _Thing:
        """Call something that has to come back before :attr:`patience` is over.

        :raises BrokenPromise: where it takes longer.
        """
        began = time.monotonic()
        try:
            return call(*arguments)
        finally:
            took = time.monotonic() - began
            self.promise(
                took <= self.patience,
                promised,
                "Look for work that grows with the square of the input, and for waits that start anew.",
                given=given,
                got=f"it took {took:.2f} s, and {self.patience:g} s are allowed",
            )

    def together(self, promised: str, work: Callable[[int], _Thing], threads: int = 8) -> list[_Thing]:
        """Do the same in several threads at once, and return what each of them came to, in their order.

        :raises BrokenPromise: where one raises or does not come back.
        """
        results: dict[int, _Thing] = {}
        failures: list[Exception] = []
        ready = threading.Barrier(threads)

        def run(number: int) -> None:
            ready.wait(self.patience)
            try:
                results[number] = work(number)
            except Exception as error:  # a thread would only print it
                failures.append(error)

        workers = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(threads)]
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            for worker in workers:
                worker.start()
            ends = time.monotonic() + 6 * self.patience
            for worker in workers:
                worker.join(max(0.0, ends - time.monotonic()))
        finally:
            sys.setswitchinterval(usual)
        cure = "Keep nothing of one call on the object where another thread can change it, or guard it with a lock."
        for failure in failures:
            if isinstance(failure, BrokenPromise):
                raise failure
            self.promise(False, promised, cure, got=f"{type(failure).__name__}: {failure}")
        self.promise(
            len(results) == threads, promised, cure, got="a thread did not come back: is it waiting for itself?"
        )
        return [results[number] for number in range(threads)]

    def _broken(self, promised: str, cure: str, given: object = _NOTHING, got: object = _NOTHING) -> BrokenPromise:
        clause = next((name for name in _callers() if name.startswith("test_")), "")
        lines = [f"{type(self).__name__}: this promise is broken: {promised}"]
        if given is not _NOTHING:
            lines.append(f"  given: {_shown(given)}")
        if got is not _NOTHING:
            lines.append(f"  got:   {_shown(got)}")
        return BrokenPromise("\n".join((*lines, f"  do:    {cure}")), clause)

    def component(self, kind: str, item: object) -> Any:
        """Return a sink or a cleaner as the framework uses it: a plain function gets a name and a method.

        :raises BrokenPromise: where it is a function that can't be used.
        """
        try:
            return as_component("", kind, item)
        except PluginError as error:
            raise self._broken(
                f"it is a {kind}", "Write a plain function that takes one argument.", got=error.detail
            ) from error

    def is_a_name(self, name: object) -> None:
        """Look whether people can order something and switch it off by its name.

        :raises BrokenPromise: where they can't.
        """
        fits = isinstance(name, str) and bool(name) and not any(sign.isspace() or sign in ",()?" for sign in name)
        self.promise(
            fits and str(name).isprintable(),
            "its name is one word: people order it and switch it off by it",
            'Give it an attribute like name = "acme".',
            got=name,
        )


@contextlib.contextmanager
def on_its_way() -> Iterator[None]:
    """Let sends of the block go their way: a contract sends by the object that it is about, to the server that it runs.

    A test run may forbid live sends, or have an outbox take them.
    """
    before = set_interceptor(None)
    try:
        yield
    finally:
        set_interceptor(before)


def fragments(address: str) -> tuple[str, ...]:
    """Return what of an address gives it away: its digits where there are many, or what stands before its ``@``."""
    digits = "".join(str(int(sign)) for sign in address if sign.isdecimal())
    local = address.rpartition("@")[0].strip()
    return tuple(part for part in (digits if len(digits) > 7 else "", local if len(local) > 3 else "") if part)


def chain(error: BaseException | None) -> Iterable[BaseException]:
    """Yield an exception and everything that it says it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _callers() -> Iterator[str]:
    frame: types.FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to ask who called
    while frame is not None and frame.f_back is not None:
        yield frame.f_code.co_name
        frame = frame.f_back


def _shown(thing: object) -> str:
    text = ascii(thing)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text)} characters)"


def _around(text: str, found: str) -> str:
    place = text.find(found)
    return text[max(0, place - 80) : place + len(found) + 80]
