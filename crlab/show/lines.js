(function () {
  const box = document.getElementById("__id"), canvas = box.querySelector("canvas"), pen = canvas.getContext("2d");
  const data = JSON.parse(box.querySelector("script").textContent), slider = box.querySelector("input");
  const text = box.querySelector("output");
  let azimuth = 0.6, height = 0.35, held = null;
  function project(p) {
    const x = p[0] * Math.cos(azimuth) - p[1] * Math.sin(azimuth);
    const y = p[0] * Math.sin(azimuth) + p[1] * Math.cos(azimuth);
    const scale = 0.27 * canvas.height / __grid;
    return [canvas.width / 2 + scale * x,
      canvas.height / 2 - scale * (p[2] * Math.cos(height) + y * Math.sin(height))];
  }
  function path(points, colour, width) {
    pen.beginPath();
    points.forEach((p, i) => pen[i ? "lineTo" : "moveTo"](...project(p)));
    pen.strokeStyle = colour;
    pen.lineWidth = width * canvas.width / 700;
    pen.stroke();
  }
  function draw() {
    const ink = getComputedStyle(box).color, a = __grid;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.globalAlpha = 0.4;
    for (const s of [-a, a]) for (const t of [-a, a]) {
      path([[-a, s, t], [a, s, t]], ink, 1);
      path([[s, -a, t], [s, a, t]], ink, 1);
      path([[s, t, -a], [s, t, a]], ink, 1);
    }
    pen.globalAlpha = 1;
    data.groups[slider.value].forEach((line, i) => path(line, data.colours[i % data.colours.length], 1.6));
    pen.fillStyle = ink;
    pen.font = `${Math.round(16 * canvas.width / 700)}px sans-serif`;
    [["x", [1.15 * a, -a, -a]], ["y", [-a, 1.15 * a, -a]], ["z", [-a, -a, 1.15 * a]]]
      .forEach(([name, p]) => pen.fillText(name, ...project(p)));
    text.textContent = data.labels[slider.value];
    slider.setAttribute("aria-valuetext", data.labels[slider.value]);
  }
  function turn(a, b) {
    azimuth += a;
    height = Math.max(-1.5, Math.min(1.5, height + b));
    draw();
  }
  canvas.addEventListener("keydown", event => {
    const way = {ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1]}[event.key];
    if (way) { turn(...way); event.preventDefault(); }
  });
  canvas.addEventListener("pointerdown", event => { held = [event.clientX, event.clientY]; });
  addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointermove", event => {
    if (!held) return;
    turn((event.clientX - held[0]) / 150, (event.clientY - held[1]) / 150);
    held = [event.clientX, event.clientY];
  });
  slider.addEventListener("input", draw);
  new MutationObserver(draw).observe(document.documentElement, {attributeFilter: ["data-theme"]});
  draw();
})();
