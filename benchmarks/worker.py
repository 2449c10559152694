"""One side of a benchmark, in a process of its own: imports once, warms up, then works on request.

It is started with the module, the function, the case and what else the side has to know. For each line with a number
of times it does its work that often, and answers what that took. With ``--count`` it works that often and ends:
callgrind counts instructions from outside.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import pathlib
import sys
import time


def main() -> None:
    """Do what the command line says."""
    request = json.loads(sys.argv[1])
    _make_importable()
    side = getattr(importlib.import_module(f"benchmarks.{request['module']}"), request["function"])
    work, evidence = side(request["case"], request["context"])
    work(request["warm"])
    if request["times"]:
        work(request["times"])
        return
    print(json.dumps({"evidence": evidence()}), flush=True)
    for line in sys.stdin:
        times = int(line)
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        work(times)
        took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        print(json.dumps({**took, "evidence": evidence()}), flush=True)


def _make_importable() -> None:
    """Let this package be imported without its parent folder on the path: the checkout must not hide what is installed."""
    here = pathlib.Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if pathlib.Path(entry).resolve() != here]
    spec = importlib.util.spec_from_file_location(
        "benchmarks", here / "__init__.py", submodule_search_locations=[str(here)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["benchmarks"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    main()
