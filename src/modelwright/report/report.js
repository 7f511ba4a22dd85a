"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const trials = new Map(data.trials.map((t) => [t[0], t]));
  const svgNS = "http://www.w3.org/2000/svg";
  const tip = document.body.appendChild(Object.assign(document.createElement("div"), { id: "tip", hidden: true }));
  tip.setAttribute("aria-hidden", "true");

  document.querySelectorAll(".js").forEach((e) => (e.hidden = false));

  // --- theme
  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // --- what is known of a trial, as plain text
  const short = (v) => (typeof v === "number" && !Number.isInteger(v) ? String(Number(v.toPrecision(5))) : String(v));
  function describe(n) {
    const t = trials.get(n);
    if (!t) return "Trial " + n;
    const lines = ["Trial " + n + ": " + t[1]];
    (t[2] || []).forEach((v, i) => lines.push(data.objectives[i][0] + " = " + short(v)));
    if (t[7] || t[5] < 1) lines.push(t[7] ? "after " + t[7] : "fidelity " + short(t[5]));
    const config = Object.entries(t[3]);
    config.slice(0, 14).forEach(([i, v]) => lines.push(data.parameters[i] + " = " + short(v)));
    if (config.length > 14) lines.push("and " + (config.length - 14) + " more");
    if (t[6]) lines.push(t[6]);
    return lines.join("\n");
  }

  // --- charts: marks of a trial, nearest to the pointer
  const charts = [...document.querySelectorAll("svg.chart")].map((svg) => ({ svg, made: null }));
  function read(chart) {
    if (chart.made) return chart.made;
    const points = [], lines = [];
    for (const path of chart.svg.querySelectorAll("path[data-n]")) {
      const numbers = path.dataset.n.split(" ");
      let i = 0;
      for (const m of path.getAttribute("d").matchAll(/M(-?[\d.]+) (-?[\d.]+)/g)) points.push([+numbers[i++], +m[1], +m[2]]);
    }
    for (const path of chart.svg.querySelectorAll("path[data-t]")) {
      const at = [...path.getAttribute("d").matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map((m) => [+m[1], +m[2]]);
      lines.push([+path.dataset.t, at, path]);
    }
    return (chart.made = { points, lines });
  }
  function distance(px, py, a, b) {
    const dx = b[0] - a[0], dy = b[1] - a[1];
    const t = Math.max(0, Math.min(1, ((px - a[0]) * dx + (py - a[1]) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(px - a[0] - t * dx, py - a[1] - t * dy);
  }
  function nearest(chart, x, y) {
    const { points, lines } = read(chart);
    let found = null, least = 16;
    for (const [n, px, py] of points) {
      const d = Math.hypot(px - x, py - y);
      if (d < least) [found, least] = [n, d];
    }
    for (const [n, at, path] of lines) {
      if (path.classList.contains("out")) continue;
      for (let i = 1; i < at.length; i++) {
        const d = distance(x, y, at[i - 1], at[i]);
        if (d < least) [found, least] = [n, d];
      }
    }
    return found;
  }
  function local(svg, event) {
    const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [p.x, p.y];
  }

  // --- what can be pressed is a button only where this script runs
  function press(cell, said) {
    const button = Object.assign(document.createElement("button"), { type: "button", title: said });
    button.append(...cell.childNodes);
    cell.append(button);
    return button;
  }

  // --- one trial is highlighted in all charts and in the table
  const rows = new Map();
  for (const cell of document.querySelectorAll("#table td[data-t]")) {
    const button = press(cell, "Show trial " + cell.dataset.t + " in the charts");
    button.className = "n";
    rows.set(+cell.dataset.t, button);
  }
  let shown = null, pinned = null;
  function highlight(n) {
    if (n === shown) return;
    document.querySelectorAll(".hi, .dot").forEach((e) => e.remove());
    if (shown !== null && rows.has(shown)) {
      rows.get(shown).closest("tr").classList.remove("on");
      rows.get(shown).setAttribute("aria-pressed", "false");
    }
    shown = n;
    if (n === null) return;
    for (const chart of charts) {
      const { points, lines } = read(chart);
      for (const [number, , path] of lines) {
        if (number !== n) continue;
        const copy = path.cloneNode();
        copy.removeAttribute("data-t");
        copy.setAttribute("class", "c hi");
        path.parentNode.appendChild(copy);
      }
      for (const [number, x, y] of points) {
        if (number !== n) continue;
        const dot = chart.svg.appendChild(document.createElementNS(svgNS, "circle"));
        for (const [k, v] of [["class", "dot"], ["cx", x], ["cy", y], ["r", 7]]) dot.setAttribute(k, v);
      }
    }
    if (rows.has(n)) {
      rows.get(n).closest("tr").classList.add("on");
      rows.get(n).setAttribute("aria-pressed", "true");
    }
  }
  function tell(n, x, y) {
    tip.hidden = n === null;
    if (n === null) return;
    tip.textContent = describe(n);
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(6, Math.min(x + 14, innerWidth - box.width - 8)) + "px";
    tip.style.top = Math.max(6, y + 16 + box.height > innerHeight ? y - box.height - 12 : y + 16) + "px";
  }
  let frame = 0;
  for (const chart of charts) {
    chart.svg.addEventListener("pointermove", (event) => {
      clearTimeout(frame);
      frame = setTimeout(() => {
        const n = nearest(chart, ...local(chart.svg, event));
        highlight(n === null ? pinned : n);
        tell(n, event.clientX, event.clientY);
      }, 16);
    });
    chart.svg.addEventListener("pointerleave", () => {
      clearTimeout(frame);
      tell(null);
      highlight(pinned);
    });
    chart.svg.addEventListener("click", (event) => {
      if (event.target.closest(".ax")) return;
      pinned = nearest(chart, ...local(chart.svg, event));
      highlight(pinned);
    });
  }
  rows.forEach((button, n) => {
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => highlight((pinned = pinned === n ? null : n)));
  });

  // --- ranges on the axes of the parallel coordinates
  for (const chart of charts) {
    const axes = [...chart.svg.querySelectorAll(".ax")];
    const ranges = new Map();
    const apply = () => {
      for (const [, at, path] of read(chart).lines) {
        const inside = [...ranges].every(([i, [top, bottom]]) => at[i][1] >= top && at[i][1] <= bottom);
        path.classList.toggle("out", !inside);
      }
    };
    axes.forEach((axis, i) => {
      const grab = axis.querySelector(".grab");
      const box = axis.appendChild(document.createElementNS(svgNS, "rect"));
      box.setAttribute("class", "kept");
      box.setAttribute("x", +axis.dataset.x - 9);
      box.setAttribute("width", 18);
      let from = null;
      const draw = (top, bottom) => {
        box.setAttribute("y", top);
        box.setAttribute("height", Math.max(bottom - top, 0));
      };
      grab.addEventListener("pointerdown", (event) => {
        from = local(chart.svg, event)[1];
        grab.setPointerCapture(event.pointerId);
      });
      grab.addEventListener("pointermove", (event) => {
        if (from === null) return;
        const to = local(chart.svg, event)[1];
        if (Math.abs(to - from) < 4) return;
        ranges.set(i, [Math.min(from, to), Math.max(from, to)]);
        draw(...ranges.get(i));
        apply();
      });
      grab.addEventListener("pointerup", (event) => {
        if (from !== null && Math.abs(local(chart.svg, event)[1] - from) < 4) {
          ranges.delete(i);
          draw(0, 0);
          apply();
        }
        from = null;
      });
    });
  }

  // --- the table: sort and filter
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const key = (row, i) => {
    const cell = row.cells[i], text = cell.dataset.v ?? cell.textContent;
    const value = Number(text);
    return text === "" ? null : Number.isNaN(value) ? text : value;
  };
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, i) => press(head, "Sort by " + head.textContent).addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const keyed = [...body.rows].map((row) => [key(row, i), row]);
    keyed.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
      return up ? order : -order;
    });
    body.append(...keyed.map(([, row]) => row));
  }));
  const filter = document.getElementById("filter");
  filter.hidden = false;
  filter.querySelector("input").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    for (const row of body.rows) row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
  });
})();
