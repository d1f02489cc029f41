"use strict";
// Learning curves from the page's JSON: variants and seeds on and off, hover for values, drag to zoom.
(() => {
  const data = JSON.parse(document.getElementById("curves").textContent);
  const byId = (id) => document.getElementById(id);
  const plot = byId("plot"), tip = byId("tip"), reset = byId("reset");
  if (!data.variants.length || !Object.keys(data.metrics).length) { plot.textContent = "No run has a curve."; return; }
  const L = 56, R = 14, T = 12, B = 42;
  let W = 900, H = 420, x0, x1, y0, y1;
  const state = { metric: Object.keys(data.metrics)[0], off: new Set(), seeds: new Set(), zoom: null };
  const ink = (variant) => (variant.baseline ? "var(--ink)" : variant.colour);
  const shown = () => data.variants.filter((variant) => !state.off.has(variant.name));
  const curveOf = (variant) => variant.curves[state.metric];
  const drawnSeeds = (curve) =>
    Object.entries(curve.seeds).filter(([seed]) => state.seeds.has(seed) || curve.diverged.includes(seed));

  const node = (name, attributes, parent, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return parent.appendChild(made);
  };
  const swatch = (variant, parent) => {
    const svg = node("svg", { width: 22, height: 10, class: "swatch", "aria-hidden": "true" }, parent);
    node("line", { x1: 0, x2: 22, y1: 5, y2: 5, stroke: ink(variant), "stroke-width": 3, "stroke-dasharray": variant.dash }, svg);
  };

  // Controls
  const control = (parent, type, name, text, checked, change, variant) => {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type, name, checked });
    input.addEventListener("change", () => { change(input.checked); draw(); });
    label.append(input, " ");
    if (variant) swatch(variant, label);
    label.append(text);
    byId(parent).append(label);
    return input;
  };
  for (const [key, text] of Object.entries(data.metrics))
    control("metrics", "radio", "metric", text, key === state.metric, () => { state.metric = key; }).value = key;
  for (const variant of data.variants)
    control("variants", "checkbox", "variant", variant.label, true,
      (on) => (on ? state.off.delete(variant.name) : state.off.add(variant.name)), variant).value = variant.name;
  const seeds = [...new Set(data.variants.flatMap((variant) => Object.keys(curveOf(variant).seeds)))].sort((a, b) => a - b);
  for (const seed of seeds)
    control("seeds", "checkbox", "seed", `seed ${seed}`, false,
      (on) => (on ? state.seeds.add(seed) : state.seeds.delete(seed))).value = seed;
  reset.addEventListener("click", () => { state.zoom = null; draw(); });

  // Scales
  const px = (x) => L + ((x - x0) / (x1 - x0)) * (W - L - R);
  const py = (y) => H - B - ((y - y0) / (y1 - y0)) * (H - T - B);
  const range = (values) => {
    let low = Infinity, high = -Infinity;
    for (const value of values) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); }
    return low <= high ? [low, high] : null;
  };
  const limits = () => {
    const curves = shown().map(curveOf);
    [x0, x1] = state.zoom ?? range(curves.flatMap((curve) => curve.epoch)) ?? [0, 1];
    if (x0 === x1) { x0 -= 0.5; x1 += 0.5; }
    const inside = ({ epoch }, lists) => { // and the next epoch on either side, to which the lines lead
      const first = Math.max(0, epoch.findLastIndex((e) => e <= x0)), last = epoch.findIndex((e) => e >= x1);
      return lists.flatMap((list) => list.slice(first, last < 0 ? undefined : last + 1));
    };
    // A diverged run is only looked at where there is nothing else, lest one explosion flatten all others.
    [y0, y1] = range(curves.flatMap((curve) => inside(curve, [curve.low, curve.high])))
      ?? range(curves.flatMap((curve) => inside(curve, Object.values(curve.seeds)))) ?? [0, 1];
    const margin = (y1 - y0 || Math.abs(y1) || 1) * 0.05;
    y0 -= margin; y1 += margin;
  };
  const ticks = (low, high, most, whole) => {
    const power = 10 ** Math.floor(Math.log10((high - low) / most));
    let size = power * ([1, 2, 5].find((digit) => digit * power >= (high - low) / most) ?? 10);
    if (whole) size = Math.max(1, Math.round(size));
    const places = [];
    for (let i = Math.ceil(low / size); i * size <= high; i++) places.push(+(i * size).toPrecision(12));
    return places;
  };
  const short = (value) => {
    const size = Math.abs(value);
    return size && (size >= 1e5 || size < 1e-3) ? value.toExponential(1) : String(+value.toPrecision(5));
  };
  const path = (epochs, values) => {
    let pen = "M";
    return epochs.map((epoch, i) => {
      if (values[i] === null) { pen = "M"; return ""; }
      const piece = `${pen}${px(epoch).toFixed(1)},${py(values[i]).toFixed(1)}`;
      pen = "L";
      return piece;
    }).join("");
  };

  const drawAxes = (svg) => {
    for (const y of ticks(y0, y1, 6)) {
      node("line", { x1: L, x2: W - R, y1: py(y), y2: py(y), stroke: "var(--line)" }, svg);
      node("text", { x: L - 6, y: py(y) + 4, "text-anchor": "end", class: "y" }, svg, short(y));
    }
    for (const x of ticks(x0, x1, Math.max(2, Math.min(12, (W - L - R) / 60)), true))
      node("text", { x: px(x), y: H - B + 18, "text-anchor": "middle", class: "x" }, svg, x);
    node("text", { x: (L + W - R) / 2, y: H - 4, "text-anchor": "middle" }, svg, data.step);
    const middle = (T + H - B) / 2;
    node("text", { x: 12, y: middle, transform: `rotate(-90 12 ${middle})`, "text-anchor": "middle" }, svg, data.metrics[state.metric]);
  };
  const drawVariant = (variant, parent) => {
    const curve = curveOf(variant), { epoch, median, low, high } = curve, stroke = ink(variant);
    const group = node("g", { "data-variant": variant.name }, parent);
    const known = epoch.map((_, i) => i).filter((i) => low[i] !== null);
    const at = (values, order) => path(order.map((i) => epoch[i]), order.map((i) => values[i]));
    if (known.length)
      node("path", { d: `${at(high, known)}${at(low, [...known].reverse()).replace("M", "L")}Z`, fill: stroke, opacity: 0.12 }, group);
    for (const [seed, values] of drawnSeeds(curve)) {
      node("path", { d: path(epoch, values), stroke, opacity: 0.6, "data-seed": seed }, group);
      const last = values.findLastIndex((value) => value !== null);
      if (last >= 0 && curve.diverged.includes(seed)) {
        const x = px(epoch[last]), y = Math.max(T + 5, py(values[last])); // held in view where it left the scale
        node("path", { d: `M${x - 4},${y - 4}l8,8m0,-8l-8,8`, stroke, "stroke-width": 2, class: "cross" }, group);
      }
    }
    node("path", { d: path(epoch, median), stroke, "stroke-width": 2, "stroke-linejoin": "round", "stroke-dasharray": variant.dash, class: "median" }, group);
    if (known.length === 1) node("circle", { cx: px(epoch[known[0]]), cy: py(median[known[0]]), r: 4, fill: stroke }, group);
  };
  const draw = () => {
    plot.querySelector(":scope > svg")?.remove(); // not the swatches in the tip
    tip.hidden = true;
    W = Math.max(300, plot.clientWidth);
    H = Math.max(260, Math.min(440, W * 0.6));
    reset.hidden = !state.zoom;
    limits();
    const svg = node("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${data.metrics[state.metric]} against the ${data.step}` }, plot);
    node("rect", { x: L, y: T, width: W - L - R, height: H - T - B }, node("clipPath", { id: "inside" }, svg));
    drawAxes(svg);
    const inner = node("g", { "clip-path": "url(#inside)", fill: "none" }, svg);
    for (const variant of shown()) drawVariant(variant, inner);
    listen(svg);
  };

  // Hover and zoom
  const say = (epoch) => {
    const head = document.createElement("b");
    head.textContent = `${data.step} ${epoch}`;
    tip.replaceChildren(head, ...shown().map((variant) => {
      const curve = curveOf(variant), i = curve.epoch.indexOf(epoch), line = document.createElement("div");
      swatch(variant, line);
      let text = `${variant.label}: `;
      text += i < 0 || curve.median[i] === null ? "no value" : curve.n[i] === 1 ? `${curve.median[i]} (n = 1)`
        : `${curve.median[i]} (${curve.low[i]} to ${curve.high[i]}, n = ${curve.n[i]})`;
      for (const [seed, values] of i < 0 ? [] : drawnSeeds(curve)) if (values[i] !== null) text += `; seed ${seed}: ${values[i]}`;
      line.append(text);
      return line;
    }));
    tip.hidden = false;
  };
  const listen = (svg) => {
    const guide = node("line", { y1: T, y2: H - B, stroke: "var(--soft)", visibility: "hidden" }, svg);
    const picked = node("rect", { y: T, height: H - T - B, fill: "var(--good)", opacity: 0.15, width: 0 }, svg);
    const epochs = [...new Set(shown().flatMap((variant) => curveOf(variant).epoch))];
    let from = null;
    const at = (event) => {
      const box = svg.getBoundingClientRect(), u = ((event.clientX - box.left) / box.width) * W;
      return Math.min(x1, Math.max(x0, x0 + ((u - L) / (W - L - R)) * (x1 - x0)));
    };
    svg.addEventListener("pointerdown", (event) => { from = at(event); event.preventDefault(); });
    svg.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const ends = [from, at(event)].sort((a, b) => a - b);
      from = null;
      picked.setAttribute("width", 0);
      if (ends[1] - ends[0] > (x1 - x0) / 50) { state.zoom = ends; draw(); }
    });
    svg.addEventListener("dblclick", () => { state.zoom = null; draw(); });
    svg.addEventListener("pointerleave", () => {
      from = null; tip.hidden = true;
      picked.setAttribute("width", 0); guide.setAttribute("visibility", "hidden");
    });
    svg.addEventListener("pointermove", (event) => {
      const x = at(event);
      if (from !== null) {
        picked.setAttribute("x", px(Math.min(from, x)));
        picked.setAttribute("width", Math.abs(px(x) - px(from)));
      }
      if (!epochs.length) return;
      const near = epochs.reduce((best, epoch) => (Math.abs(epoch - x) < Math.abs(best - x) ? epoch : best));
      for (const [key, value] of Object.entries({ x1: px(near), x2: px(near), visibility: "visible" })) guide.setAttribute(key, value);
      say(near);
      const right = px(near) > W / 2;
      tip.style.left = right ? `${L + 8}px` : "auto";
      tip.style.right = right ? "auto" : `${R}px`;
    });
  };
  addEventListener("resize", draw);
  draw();
})();
