"""What every contract is made of: clauses that hold or not, and hypothesis that looks for a case where one does not."""

from __future__ import annotations

import base64
import contextlib
import functools
import pathlib
import pickle
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote, quote_plus

import pytest

from notifykit.errors import PluginError
from notifykit.pipeline.intercept import set_interceptor
from notifykit.plugins.functions import as_component

#: pytest shows the line of the clause, and not those of this module.
__tracebackhide__ = True

_Thing = TypeVar("_Thing")
_NOTHING: Final = object()
_MOST_SHOWN: Final = 300

#: What clauses advise whose object is used by several threads.
THREADS_CURE: Final = (
    "Keep nothing of one call on the object where another thread can change it, or guard it with a lock."
)
#: What clauses advise where something takes too long.
TIME_CURE: Final = "Look for work that grows with the square of the input, and for timeouts that start anew."
#: The number of threads that a clause starts.
THREADS: Final = 8


class BrokenPromise(AssertionError):  # noqa: N818 - it says what happened
    """A clause of a contract does not hold. The message says which, for what, and what to do.

    :param clause: the name of the test method.
    """

    def __init__(self, text: str, clause: str = "") -> None:
        super().__init__(text)
        self.clause = clause


def clause(cure: str, each: str = "") -> Callable[[Callable[..., None]], Callable[[Any], None]]:
    """Return a decorator for a test method of a contract, whose docstring is what is promised.

    :param cure: what the author of a plugin does where the promise is broken.
    :param each: the name of the method that calls the clause once for each case; without it, it is called once.
    """

    def decorate(check: Callable[..., None]) -> Callable[[Any], None]:
        promised = (check.__doc__ or "").strip()

        def run(self: Contract) -> None:
            self._clause, self._promised, self._cure = check.__name__, promised, cure
            if each:
                getattr(self, each)(functools.partial(check, self))
            else:
                check(self)

        run.__name__, run.__qualname__, run.__doc__ = check.__name__, check.__qualname__, check.__doc__
        return run

    return decorate


