"use strict";
// The page of a subgraph. Words come into it as text nodes alone, never as markup.
(() => {
  const told = JSON.parse(document.getElementById("told").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const RAMP = [0.16, 0.34, 0.55, 0.78, 1.0];
  const LEAST = 0.15, MOST = 6, STEP = 1.25, EDGE = 30, TOP = 52, ROW = 18, ROWS = 12;
  const stage = document.getElementById("diagram");
  const world = svg("g"), ties = svg("g"), plates = svg("g"), shares = svg("g");
  const boxes = new Map(told.boxes.map((box) => [box.id, box]));
  const drawn = new Map(), open = new Set();
  let look = { x: 0, y: 0, scale: 1 }, home = true, chosen = "", hovered = "", hold = null, all = false;

  function svg(name, values = {}, text = "") {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
    if (text) made.textContent = text;
    return made;
  }

  function html(name, values = {}, ...parts) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
    made.append(...parts.filter((part) => part !== ""));
    return made;
  }

  // words

  const sign = (value) => (value < 0 ? "lower" : "raise");
  const minus = (text) => text.replace("-", "\u2212");
  const percent = (share) => minus((share > 0 ? "+" : "") + (100 * share).toFixed(0)) + " %";
  const part = (share) => (share >= 0.0995 ? (100 * share).toFixed(0) : share >= 0.0005
    ? (100 * share).toFixed(1) : share > 0 ? "< 0.1" : "0") + " %";
  const number = (value) => minus(Math.abs(value) >= 0.005 || value === 0 ? value.toFixed(2) : value.toPrecision(1));
  const KINDS = { feature: "Feature", embedding: "Token", error: "Error", bias: "Bias", logit: "Output" };

  function facts(node) {
    const where = [node.place, node.token && `at “${node.token}”`].filter(Boolean).join(" ");
    const active = node.activation === null ? "" : `activation ${number(node.activation)}`;
    const feature = node.feature === null ? "" : `feature ${node.feature}`;
    return [where, feature, active, `influence ${part(node.influence)}`].filter(Boolean).join(" · ");
  }

  // marks: shape is the kind, hue the sign of the effect, strength its size

  function shape(kind, x, y, r, values) {
    if (kind === "embedding") return svg("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, ...values });
    if (kind === "error") return svg("path", { d: `M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}Z`, ...values });
    if (kind === "bias") return svg("path", { d: `M${x} ${y - r}L${x + r} ${y + r}L${x - r} ${y + r}Z`, ...values });
    return svg("circle", { cx: x, cy: y, r, ...values });
  }

  function mark([kind, side, step], x, y, r = 3.9) {
    const group = svg("g", { "aria-hidden": "true" });
    group.append(shape(kind, x, y, r, { class: "ground" }));
    if (side) group.append(shape(kind, x, y, r, { class: `fill-${sign(side)}`, "fill-opacity": RAMP[step] }));
    group.append(shape(kind, x, y, r, { class: "ink" }));
    return group;
  }

  // the diagram

  function rows(members, depth = 0) {
    return members.flatMap((one) => (one.members
      ? [{ name: one.name, depth, group: true }, ...rows(one.members, depth + 1)] : [{ ...one, depth }]));
  }

  function inside(box) {
    // What an open box lists; the card lists all.
    if (!open.has(box.id)) return [];
    const all = rows(box.members);
    if (all.length <= ROWS) return all;
    return [...all.slice(0, ROWS - 1), { name: `and ${all.length - ROWS + 1} more`, depth: 0, group: true }];
  }

  function areaOf(box) {
    const listed = inside(box).length, width = listed ? Math.max(box.w, 250) : box.w;
    const height = box.h + (listed ? listed * ROW + 8 : 0);
    return { left: box.x + (box.w - width) / 2, top: box.y - (height - box.h) / 2, width, height };
  }

  function fitText(element, room) {
    const wide = element.getComputedTextLength ? element.getComputedTextLength() : 0;
    if (wide > room && room > 0) {
      element.setAttribute("textLength", room);
      element.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  }

  function drawBox(box) {
    const group = svg("g", { class: "box", tabindex: "0", role: "button" });
    if (box.aim) group.classList.add("aim");
    const listed = inside(box), { left, top, width, height } = areaOf(box);
    const round = box.kind === "logit" ? height / 2 : box.kind === "embedding" ? 3 : 8;
    group.append(svg("rect", { class: "plate", x: left, y: top, width, height, rx: round }));
    if (box.colour) {
      group.append(svg("rect", { x: left + 4, y: top + 7, width: 4, height: height - 14, rx: 2,
        fill: `var(--group-${box.colour})` }));
    }
    const limits = [];
    if (box.kind === "logit") {
      const text = svg("text", { x: left + width / 2, y: top + height / 2 + 4, "text-anchor": "middle" });
      text.append(svg("tspan", { class: box.aim ? "name aimed" : "" }, box.lines[0]));
      text.append(svg("tspan", { class: "second" }, box.where ? ` ${box.where}` : ""));
      group.append(text);
      limits.push([text, width - 12]);
    } else {
      box.lines.forEach((line, at) => {
        const text = svg("text", { class: "name", x: left + 13, y: top + 9 + 16 * (at + 0.5) + 4 }, line);
        group.append(text);
        limits.push([text, width - 20]);
      });
      const foot = top + 9 + 16 * box.lines.length + (box.beside ? 9 : 8);
      box.dots.forEach((one, at) => group.append(mark(one, left + 17 + 11 * at, foot)));
      const after = left + 13 + 11 * box.dots.length;
      if (box.more) group.append(svg("text", { class: "small", x: after + 4, y: foot + 4 }, box.more));
      const beside = box.beside || listed.length > 0;
      const caption = svg("text", { class: "small", x: beside ? left + width - 13 : left + 13,
        y: beside ? foot + 4 : foot + 20, "text-anchor": beside ? "end" : "start" }, box.where);
      group.append(caption);
      limits.push([caption, beside ? width - 30 - 11 * box.dots.length : width - 26]);
    }
    listed.forEach((one, at) => {
      const y = top + box.h + ROW * (at + 0.5), x = left + 17 + 12 * one.depth;
      if (!one.group) group.append(mark(one.mark, x, y));
      const name = svg("text", { class: one.group ? "name" : "", x: one.group ? x - 4 : x + 9, y: y + 4 }, one.name);
      const end = svg("text", { class: "small", x: left + width - 13, y: y + 4, "text-anchor": "end" },
        one.group ? "" : `${one.place} · ${part(one.influence)}`);
      group.append(name, end);
      limits.push([name, left + width - 105 - x], [end, 88]);
    });
    group.setAttribute("aria-label", `${box.name}, ${box.where || KINDS[box.kind] || "supernode"}`);
    group.addEventListener("click", () => String(getSelection()) || choose(box.id));
    group.addEventListener("dblclick", () => box.members && toggle(box.id));
    group.addEventListener("pointerenter", () => hover(box.id));
    group.addEventListener("pointerleave", () => hover(""));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      if (event.key === "Enter" && chosen === box.id && box.members) toggle(box.id);
      else choose(box.id);
    });
    const old = drawn.get(box.id);
    if (old && old.parentNode) old.remove();
    plates.append(group);
    drawn.set(box.id, group);
    limits.forEach(([element, room]) => fitText(element, room));
  }

  function path(points) {
    const [x, y, ...rest] = points;
    return `M${x} ${y}C${rest.join(" ")}`;
  }

  function drawLink(link) {
    const side = sign(link.share), line = path(link.path);
    const width = Math.min(Math.max(36 * Math.abs(link.share), 1), 6);
    const strength = Math.min(0.95, 0.45 + 4 * Math.abs(link.share));
    const group = svg("g", { "stroke-opacity": strength, "fill-opacity": strength });
    const curve = svg("path", { class: `link ${side}`, d: line, "stroke-width": width });
    group.append(curve);
    if (!link.rises) group.append(arrow(link.path, side));
    const reach = svg("path", { class: "reach", d: line });
    reach.addEventListener("pointermove", (event) => tell(event, link));
    reach.addEventListener("pointerleave", () => tell(null, null));
    group.append(reach);
    ties.append(group);
    const half = curve.getPointAtLength(curve.getTotalLength() * 0.5);
    const words = `${link.label} ${percent(link.share)}`.trim();
    const share = svg("text", { class: `share ${side}`, x: half.x, y: half.y + 4 }, words);
    shares.append(share);
    link.parts = [group, share];
  }

  function arrow(points, side) {
    const [cx, cy, x, y] = points.slice(-4), long = Math.hypot(x - cx, y - cy) || 1;
    const ux = 7 * (x - cx) / long, uy = 7 * (y - cy) / long;
    return svg("path", { class: `arrow ${side}`,
      d: `M${x} ${y}L${x - ux - uy / 2} ${y - uy + ux / 2}L${x - ux + uy / 2} ${y - uy - ux / 2}Z` });
  }

  function apart() {
    // Words on links give way to boxes and to words of stronger links.
    const taken = told.boxes.map(areaOf).map((one) => [one.left, one.top, one.left + one.width, one.top + one.height]);
    for (const link of told.links) {
      const [group, share] = link.parts, curve = group.firstChild, long = curve.getTotalLength();
      link.room = false;
      for (const at of [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82]) {
        const point = curve.getPointAtLength(long * at), half = share.getComputedTextLength() / 2 + 3;
        const area = [point.x - half, point.y - 8, point.x + half, point.y + 8];
        if (taken.some((one) => one[0] < area[2] && area[0] < one[2] && one[1] < area[3] && area[1] < one[3])) continue;
        share.setAttribute("x", point.x);
        share.setAttribute("y", point.y + 4);
        taken.push(area);
        link.room = true;
        break;
      }
    }
  }

  function light() {
    const lit = hovered || chosen;
    for (const link of told.links) {
      const touches = link.source === lit || link.target === lit;
      link.parts[0].classList.toggle("faded", Boolean(lit) && !touches);
      link.parts[1].toggleAttribute("hidden", !(link.room && (touches || (all && !lit))));
    }
    for (const [id, group] of drawn) group.classList.toggle("chosen", id === chosen);
  }

  function hover(id) {
    hovered = id;
    light();
  }

  // the card

  function choose(id) {
    chosen = id;
    light();
    const card = document.getElementById("card"), box = boxes.get(id);
    card.replaceChildren(...(box ? about(box) : [html("p", { class: "second" },
      "Click a box to read what it is, what feeds it and what it feeds. The arrow keys move, + and \u2212 enlarge.")]));
  }

  function about(box) {
    const parts = [html("h2", {}, box.name)];
    const what = box.kind === "group" ? `Supernode of ${box.nodes} node${box.nodes === 1 ? "" : "s"}` : KINDS[box.kind];
    parts.push(html("p", { class: "second" }, `${what} · ${box.where}`));
    if (box.probability !== null) parts.push(html("p", {}, `Probability ${box.probability.toFixed(3)}`));
    if (box.activation !== null) parts.push(html("p", {}, `Activation ${number(box.activation)}`));
    parts.push(html("p", {}, `Share of influence ${part(box.influence)}`));
    if (box.node) parts.push(html("p", { class: "second" }, [facts(box.node), box.node.status].filter(Boolean).join(" · ")));
    if (box.missing) parts.push(html("p", {}, `${box.missing} of its nodes are not in this graph`));
    if (box.note) parts.push(html("div", { class: "note" }, box.note));
    if (box.members) {
      const button = html("button", { type: "button" }, open.has(box.id) ? "Close the box" : "Open the box");
      button.addEventListener("click", () => toggle(box.id));
      parts.push(html("p", {}, button), members("Members", box.members, true));
    }
    parts.push(...ends("Fed by", told.links.filter((link) => link.target === box.id), "source"));
    if (box.loose) parts.push(html("p", { class: "second" }, `${part(box.loose)} of its input comes from outside the boxes`));
    parts.push(...ends("Feeds", told.links.filter((link) => link.source === box.id), "target"));
    return parts;
  }

  function members(name, held, isOpen) {
    const made = html("details", {}, html("summary", {}, `${name} (${held.length})`));
    made.open = isOpen;
    for (const one of held) {
      if (one.members) {
        const inner = members(one.name, one.members, false);
        if (one.note) inner.append(html("div", { class: "note" }, one.note));
        made.append(inner);
        continue;
      }
      const picture = svg("svg", { width: 12, height: 12 });
      picture.append(mark(one.mark, 6, 6, 4.5));
      const row = html("div", { class: "member" }, picture, one.name, html("div", { class: "second" }, facts(one)));
      if (one.note) row.append(html("div", { class: "note" }, one.note));
      made.append(row);
    }
    return made;
  }

  function ends(title, links, end) {
    if (!links.length) return [];
    const table = html("table");
    for (const link of links) {
      const button = html("button", { type: "button" }, boxes.get(link[end]).name);
      button.addEventListener("click", () => choose(link[end]));
      const name = html("td", {}, button);
      for (const words of [link.label, link.note]) if (words) name.append(html("div", { class: "second" }, words));
      table.append(html("tr", {}, name, html("td", { class: sign(link.share) }, percent(link.share))));
    }
    return [html("h3", {}, title), table];
  }

  function toggle(id) {
    if (!open.delete(id)) open.add(id);
    drawBox(boxes.get(id));
    apart();
    choose(id);
    drawn.get(id).focus();
  }

  function tell(event, link) {
    const tip = document.getElementById("tip");
    tip.hidden = !link;
    if (!link) return;
    const source = boxes.get(link.source).name, target = boxes.get(link.target).name;
    const lines = [link.label, `${source} → ${target}`, `${percent(link.share)} of the input of “${target}” from outside of it`,
      `direct effects add up to ${link.weight > 0 ? "+" : ""}${number(link.weight)}`, link.note];
    tip.replaceChildren(...lines.filter(Boolean).map((line) => html("p", {}, line)));
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
  }

  // moving about

  function show() {
    world.setAttribute("transform", `translate(${look.x} ${look.y}) scale(${look.scale})`);
  }

  function fit() {
    home = true;
    const x0 = Math.min(...told.boxes.map((box) => box.x)), x1 = Math.max(...told.boxes.map((box) => box.x + box.w));
    const y0 = Math.min(...told.boxes.map((box) => box.y)), y1 = Math.max(...told.boxes.map((box) => box.y + box.h));
    const wide = stage.clientWidth, high = stage.clientHeight;
    const scale = Math.max(LEAST, Math.min(1.5, (wide - 2 * EDGE) / (x1 - x0), (high - TOP - EDGE) / (y1 - y0)));
    look = { scale, x: wide / 2 - scale * (x0 + x1) / 2, y: (TOP + high - EDGE) / 2 - scale * (y0 + y1) / 2 };
    show();
  }

  function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    home = false;
    const scale = Math.min(MOST, Math.max(LEAST, look.scale * factor)), by = scale / look.scale;
    look = { scale, x: x - (x - look.x) * by, y: y - (y - look.y) * by };
    show();
  }

  function pan(dx, dy) {
    home = false;
    look = { ...look, x: look.x + dx, y: look.y + dy };
    show();
  }

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const at = stage.getBoundingClientRect();
    zoom(STEP ** (-event.deltaY / 120), event.clientX - at.left, event.clientY - at.top);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest(".box") || event.target.closest("text")) return;
    hold = { x: event.clientX, y: event.clientY, moved: false };
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("held");
  });
  stage.addEventListener("pointermove", (event) => {
    if (!hold) return;
    const dx = event.clientX - hold.x, dy = event.clientY - hold.y;
    if (!hold.moved && Math.hypot(dx, dy) < 4) return;
    hold = { x: event.clientX, y: event.clientY, moved: true };
    pan(dx, dy);
  });
  stage.addEventListener("pointerup", () => {
    if (hold && !hold.moved) choose("");
    hold = null;
    stage.classList.remove("held");
  });
  stage.addEventListener("pointercancel", () => { hold = null; });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
    if (event.key === "+" || event.key === "=") zoom(STEP);
    else if (event.key === "-") zoom(1 / STEP);
    else if (event.key === "0" || event.key === "f") fit();
    else if (event.key === "Escape") choose("");
    else if (moves[event.key] && !event.target.closest("aside")) { pan(...moves[event.key]); event.preventDefault(); }
  });
  addEventListener("resize", () => home && fit());

  // beginning

  document.getElementById("question").textContent = told.title;
  document.getElementById("prompt").append(
    ...told.tokens.map((one) => html("span", { class: one.special ? "token special" : "token" }, one.text)),
    html("span", { "aria-hidden": "true" }, "→"),
    ...told.outputs.map((one) => html("span", { class: "token output" },
      one.probability === null ? one.name : `${one.name} ${one.probability.toFixed(3)}`)));
  const under = told.hidden ? [`${told.hidden} links under ${+(100 * told.over).toPrecision(3)} % are not drawn.`] : [];
  document.getElementById("caption").append(...[...told.caption, ...under].map((words) => html("p", {}, words)));
  world.append(ties, plates, shares);
  stage.append(world);
  [...told.links].reverse().forEach(drawLink);
  told.boxes.forEach(drawBox);
  apart();
  choose("");
  fit();
  document.getElementById("fit").addEventListener("click", fit);
  document.getElementById("larger").addEventListener("click", () => zoom(STEP));
  document.getElementById("smaller").addEventListener("click", () => zoom(1 / STEP));
  const weights = document.getElementById("weights");
  weights.addEventListener("click", () => {
    all = !all;
    weights.setAttribute("aria-pressed", all);
    light();
  });
})();
