"""How the book shows what the rooms compute: house style, maps of the sky, sliders, lines in space.

It draws arrays and quantities, whatever room they come from; no room imports it.
"""

from crlab.show.lines import Scene, lines_in_space
from crlab.show.skies import draw_sky, sky_slider
from crlab.show.sliders import Player, Slider, player, slider
from crlab.show.style import COLOURS, LINESTYLES, MARKERS, use_house_style

__all__ = [
    "COLOURS",
    "LINESTYLES",
    "MARKERS",
    "Player",
    "Scene",
    "Slider",
    "draw_sky",
    "lines_in_space",
    "player",
    "sky_slider",
    "slider",
    "use_house_style",
]
