"""Lines in space that a reader can turn, in a page without a kernel: data, a canvas and a short script of our own."""

import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u

from crlab.style import COLOURS
from crlab.units import Array, take

__all__ = ["Scene", "scene"]

_GRID = 1000  # coordinates are whole numbers from -1000 to 1000: finer than a pixel

_PAGE = """<div class="crlab-figure" id="{id}" role="group" aria-label="{title}" style="max-width: 700px">
<canvas tabindex="0" role="img" aria-label="{alt} Arrow keys turn the view." width="700" height="520"
 style="width: 100%; aspect-ratio: 700 / 520; touch-action: pan-y"></canvas>
<div style="display: flex; gap: 0.8em; align-items: center; padding: 0.3em 0">
<input type="range" min="0" max="{last}" value="0" step="1" aria-label="{title}" style="flex: 1">
<output style="min-width: 8em">{first}</output>
</div>
<p style="font-size: 0.9em">The box is {side} wide. Drag the picture or use the arrow keys on it to turn it.</p>
<script type="application/json">{data}</script>
</div>
<script>
(function () {{
  const box = document.getElementById("{id}"), canvas = box.querySelector("canvas"), pen = canvas.getContext("2d");
  const data = JSON.parse(box.querySelector("script").textContent), slider = box.querySelector("input");
  const text = box.querySelector("output");
  let azimuth = 0.6, height = 0.35, held = null;
  function project(p) {{
    const x = p[0] * Math.cos(azimuth) - p[1] * Math.sin(azimuth);
    const y = p[0] * Math.sin(azimuth) + p[1] * Math.cos(azimuth);
    const scale = 0.27 * canvas.height / {grid};
    return [canvas.width / 2 + scale * x,
      canvas.height / 2 - scale * (p[2] * Math.cos(height) + y * Math.sin(height))];
  }}
  function path(points, colour, width) {{
    pen.beginPath();
    points.forEach((p, i) => pen[i ? "lineTo" : "moveTo"](...project(p)));
    pen.strokeStyle = colour;
    pen.lineWidth = width * canvas.width / 700;
    pen.stroke();
  }}
  function draw() {{
    const ink = getComputedStyle(box).color, a = {grid};
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.globalAlpha = 0.4;
    for (const s of [-a, a]) for (const t of [-a, a]) {{
      path([[-a, s, t], [a, s, t]], ink, 1);
      path([[s, -a, t], [s, a, t]], ink, 1);
      path([[s, t, -a], [s, t, a]], ink, 1);
    }}
    pen.globalAlpha = 1;
    data.groups[slider.value].forEach((line, i) => path(line, data.colours[i % data.colours.length], 1.6));
    pen.fillStyle = ink;
    pen.font = `${{Math.round(16 * canvas.width / 700)}}px sans-serif`;
    [["x", [1.15 * a, -a, -a]], ["y", [-a, 1.15 * a, -a]], ["z", [-a, -a, 1.15 * a]]]
      .forEach(([name, p]) => pen.fillText(name, ...project(p)));
    text.textContent = data.labels[slider.value];
    slider.setAttribute("aria-valuetext", data.labels[slider.value]);
  }}
  function turn(a, b) {{
    azimuth += a;
    height = Math.max(-1.5, Math.min(1.5, height + b));
    draw();
  }}
  canvas.addEventListener("keydown", event => {{
    const way = {{ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1]}}[event.key];
    if (way) {{ turn(...way); event.preventDefault(); }}
  }});
  canvas.addEventListener("pointerdown", event => {{ held = [event.clientX, event.clientY]; }});
  addEventListener("pointerup", () => {{ held = null; }});
  canvas.addEventListener("pointermove", event => {{
    if (!held) return;
    turn((event.clientX - held[0]) / 150, (event.clientY - held[1]) / 150);
    held = [event.clientX, event.clientY];
  }});
  slider.addEventListener("input", draw);
  new MutationObserver(draw).observe(document.documentElement, {{attributeFilter: ["data-theme"]}});
  draw();
}})();
</script>
"""


@dataclass(frozen=True)
class Scene:
    """Lines in space; made by `scene`. Jupyter and the book show its HTML.

    Parameters
    ----------
    html : str
        Self-contained: data, controls and script, and nothing from another site.
    """

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"Scene of {len(self.html) / 1e3:.0f} kB"


def scene(groups: Sequence[Sequence[Any]], *, labels: Sequence[str], alt: str, title: str) -> Scene:
    """Show groups of lines in space, one group at a time: a slider chooses it, arrow keys or a drag turn the view.

    All groups share one cubic box about the middle of their extent. What is shown is the same in Jupyter and in a page
    without a kernel.

    Parameters
    ----------
    groups : sequence of sequence of Quantity
        Lines of each group, such as field lines of one kind of turbulence; each line of shape (n, 3), n > 1, a length.
    labels : sequence of str
        What each group is.
    alt : str
        What a reader who does not see the picture should know.
    title : str
        Name of the slider, such as "Polarisation".

    Returns
    -------
    Scene

    Raises
    ------
    ValueError
        No groups or an empty one, another number of labels, an empty text, a line of another shape, or lines that are
        all in one point.
    UnitConversionError
        A line that is no length.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> z = np.linspace(0, 10, 50)
    >>> helix = np.stack([np.cos(z), np.sin(z), z], axis=1) * u.pc
    >>> lines = [[helix], [helix[::2]]]
    >>> shown = scene(lines, labels=["fine", "coarse"], alt="A helix about the z axis.", title="Step")
    >>> shown.html.count("<canvas")
    1
    """
    if not groups or not all(len(group) for group in groups) or len(labels) != len(groups):
        raise ValueError(f"labels must be one for each of at least one group with lines, got {len(labels)}")
    for name, words in (("alt", alt), ("title", title)):
        if not words.strip():
            raise ValueError(f"{name} must say something, got {words!r}")
    lines = [[_line(line) for line in group] for group in groups]
    points = np.concatenate([line for group in lines for line in group])
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) / 2
    if half == 0:
        raise ValueError("groups must hold lines with an extent, got a single point")
    whole = [[np.rint((line - (low + high) / 2) / half * _GRID).astype(int).tolist() for line in g] for g in lines]
    colours = [colour for name, colour in COLOURS.items() if name != "black"]  # black is lost on a dark page
    data = json.dumps({"groups": whole, "labels": list(labels), "colours": colours}, separators=(",", ":"))
    return Scene(
        _PAGE.format(
            id="scene-" + hashlib.sha256(data.encode()).hexdigest()[:12],
            title=html.escape(title),
            alt=html.escape(alt),
            last=len(groups) - 1,
            first=html.escape(labels[0]),
            side=f"{2 * half:.3g} pc",
            data=data.replace("</", "<\\/"),
            grid=_GRID,
        )
    )


def _line(line: Any) -> Array:
    points = take("groups", line, u.pc)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2:
        raise ValueError(f"groups must hold lines of shape (n, 3) with n > 1, got {points.shape}")
    return points
