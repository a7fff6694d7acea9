"""A strip of figures that plays in a page without a kernel: pictures, a slider and a button."""

import base64
import hashlib
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

__all__ = ["Player", "player"]

_PAGE = """<div class="crlab-player" id="{id}" role="group" aria-label="{title}" style="max-width: 700px">
{images}
<div style="display: flex; gap: 0.8em; align-items: center; padding: 0.3em 0">
<button type="button" style="min-width: 5em">Play</button>
<input type="range" min="0" max="{last}" value="0" step="1" aria-label="{title}" style="flex: 1">
<output style="min-width: 8em">{first}</output>
</div>
</div>
<script>
(function () {{
  const box = document.getElementById("{id}"), frames = box.querySelectorAll("img");
  const button = box.querySelector("button"), slider = box.querySelector("input"), text = box.querySelector("output");
  let timer = null;
  function show(i) {{
    frames.forEach((frame, j) => {{ frame.style.display = i === j ? "block" : "none"; }});
    slider.value = i;
    text.textContent = frames[i].dataset.label;
    slider.setAttribute("aria-valuetext", frames[i].dataset.label);
  }}
  function pause() {{ clearInterval(timer); timer = null; button.textContent = "Play"; }}
  function play() {{
    button.textContent = "Pause";
    if (+slider.value === frames.length - 1) show(0);
    timer = setInterval(() => {{
      show(+slider.value + 1);
      if (+slider.value === frames.length - 1) pause();
    }}, {interval});
  }}
  button.addEventListener("click", () => {{ timer === null ? play() : pause(); }});
  slider.addEventListener("input", () => {{ pause(); show(+slider.value); }});
  show(0);
}})();
</script>
"""


@dataclass(frozen=True)
class Player:
    """Pictures that play; made by `player`. Jupyter and the book show its HTML.

    Parameters
    ----------
    html : str
        Self-contained: pictures, controls and script, and nothing from another site.
    """

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"Player of {self.html.count('<img ')} frames"


def player(
    figures: Sequence[Figure], *, labels: Sequence[str], alt: str, title: str, interval: int = 900, dpi: int = 80
) -> Player:
    """Turn figures into a strip with a slider and a button that plays them.

    It starts at the first frame and at rest, plays to the last frame when asked to, and pauses on request. Slider and
    button work from the keyboard. Where scripts do not run, all frames are shown below each other.

    Parameters
    ----------
    figures : sequence of Figure
        Of one size; they are closed.
    labels : sequence of str
        What each frame shows, such as the value of a parameter.
    alt : str
        What a reader who does not see the pictures should know; the label is added for each.
    title : str
        Name of the slider, such as "Mean free path".
    interval : int
        Milliseconds for a frame.
    dpi : int
        Resolution of the pictures.

    Returns
    -------
    Player

    Raises
    ------
    ValueError
        No figures, another number of labels, an empty text, or an interval or resolution that is not positive.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> player([Figure(), Figure()], labels=["1 pc", "2 pc"], alt="Empty frames.", title="Mean free path")
    Player of 2 frames
    """
    from matplotlib import pyplot as plt

    if not figures or len(labels) != len(figures):
        raise ValueError(f"labels must be one for each of at least one figure, got {len(labels)} for {len(figures)}")
    for name, text in (("alt", alt), ("title", title)):
        if not text.strip():
            raise ValueError(f"{name} must say something, got {text!r}")
    for name, value in (("interval", interval), ("dpi", dpi)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value!r}")
    images = []
    for figure, label in zip(figures, labels, strict=True):
        data = io.BytesIO()
        figure.savefig(data, format="png", dpi=dpi, metadata={"Software": None})  # the same bytes everywhere
        plt.close(figure)
        code = base64.b64encode(data.getvalue()).decode()
        said = html.escape(label)
        images.append(
            f'<img alt="{html.escape(alt)} {said}" data-label="{said}" src="data:image/png;base64,{code}" '
            'style="width: 100%">'
        )
    strip = "\n".join(images)
    return Player(
        _PAGE.format(
            id="player-" + hashlib.sha256(strip.encode()).hexdigest()[:12],
            title=html.escape(title),
            images=strip,
            last=len(images) - 1,
            first=html.escape(labels[0]),
            interval=int(interval),
        )
    )