class Contract:
    """What is true of every plugin of one kind; a subclass names the object, and pytest runs the clauses.

    The clauses are test methods. Those that look for a case by hypothesis follow the profile that is loaded: they draw
    :attr:`examples` where it asks for 100, and more or fewer as it does.
    """

    #: How many examples a clause draws where hypothesis' profile asks for 100.
    examples: ClassVar[int] = 50
    #: Seconds after which something takes too long, on any machine.
    patience: ClassVar[float] = 10.0
    #: What must never be shown: the passwords and tokens that you give to your object.
    secrets: ClassVar[tuple[str, ...]] = ()

    #: An empty folder for this test.
    folder: pathlib.Path
    _opened: contextlib.ExitStack
    #: The name of the clause that runs, what it promises, and what the author of a plugin does where that is broken.
    _clause, _promised, _cure = "", "It keeps what the protocol says.", "Read the protocol in notifykit.protocols."

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
        """Return the names of the clauses: the test methods, in the order of their definition."""
        names = [name for kind in reversed(cls.__mro__) for name in vars(kind) if name.startswith("test_")]
        return tuple(dict.fromkeys(names))

    # --- for clauses ---

    def closing(self, thing: _Thing) -> _Thing:
        """Return an object that is closed after the test, if it can be; whether it can be is a clause of its own."""

        def close() -> None:
            with contextlib.suppress(Exception):
                getattr(thing, "close", lambda: None)()

        self._opened.callback(close)
        return thing

    def promise(
        self,
        kept: object,
        promised: str | None = None,
        cure: str | None = None,
        *,
        given: object = _NOTHING,
        got: object = _NOTHING,
    ) -> None:
        """Fail unless a promise is kept.

        :param kept: whether it is.
        :param promised: what was promised; what the clause promises where nothing is given.
        :param cure: what the author does now; what the clause says where nothing is given.
        :param given: what the object was given.
        :param got: what it returned.
        :raises BrokenPromise: if it is not.
        """
        if not kept:
            raise self._broken(promised or self._promised, cure or self._cure, given, got)

    def must_not_raise(self, promised: str, given: object, call: Callable[..., _Thing], *arguments: Any) -> _Thing:
        """Return what a call returns that promised not to raise.

        :raises BrokenPromise: if it does.
        """
        try:
            return call(*arguments)
        except BrokenPromise:
            raise
        except Exception as error:
            cure = "Catch what your code can raise, and return what the protocol says."
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

        # Hypothesis remembers failures by the name: those of another contract are of no use here.
        holds.__name__ = f"{type(self).__qualname__}_{self._clause}"
        chosen(given(**strategies)(holds))()

    def pickled(self, thing: _Thing, what: str) -> _Thing:
        """Return a copy that was pickled.

        :raises BrokenPromise: if it can't be.
        """
        cure = "Keep no locks, open files, lambdas or classes made inside functions in it, or define __reduce__."
        try:
            copy: _Thing = pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own bytes
        except Exception as error:  # pickle raises whatever the object does
            got = f"{type(error).__name__}: {error}"
            raise self._broken(f"{what} pickles", cure, type(thing).__name__, got) from error
        return copy

    def must_hide(self, shown: str, where: str, *secrets: str) -> None:
        """Look for secrets in a text, in every spelling in which a person could read them.

        :raises BrokenPromise: if there is one.
        """
        for secret in filter(None, (*self.secrets, *secrets)):
            octets = secret.encode("utf-8", "surrogatepass")
            spellings = (
                secret,
                repr(secret)[1:-1],
                ascii(secret)[1:-1],
                quote(octets, safe=""),
                quote_plus(octets),
                base64.b64encode(octets).decode().rstrip("="),
                octets.hex(),
            )
            for found in (spelling for spelling in spellings if spelling in shown):
                place = shown.find(found)
                self.promise(
                    False,
                    f"no password, address or text is shown in {where}",
                    "Leave it out, keep passwords in a notifykit.Secret, and let a provider's words go through "
                    "notifykit.redaction.scrub.",
                    given=found,
                    got=shown[max(0, place - 80) : place + len(found) + 80],
                )

    def must_be_quick(self, given: object, call: Callable[..., object], *arguments: Any) -> None:
        """Make a call that has to return within :attr:`patience`.

        :raises BrokenPromise: if it takes longer.
        """
        began = time.monotonic()
        call(*arguments)
        took = time.monotonic() - began
        got = f"it took {took:.2f} s, and {self.patience:g} s are allowed"
        self.promise(took <= self.patience, given=given, got=got)

    def in_threads(self, work: Callable[[int], _Thing], threads: int = THREADS) -> list[_Thing]:
        """Do the same in several threads at once, and return what each of them returned, in their order.

        :raises BrokenPromise: if one raises or does not return.
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
        for failure in failures:
            if isinstance(failure, BrokenPromise):
                raise failure
            self.promise(False, got=f"{type(failure).__name__}: {failure}")
        self.promise(len(results) == threads, got="a thread did not return: does it wait for itself?")
        return [results[number] for number in range(threads)]

    def must_be_named(self, one: Any, other: Any) -> None:
        """Look whether people can order two objects of a kind, and switch them off, by one name.

        :raises BrokenPromise: if they can't.
        """
        name = one.name
        usable = isinstance(name, str) and bool(name) and not any(sign.isspace() or sign in ",()?" for sign in name)
        self.promise(
            usable and str(name).isprintable(),
            "its name is one word: people order it and switch it off by it",
            'Give it an attribute like name = "acme".',
            got=name,
        )
        self.promise(name == other.name, "two of a kind have one name", "Make the name an attribute of the class.")

    def _broken(self, promised: str, cure: str, given: object = _NOTHING, got: object = _NOTHING) -> BrokenPromise:
        lines = [f"{type(self).__name__}: this promise is broken: {promised}"]
        if given is not _NOTHING:
            lines.append(f"  given: {_shown(given)}")
        if got is not _NOTHING:
            lines.append(f"  got:   {_shown(got)}")
        return BrokenPromise("\n".join((*lines, f"  do:    {cure}")), self._clause)

    def component(self, kind: str, item: object) -> Any:
        """Return a sink or a cleaner as the framework uses it: a plain function gets a name and a method.

        :raises BrokenPromise: if it is a function that can't be used.
        """
        try:
            return as_component("", kind, item)
        except PluginError as error:
            cure = "Write a plain function that takes one argument."
            raise self._broken(f"it is a {kind}", cure, got=error.detail) from error


@contextlib.contextmanager
def not_intercepted() -> Iterator[None]:
    """Let sends of the block through: a contract sends by the object that it is about, to the server that it runs.

    A test run may forbid live sends, or have an outbox that captures them.
    """
    before = set_interceptor(None)
    try:
        yield
    finally:
        set_interceptor(before)


def fragments(address: str) -> tuple[str, ...]:
    """Return what of an address gives it away: its digits where there are many, or the part before its ``@``."""
    digits = "".join(str(int(sign)) for sign in address if sign.isdecimal())
    local = address.rpartition("@")[0].strip()
    return tuple(part for part in (digits if len(digits) > 7 else "", local if len(local) > 3 else "") if part)


def chain(error: BaseException | None) -> Iterable[BaseException]:
    """Yield an exception and all of its causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _shown(thing: object) -> str:
    text = ascii(thing)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text)} characters)"
