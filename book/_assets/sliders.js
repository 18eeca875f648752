// Answers "what if" in the page: every outcome anew from sliders, by the numbers that stand beside them.
(() => {
  "use strict";

  // Value and standard deviation of each outcome, in t: a sum of products of the inputs, and its first-order error.
  function evaluate(model, factors, better) {
    const { base, element } = model.products;
    const mass = base.map((start, row) =>
      model.inputs.reduce((product, input, place) => product * factors[place] ** input.power[row], start));
    const gained = model.inputs
      .map((input, place) => ({ ...input, gain: better.includes(place) ? Math.max(input.cv ** 2 - input.best ** 2, 0) : 0 }))
      .filter((input) => input.gain > 0);
    const relative = (row, other) => gained.reduce(
      (left, { gain, power, by_element }) =>
        left - (by_element && element[row] !== element[other] ? 0 : gain * power[row] * power[other]),
      model.covariance[row][other]);
    return model.outcomes.map(({ offset, weight }) => {
      const terms = mass.map((value, row) => value * weight[row]);
      let variance = 0;
      terms.forEach((one, row) => terms.forEach((two, other) => { variance += one * two * relative(row, other); }));
      return [offset + terms.reduce((sum, term) => sum + term, 0), Math.sqrt(Math.max(variance, 0))];
    });
  }

  if (typeof module !== "undefined") {
    module.exports = { evaluate };
    return;
  }

  // A number with its spread, both to two figures of the latter or to whole tonnes, as the book writes them.
  function told([value, sd]) {
    const decimals = sd > 0 ? Math.max(0, 1 - Math.floor(Math.log10(sd))) : 0;
    const shown = (number) => number.toLocaleString("en-GB", {
      minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "\u2212");
    return `${shown(value)}\u00a0±\u00a0${shown(sd)}`;
  }

  function start(box) {
    const model = JSON.parse(box.querySelector("script").textContent);
    const sliders = [...box.querySelectorAll("input[type=range]")];
    const boxes = [...box.querySelectorAll("input[type=checkbox]")];
    const factor = (slider) => 1 + slider.value * slider.dataset.step;
    const update = () => {
      const better = boxes.filter((tick) => tick.checked).map((tick) => Number(tick.dataset.input));
      const outcomes = evaluate(model, sliders.map(factor), better);
      box.querySelectorAll(".mf-now").forEach((cell, place) => { cell.textContent = told(outcomes[place]); });
      sliders.forEach((slider) => {
        const percent = Math.round(1000 * (factor(slider) - 1)) / 10;
        const sign = percent > 0 ? "+" : "\u2212";
        slider.nextElementSibling.textContent = percent ? `${sign}${Math.abs(percent)} %` : "as it is";
      });
    };
    box.addEventListener("input", update);
    box.querySelector(".mf-reset").addEventListener("click", () => {
      sliders.forEach((slider) => { slider.value = 0; });
      boxes.forEach((tick) => { tick.checked = false; });
      update();
    });
    update();  // a browser may have kept the sliders of the last visit
  }

  document.querySelectorAll(".mf-sliders").forEach(start);
})();
