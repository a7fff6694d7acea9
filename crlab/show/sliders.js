(function () {
  const box = document.getElementById("__id"), frames = box.querySelectorAll("img");
  const button = box.querySelector("button"), slider = box.querySelector("input"), text = box.querySelector("output");
  let timer = null;
  function show(i) {
    frames.forEach((frame, j) => { frame.style.display = i === j ? "block" : "none"; });
    slider.value = i;
    text.textContent = frames[i].dataset.label;
    slider.setAttribute("aria-valuetext", frames[i].dataset.label);
  }
  function pause() { clearInterval(timer); timer = null; button.textContent = "Play"; }
  function play() {
    button.textContent = "Pause";
    if (+slider.value === frames.length - 1) show(0);
    timer = setInterval(() => {
      show(+slider.value + 1);
      if (+slider.value === frames.length - 1) pause();
    }, __interval);
  }
  button.addEventListener("click", () => { timer === null ? play() : pause(); });
  slider.addEventListener("input", () => { pause(); show(+slider.value); });
  show(0);
})();
