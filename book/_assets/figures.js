// Draws every figure of the page from its JSON, and follows theme, width and printer.
(() => {
  "use strict";
  const INK = { light: "#1f2933", dark: "#e4e7eb" };
  const GRID = { light: "#d9dee3", dark: "#3e4c59" };

  const theme = () => document.documentElement.dataset.theme === "dark" ? "dark" : "light";

  // Plotly takes no colours from style sheets, so each theme is a set of layout entries.
  function themed(layout, mode) {
    const axis = { gridcolor: GRID[mode], linecolor: GRID[mode], zerolinecolor: GRID[mode], automargin: true };
    const styled = {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { ...(layout.font || {}), color: INK[mode], family: "system-ui, sans-serif", size: 14 },
      hoverlabel: { font: { family: "system-ui, sans-serif" } },
    };
    for (const key of Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))) {
      styled[key] = { ...axis, ...layout[key] };
    }
    return styled;
  }

  function themedData(data, mode) {
    return data.map((trace) => trace.type === "sankey"
      ? { ...trace, textfont: { color: INK[mode], size: 13, shadow: "none" } }
      : trace);
  }

  function draw(plot, mode) {
    const { data, layout } = JSON.parse(document.getElementById(plot.id + "-data").textContent);
    const options = {
      responsive: true,
      displaylogo: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { format: "svg", filename: plot.id },
    };
    return Plotly.react(plot, themedData(data, mode), themed(layout, mode), options);
  }

  const drawAll = (mode) => document.querySelectorAll(".mf-plot").forEach((plot) => draw(plot, mode));

  drawAll(theme());
  new MutationObserver(() => drawAll(theme()))
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  window.addEventListener("beforeprint", () => drawAll("light"));
  window.addEventListener("afterprint", () => drawAll(theme()));
})();
