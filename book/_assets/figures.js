// Draws every figure of the page from its JSON, and follows theme, width and printer.
(() => {
  "use strict";
  const INK = { light: "#1f2933", dark: "#e4e7eb" };
  const GRID = { light: "#d9dee3", dark: "#3e4c59" };

  const theme = () => document.documentElement.dataset.theme === "dark" ? "dark" : "light";

  // Plotly takes no colours from style sheets, so each theme is a set of layout entries.
  // The legend sits above the plot and grows upwards, so that it never covers data on a phone.
  function themed(layout, mode, size) {
    const styled = {
      legend: { orientation: "h", yanchor: "bottom", y: 1.02, x: 0 },
      margin: { l: 10, r: 15, t: 15, b: 10 },
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: INK[mode], family: "system-ui, sans-serif", size },
    };
    const axes = new Set(["xaxis", "yaxis", ...Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name))]);
    for (const key of axes) {
      const own = layout[key] || {};
      styled[key] = {
        gridcolor: GRID[mode], linecolor: GRID[mode], zerolinecolor: GRID[mode], automargin: true,
        ...own,
        title: { ...(own.title || {}), font: { size }, standoff: 8 },
      };
    }
    return styled;
  }

  function inked(data, mode, size) {
    return data.map((trace) => trace.type === "sankey"
      ? { ...trace, textfont: { color: INK[mode], size, shadow: "none" } }
      : trace);
  }

  // A figure may hold several drawings, of which the list above it tells one.
  const chosen = (plot) => Number(document.querySelector(`select[data-figure="${plot.id}"]`)?.value || 0);

  // A click on a ribbon leads to where its flow is told.
  function follow(plot) {
    plot.on("plotly_click", ({ points: [point] }) => {
      const place = plot.data[point.curveNumber]?.link?.customdata?.[point.index ?? point.pointNumber];
      if (place?.startsWith("#") && "flow" in point) window.location.hash = place;
    });
  }

  function draw(plot, mode) {
    const { data, layout } = JSON.parse(document.getElementById(plot.id + "-data").textContent)[chosen(plot)];
    const options = {
      responsive: true,
      displaylogo: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { format: "svg", filename: plot.id },
    };
    const size = window.innerWidth < 600 ? 12 : 14;
    return Plotly.react(plot, inked(data, mode, size), themed(layout, mode, size), options);
  }

  const drawAll = (mode) => document.querySelectorAll(".mf-plot").forEach((plot) => draw(plot, mode));

  drawAll(theme());
  document.querySelectorAll(".mf-plot").forEach(follow);
  document.querySelectorAll("select[data-figure]").forEach((list) => list.addEventListener(
    "change", () => draw(document.getElementById(list.dataset.figure), theme())));
  new MutationObserver(() => drawAll(theme()))
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  window.addEventListener("beforeprint", () => drawAll("light"));
  window.addEventListener("afterprint", () => drawAll(theme()));
})();
