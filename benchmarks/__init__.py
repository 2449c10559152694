"""What notifykit costs, measured against the clients that people would use instead: ``python -m benchmarks``.

Each ``pNN`` module is one benchmark: its goals stand at the top, then what each side does, then how it is measured.
Both sides run in turn, in one run, each in an environment of its own, so that what the machine does meanwhile happens
to both. The package needs nothing but Python and pip: everything else is installed into those environments.
"""
