// Answers "what if" in the page: every outcome anew from sliders, as src/magnetflow/book/controls.py does in Python.
(() => {
  "use strict";

  // Value and standard deviation of each outcome of a system, in t: a sum of products of the inputs, and its first-order error.
  function system(model, factors, better) {
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

  const ROUNDS = 45, LOWEST_V = -4, HIGHEST_V = 2, ELECTRONS = 37, PROTONS_OF_BORON = 3;

  // The potential at which an excess that grows with it is nil, by bisection.
  function found(excess) {
    let low = LOWEST_V, high = HIGHEST_V;
    for (let round = 0; round < ROUNDS; round += 1) {
      const middle = (low + high) / 2;
      if (excess(middle) > 0) { high = middle; } else { low = middle; }
    }
    return (low + high) / 2;
  }

  // The cell at inputs by their short names, as in src/magnetflow/studies/neo_cycle/cell/quick.py; `k` holds the
  // constants that no slider moves.
  function cell(x, k) {
    const acid = 1000 * 10 ** -x.ph, iron = 14 * x.alloy, neodymium = 2 * x.alloy;
    const chloride = acid + 3 * neodymium + 2 * iron + x.support;
    const mobile = { H: k.D_H * acid, N: 9 * k.D_N * neodymium, F: 4 * k.D_F * iron, A: k.D_A * x.support, C: k.D_C * chloride };
    const total = mobile.H + mobile.N + mobile.F + mobile.A + mobile.C;
    const conductivity = k.F / k.U * x.mobility * total;
    const field = x.current * x.layer / (conductivity * k.U), spread = k.F * x.mobility / x.layer;
    const against = (drop) => drop / Math.expm1(drop);
    const againstH = spread * k.D_H * against(field), withH = againstH + spread * k.D_H * field;
    const withO = spread * k.D_O * (against(field) + field);
    const againstF = 2 * spread * k.D_F * against(2 * field), withF = againstF + 4 * spread * k.D_F * field;
    const rise = (size, transfer, volts) => size * Math.exp(transfer / k.U * volts);
    const hydrogen = (volts) => rise(x.i_h / 1000, -x.t_h, volts - x.e_h);

    function atCathode(volts) {
      const rate = hydrogen(volts), water = rise(x.i_w, -x.t_w, volts - x.e_w);
      const slope = rate + againstH, short = water - withH * acid;
      const root = Math.sqrt(short ** 2 + 4 * slope * withO * k.kw);
      const surface = short > 0 ? 2 * withO * k.kw / (short + root) : (root - short) / (2 * slope);
      const plating = rise(x.i_f / 1000, -x.t_f, volts - x.e_f);
      const left = withF * iron / (againstF + plating);
      return { sum: rate * surface + water + plating * left, surface, left, plated: plating * left };
    }

    function atAnode(volts) {
      const rate = hydrogen(volts);
      const arriving = againstH * acid + x.current * PROTONS_OF_BORON / ELECTRONS;
      const dissolving = rise(x.i_a, x.t_a, volts - x.e_a);
      return { sum: dissolving - rate * arriving / (withH + rate), dissolving };
    }

    const cathode = found((volts) => x.current - atCathode(volts).sum);
    const anode = found((volts) => atAnode(volts).sum - x.current);
    const { surface, left, plated } = atCathode(cathode);
    const enriched = Math.exp(3 * field);
    const saturation = Math.max(
      Math.log(neodymium * enriched / 1000) - 3 * Math.log(surface / 1000) - k.sn,
      Math.log(left / 1000) - 2 * Math.log(surface / 1000) - k.sf) / Math.LN10;
    const gap = x.current * x.gap / conductivity;
    const voltage = anode - cathode + gap, plating = plated / x.current;
    const net = atAnode(anode).dissolving / x.current - plating;
    const rate = x.current * net / k.ah_per_kg;
    return {
      voltage, gap, energy: voltage * k.ah_per_kg / 1000 / net, rate, area: k.batch_kg / 24 / rate,
      surface_ph: 3 - Math.log10(surface), plating: 100 * plating, saturation,
    };
  }

  if (typeof module !== "undefined") {
    module.exports = { system, cell };
    return;
  }

  const shown = (number, decimals) => number.toLocaleString("en-GB", {
    minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "\u2212");

  // A number with its spread, both to two figures of the latter or to whole tonnes, as the book writes them.
  function withSpread([value, sd]) {
    const decimals = sd > 0 ? Math.max(0, 1 - Math.floor(Math.log10(sd))) : 0;
    return `${shown(value, decimals)}\u00a0±\u00a0${shown(sd, decimals)}`;
  }

  // What the page shows of a model: the reading of each slider, each outcome, and a verdict if there is one.
  function ofSystem(model, sliders, better) {
    const factors = sliders.map((slider) => 1 + slider.value * slider.dataset.step);
    const readings = factors.map((factor) => {
      const percent = Math.round(1000 * (factor - 1)) / 10;
      return percent ? `${percent > 0 ? "+" : "\u2212"}${Math.abs(percent)} %` : "as it is";
    });
    return { readings, outcomes: system(model, factors, better).map(withSpread) };
  }

  function ofCell(model, sliders) {
    const inputs = { ...model.inputs };
    const readings = model.controls.map(({ name, low, high, logarithmic, scale, decimals }, place) => {
      const part = sliders[place].value / sliders[place].max;
      const value = logarithmic ? low * (high / low) ** part : low + (high - low) * part;
      inputs[name] = value * scale;
      return shown(value, decimals);
    });
    const found = cell(inputs, model.constants);
    const verdict = model.verdicts[found.saturation > 0 ? 2 : found.plating > 10 ? 1 : 0];
    return { readings, outcomes: model.outcomes.map(({ name, decimals }) => shown(found[name], decimals)), verdict };
  }

  function start(box) {
    const model = JSON.parse(box.querySelector("script").textContent);
    const sliders = [...box.querySelectorAll("input[type=range]")];
    const ticks = [...box.querySelectorAll("input[type=checkbox]")];
    const update = () => {
      const better = ticks.filter((tick) => tick.checked).map((tick) => Number(tick.dataset.input));
      const { readings, outcomes, verdict } = (model.products ? ofSystem : ofCell)(model, sliders, better);
      sliders.forEach((slider, place) => { slider.nextElementSibling.textContent = readings[place]; });
      box.querySelectorAll(".mf-now").forEach((now, place) => { now.textContent = outcomes[place]; });
      if (verdict) box.querySelector(".mf-verdict").textContent = verdict;
    };
    box.addEventListener("input", update);
    box.querySelector(".mf-reset").addEventListener("click", () => {
      sliders.forEach((slider) => { slider.value = slider.defaultValue; });
      ticks.forEach((tick) => { tick.checked = false; });
      update();
    });
    // A browser may have kept the sliders of the last visit.
    update();
  }

  document.querySelectorAll(".mf-what-if").forEach(start);
})();
