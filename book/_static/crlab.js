// The theme lets the keyboard into blocks that scroll, and finds them at a change of the window's size:
// what was folded then has to be found when it unfolds.
for (const kind of ["click", "toggle"]) {
  document.addEventListener(kind, (event) => {
    if (event.target.closest(".admonition-title, details")) window.dispatchEvent(new Event("resize"));
  }, true);
}
