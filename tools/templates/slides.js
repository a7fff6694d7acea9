const slides = [...document.querySelectorAll("section")];
function here() { return slides.findIndex(s => s.getBoundingClientRect().bottom > innerHeight / 2); }
function go(i) { slides[Math.max(0, Math.min(slides.length - 1, i))].scrollIntoView(); }
document.addEventListener("keydown", event => {
  if (event.target.closest("summary, button, input, a")) return;
  if (["ArrowRight", "ArrowDown", "PageDown", " "].includes(event.key)) go(here() + 1);
  else if (["ArrowLeft", "ArrowUp", "PageUp"].includes(event.key)) go(here() - 1);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(slides.length - 1);
  else if (event.key === "n") {
    const open = !document.querySelector("details[open]");
    document.querySelectorAll("details").forEach(d => { d.open = open; });
  } else return;
  event.preventDefault();
});
