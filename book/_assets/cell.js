// Answers what an electrochemical cell does at other conditions: the algebra of src/magnetflow/studies/neo_cycle/cell/quick.py.
(() => {
  "use strict";

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

  // What the cell comes to at inputs by their short names; `k` holds the constants that no slider moves.
  function evaluate(x, k) {
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
    module.exports = { evaluate };
    return;
  }

  function start(box) {
    const model = JSON.parse(box.querySelector("script").textContent);
    const dials = [...box.querySelectorAll("input[type=range]")];
    const shown = (value, decimals) => value.toLocaleString("en-GB", {
      minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "\u2212");
    const set = ({ low, high, logarithmic }, part) =>
      logarithmic ? low * (high / low) ** part : low + (high - low) * part;
    const update = () => {
      const inputs = { ...model.inputs };
      model.controls.forEach((control, place) => {
        const value = set(control, dials[place].value / dials[place].max);
        inputs[control.name] = value * control.scale;
        dials[place].nextElementSibling.textContent = shown(value, control.decimals);
      });
      const told = evaluate(inputs, model.constants);
      box.querySelectorAll(".mf-now").forEach((cell, place) => {
        const { name, decimals } = model.outcomes[place];
        cell.textContent = shown(told[name], decimals);
      });
      const hydroxide = told.saturation > 0, iron = told.plating > 10;
      box.querySelector(".mf-verdict").textContent = model.verdicts[hydroxide ? 2 : iron ? 1 : 0];
    };
    box.addEventListener("input", update);
    box.querySelector(".mf-reset").addEventListener("click", () => {
      dials.forEach((dial) => { dial.value = dial.defaultValue; });
      update();
    });
    update();  // a browser may have kept the dials of the last visit
  }

  document.querySelectorAll(".mf-dials").forEach(start);
})();
