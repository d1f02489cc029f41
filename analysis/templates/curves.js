"use strict";
// Learning curves from the page's JSON: toggles, hover, drag to zoom, double-click to see all.
(() => {
  const data = JSON.parse(document.getElementById("curves").textContent);
  const plot = document.getElementById("plot"), tip = document.getElementById("tip");
  let W = 900, H = 420;
  const L = 56, R = 12, T = 12, B = 40, NS = "http://www.w3.org/2000/svg";
  const state = { metric: Object.keys(data.metrics)[0], seeds: false, off: new Set(), zoom: null };
  if (!data.variants.length || !state.metric) { plot.textContent = "No run has a curve."; return; }
  const node = (name, attributes, parent, text) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return parent.appendChild(made);
  };
  const control = (parent, type, name, text, checked, change, colour) => {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type, name, checked });
    input.addEventListener("change", () => { change(input.checked); draw(); });
    label.append(input, " ");
    if (colour) {
      const swatch = document.createElement("span");
      swatch.className = "swatch"; swatch.style.background = colour; label.append(swatch);
    }
    label.append(text);
    document.getElementById(parent).append(label);
  };
  const ink = (variant) => (variant.baseline ? "var(--ink)" : variant.colour);
  for (const [key, text] of Object.entries(data.metrics))
    control("metrics", "radio", "metric", text, key === state.metric, () => { state.metric = key; state.zoom = null; });
  control("metrics", "checkbox", "seeds", "seeds", false, (on) => { state.seeds = on; });
  for (const variant of data.variants)
    control("variants", "checkbox", variant.name, variant.label, true,
      (on) => (on ? state.off.delete(variant.name) : state.off.add(variant.name)), ink(variant));
  const shown = () => data.variants.filter((variant) => !state.off.has(variant.name));
  const step = (span) => {
    const power = 10 ** Math.floor(Math.log10(span / 6 || 1));
    return power * [1, 2, 5, 10].find((digit) => digit * power >= span / 6);
  };
  let x0, x1, y0, y1;
  const px = (x) => L + ((x - x0) / (x1 - x0)) * (W - L - R), py = (y) => H - B - ((y - y0) / (y1 - y0)) * (H - T - B);
  const limits = () => {
    const curves = shown().map((variant) => variant.curves[state.metric]);
    const range = (values) => {
      const known = values.filter((value) => value !== null);
      return known.length ? known.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]) : [0, 1];
    };
    [x0, x1] = state.zoom ?? range(curves.flatMap((curve) => curve.epoch));
    if (x0 === x1) { x0 -= 0.5; x1 += 0.5; }
    const inside = (curve, values) => values.filter((_, i) => curve.epoch[i] >= x0 && curve.epoch[i] <= x1);
    [y0, y1] = range(curves.flatMap((curve) => [curve.low, curve.high, ...(state.seeds ? Object.values(curve.seeds) : [])]
      .flatMap((values) => inside(curve, values))));
    const margin = (y1 - y0 || 1) * 0.05;
    y0 -= margin; y1 += margin;
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
  const draw = () => {
    plot.querySelector("svg")?.remove();
    W = Math.max(320, Math.min(1080, plot.clientWidth || 900));
    H = Math.max(260, Math.min(420, W * 0.6));
    limits();
    const svg = node("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": data.metrics[state.metric] }, plot);
    node("rect", { x: L, y: T, width: W - L - R, height: H - T - B }, node("clipPath", { id: "inside" }, svg));
    for (let size = step(y1 - y0), y = Math.ceil(y0 / size) * size; y <= y1; y += size) {
      node("line", { x1: L, x2: W - R, y1: py(y), y2: py(y), stroke: "var(--line)" }, svg);
      node("text", { x: L - 6, y: py(y) + 4, "text-anchor": "end" }, svg, +y.toPrecision(6));
    }
    for (let size = Math.max(1, step(x1 - x0)), x = Math.ceil(x0 / size) * size; x <= x1; x += size)
      node("text", { x: px(x), y: H - B + 18, "text-anchor": "middle" }, svg, x);
    node("text", { x: (L + W) / 2, y: H - 4, "text-anchor": "middle" }, svg, "epoch");
    node("text", { x: 12, y: H / 2, transform: `rotate(-90 12 ${H / 2})`, "text-anchor": "middle" }, svg, data.metrics[state.metric]);
    const inner = node("g", { "clip-path": "url(#inside)", fill: "none" }, svg);
    for (const variant of shown()) {
      const { epoch, median, low, high, seeds } = variant.curves[state.metric], stroke = ink(variant);
      const group = node("g", { "data-variant": variant.name }, inner);
      const known = epoch.map((_, i) => i).filter((i) => low[i] !== null);
      const at = (values, order) => path(order.map((i) => epoch[i]), order.map((i) => values[i]));
      if (known.length)
        node("path", { d: `${at(high, known)}${at(low, known.toReversed()).replace("M", "L")}Z`, fill: stroke, opacity: 0.13 }, group);
      for (const [seed, values] of state.seeds ? Object.entries(seeds) : [])
        node("path", { d: path(epoch, values), stroke, opacity: 0.5, "data-seed": seed }, group);
      node("path", { d: path(epoch, median), stroke, "stroke-width": 2, "stroke-linejoin": "round" }, group);
      if (known.length === 1) node("circle", { cx: px(epoch[known[0]]), cy: py(median[known[0]]), r: 4, fill: stroke }, group);
    }
    hover(svg);
  };
  const hover = (svg) => {
    const guide = node("line", { y1: T, y2: H - B, stroke: "var(--soft)", visibility: "hidden" }, svg);
    const picked = node("rect", { y: T, height: H - T - B, fill: "var(--good)", opacity: 0.15, width: 0 }, svg);
    const at = (event) => {
      const box = svg.getBoundingClientRect(), u = ((event.clientX - box.left) / box.width) * W;
      return Math.min(x1, Math.max(x0, x0 + ((u - L) / (W - L - R)) * (x1 - x0)));
    };
    let from = null;
    svg.addEventListener("pointerdown", (event) => { from = at(event); event.preventDefault(); });
    svg.addEventListener("pointerup", (event) => {
      const ends = [from, at(event)].sort((a, b) => a - b);
      if (from !== null && ends[1] - ends[0] > (x1 - x0) / 50) { state.zoom = ends; draw(); }
      else { from = null; picked.setAttribute("width", 0); }
    });
    svg.addEventListener("dblclick", () => { state.zoom = null; draw(); });
    svg.addEventListener("pointerleave", () => { tip.style.display = "none"; guide.setAttribute("visibility", "hidden"); });
    svg.addEventListener("pointermove", (event) => {
      const x = at(event);
      if (from !== null) {
        picked.setAttribute("x", px(Math.min(from, x)));
        picked.setAttribute("width", Math.abs(px(x) - px(from)));
      }
      const epochs = shown()[0]?.curves[state.metric].epoch ?? [];
      if (!epochs.length) return;
      const near = epochs.reduce((best, epoch) => (Math.abs(epoch - x) < Math.abs(best - x) ? epoch : best));
      for (const [key, value] of Object.entries({ x1: px(near), x2: px(near), visibility: "visible" })) guide.setAttribute(key, value);
      tip.replaceChildren(`epoch ${near}`, ...shown().map((variant) => {
        const curve = variant.curves[state.metric], i = curve.epoch.indexOf(near), line = document.createElement("div");
        const number = (values) => (i < 0 || values[i] === null ? "none" : values[i]);
        line.textContent = `${variant.label}: ${number(curve.median)} (${number(curve.low)} to ${number(curve.high)}, n = ${i < 0 ? 0 : curve.n[i]})`;
        line.style.color = ink(variant);
        return line;
      }));
      tip.style.display = "block";
      const box = plot.getBoundingClientRect(), left = event.clientX - box.left;
      tip.style.top = "8px";
      tip.style.left = left > box.width / 2 ? "60px" : "auto";
      tip.style.right = left > box.width / 2 ? "auto" : "12px";
    });
  };
  addEventListener("resize", draw);
  draw();
})();
