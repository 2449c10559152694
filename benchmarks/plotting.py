"""Draws the curves that it reads as JSON, an SVG each, into the folder that it is given. Run where matplotlib is."""

from __future__ import annotations

import json
import pathlib
import sys

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

# Text stays text, and the same figures give the same file.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "notifykit", "font.family": "sans-serif", "font.size": 10})
_COLOURS = ("#1f6feb", "#2da44e", "#8250df", "#bf8700")
_PEERS = ("#8c959f", "#57606a")


def main() -> None:
    """Draw everything."""
    folder = pathlib.Path(sys.argv[1])
    for plot in json.load(sys.stdin):
        figure, axes = pyplot.subplots(figsize=(6.4, 3.4), layout="constrained")
        ours, peers = iter(_COLOURS), iter(_PEERS)
        for curve in plot["curves"]:
            foreign = curve["name"].startswith(("kwtsms", "urllib3"))
            axes.plot(
                curve["sizes"],
                curve["costs"],
                marker="o",
                markersize=4,
                linestyle="--" if foreign else "-",
                color=next(peers if foreign else ours),
                label=curve["name"],
            )
        if plot["scale"] == "log":
            axes.set_xscale("log")
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        axes.set(title=plot["title"], xlabel=plot["across"], ylabel=plot["up"])
        axes.grid(color="#d0d7de", linewidth=0.5)
        axes.legend(frameon=False, fontsize=8)
        figure.savefig(folder / f"growth-{plot['name']}.svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


if __name__ == "__main__":
    main()
