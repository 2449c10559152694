"""What connects notifykit to other libraries: a module for each, imported only where it is used.

Each needs the extra of its name, as ``pip install "notifykit[django]"``; without it, importing the module says so.
"""
