// Sets equations as SVG: each line read is [TeX, display], each line written {html, glyphs} or {error}.
// Glyphs come as [id, element] the first time they are used; pages that use them need them once.
const folder = process.argv[2];
global.MathJax = {
  loader: {
    load: ["input/tex-full", "output/svg", "adaptors/liteDOM", "a11y/assistive-mml"],
    paths: { mathjax: folder },
    require,
  },
  options: { enableAssistiveMml: true },
  startup: { typeset: false },
  svg: { fontCache: "global" },
  // A mistake or an unknown command is an error, not a red word on the page.
  tex: { formatError: (_, error) => { throw error; }, packages: { "[-]": ["noundefined"] } },
};
require(folder + "/startup.js");

function set(line) {
  const { adaptor, document } = MathJax.startup;
  const [tex, display] = JSON.parse(line);
  try {
    document.outputJax.fontCache.clearCache();
    const html = adaptor.outerHTML(MathJax.tex2svg(tex, { display }));
    const defs = adaptor.childNodes(document.outputJax.fontCache.getCache());
    return { html, glyphs: defs.map((glyph) => [adaptor.getAttribute(glyph, "id"), adaptor.outerHTML(glyph)]) };
  } catch (error) {
    return { error: error.message };
  }
}

MathJax.startup.promise.then(() => {
  const { adaptor } = MathJax.startup;
  const say = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");
  say({ css: adaptor.textContent(MathJax.svgStylesheet()) });
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => say(set(line)));
});
