// The chart of the past, zoomable: drawn anew by uPlot from the numbers that the server's drawing was made of.
// Should anything fail, the server's drawing stays. No style is written but through the document's own objects.
"use strict";

(() => {
  const DASHES = [undefined, [9, 4], [2, 3], [12, 3, 2, 3], [5, 2], [14, 5, 4, 5]];
  const LEAST_S = 15 * 60;
  const WAIT_MS = 250;

  const drawn = document.querySelector(".drawn[data-points]");
  if (!drawn || typeof uPlot === "undefined") return;
  const zone = drawn.dataset.zone;

  const words = (options) => {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
    return (seconds) => format.format(new Date(seconds * 1000)).replace(",", "").replace("Sept", "Sep"); // as the rest of the page has it
  };
  const clock = words({ hour: "2-digit", minute: "2-digit" });
  const day = words({ weekday: "short", day: "numeric", month: "short" });
  const month = words({ month: "short", year: "numeric" });
  const moment = words({ weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const label = (at, step) => {
    if (step >= 27 * 86400) return month(at);
    return step >= 86400 || clock(at) === "00:00" ? day(at) : clock(at);
  };
  const shown = (value, unit) => (value === null || value === undefined ? "not known" : `${value.toFixed(1)} ${unit}`);

  const asked = (begin, end) => {
    const url = new URL(drawn.dataset.points, location.href);
    if (begin !== undefined) {
      url.searchParams.set("range", "custom");
      url.searchParams.set("from", iso(begin));
      url.searchParams.set("to", iso(end));
    }
    return url;
  };
  const iso = (seconds) => new Date(Math.round(seconds) * 1000).toISOString().replace(".000", "");

  const fetched = async (url) => {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, redirect: "error" });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  };

  const columns = (past) => [past.times, ...past.names.flatMap((_, n) => [past.low[n], past.high[n], past.mean[n]])];

  const make = (past) => {
    const whole = { min: past.begin, max: past.end };
    let now = past;
    let plot;
    let waiting;
    let isQuiet = false; // while the scale is set by us to what is there already

    const isTouched = matchMedia("(hover: none) and (pointer: coarse)").matches;
    const box = document.createElement("div");
    box.className = "zoom chart-svg";
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `${drawn.dataset.title}: a chart. ${isTouched ? "" : "Plus and minus zoom, the arrows move, Escape shows all of it. "}The table below has each day.`);
    const said = document.createElement("p");
    said.className = "zoom-said";
    said.dataset.zoomSaid = "";
    const hint = document.createElement("p");
    hint.className = "zoom-hint";
    hint.textContent = isTouched
      ? "Tap the chart to read a moment; the buttons above it move and zoom."
      : "Drag over the chart to zoom in; twice click shows all of it. By keyboard: + − ← →";

    const colour = (name) => getComputedStyle(box).getPropertyValue(`--chart-${name}`).trim();

    const scale = (u, low, high) => {
      const limits = now.limits.map((each) => each[0]);
      const least = Math.min(low ?? Infinity, ...limits);
      const most = Math.max(high ?? -Infinity, ...limits);
      if (!Number.isFinite(least) || !Number.isFinite(most)) return [0, 1];
      const spare = Math.max(4 - (most - least), (most - least) * 0.08) / 2;
      return [least - spare, most + spare];
    };

    // Stretches of which nothing is known: from the end of what is known to where it begins again.
    const unknown = () => {
      const found = [];
      const until = Math.min(now.known_to, now.end);
      let from = now.begin;
      now.times.forEach((at, n) => {
        if (now.mean.every((room) => room[n] === null)) return;
        if (n === 0 ? at > from + 1 : now.mean.every((room) => room[n - 1] === null)) found.push([from, at]);
        from = at + now.every;
      });
      if (until - from > Math.max(now.every, LEAST_S)) found.push([from, until]);
      return found;
    };
    const hatching = (ctx) => {
      const tile = document.createElement("canvas");
      tile.width = tile.height = Math.round(6 * devicePixelRatio);
      const pen = tile.getContext("2d");
      pen.strokeStyle = colour("soft");
      pen.lineWidth = 0.9 * devicePixelRatio;
      for (const shift of [-1, 0, 1]) {
        pen.moveTo(shift * tile.width, tile.height);
        pen.lineTo((shift + 1) * tile.width, 0);
      }
      pen.stroke();
      return ctx.createPattern(tile, "repeat");
    };

    const behind = (u) => {
      const { ctx, bbox } = u;
      const x = (at) => Math.min(Math.max(u.valToPos(at, "x", true), bbox.left), bbox.left + bbox.width);
      const bar = (begin, end, top, height) => ctx.fillRect(x(begin), top, Math.max(x(end) - x(begin), 0), height);
      ctx.save();
      for (const [begin, end] of now.school) {
        ctx.fillStyle = colour("day");
        bar(begin, end, bbox.top, bbox.height);
        ctx.fillStyle = colour("soft");
        bar(begin, end, bbox.top, 3 * devicePixelRatio);
      }
      ctx.fillStyle = hatching(ctx);
      for (const [begin, end] of unknown()) bar(begin, end, bbox.top, bbox.height);
      ctx.fillStyle = colour("breach");
      for (const [begin, end] of now.episodes) {
        const until = end ?? Math.min(now.known_to, now.end);
        ctx.globalAlpha = 0.12;
        bar(begin, until, bbox.top, bbox.height);
        ctx.globalAlpha = 1;
        bar(begin, until, bbox.top + bbox.height - 6 * devicePixelRatio, 6 * devicePixelRatio);
      }
      ctx.restore();
    };

    const before = (u) => {
      const { ctx, bbox } = u;
      const ratio = devicePixelRatio;
      ctx.save();
      ctx.font = `${13 * ratio}px system-ui, sans-serif`;
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([7 * ratio, 4 * ratio]);
      const named = []; // above its line, or below it where another one goes through that
      const heights = now.limits.map(([value]) => u.valToPos(value, "y", true));
      for (const [value, name, begin, end] of now.limits) {
        const y = u.valToPos(value, "y", true);
        const left = Math.max(begin === null ? bbox.left : u.valToPos(begin, "x", true), bbox.left);
        const right = Math.min(end === null ? bbox.left + bbox.width : u.valToPos(end, "x", true), bbox.left + bbox.width);
        if (right <= left) continue;
        ctx.strokeStyle = colour("limit");
        ctx.beginPath();
        ctx.moveTo(left, y);
        ctx.lineTo(right, y);
        ctx.stroke();
        const isStruck = heights.some((other) => y - 22 * ratio < other && other < y - 1);
        named.push([`${value} ${now.unit} ${name}`, left + 6 * ratio, isStruck ? y + 15 * ratio : y - 5 * ratio]);
      }
      ctx.setLineDash([]);
      ctx.lineJoin = "round";
      ctx.lineWidth = 4 * ratio;
      ctx.strokeStyle = colour("paper");
      ctx.fillStyle = colour("limit");
      for (const each of named) ctx.strokeText(...each);
      for (const each of named) ctx.fillText(...each);
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([1 * ratio, 3 * ratio]);
      ctx.strokeStyle = colour("ink");
      for (const [at] of now.deeds) {
        const x = u.valToPos(at, "x", true);
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
      ctx.restore();
    };

    const tell = (u) => {
      const n = u.cursor.idx;
      said.textContent = "";
      if (n === null || n === undefined) {
        said.textContent = `${moment(u.scales.x.min)} to ${moment(u.scales.x.max)}`;
        return;
      }
      const at = document.createElement("b");
      at.textContent = moment(u.data[0][n]);
      said.append(at);
      now.names.forEach((name, i) => {
        const [low, high, mean] = [1, 2, 3].map((k) => u.data[3 * i + k][n]);
        const span = low === high || mean === null ? "" : ` (${low.toFixed(1)} to ${high.toFixed(1)})`;
        const room = document.createElement("bdi");
        room.textContent = now.names.length > 1 ? name : "";
        said.append(" · ", room, now.names.length > 1 ? ": " : "", `${shown(mean, now.unit)}${span}`);
      });
    };

    const series = () => [
      {},
      ...past.names.flatMap((name, n) => [
        { label: `${name} low`, width: 0, points: { show: false }, stroke: () => colour(`s${n}`) },
        { label: `${name} high`, width: 0, points: { show: false }, stroke: () => colour(`s${n}`) },
        { label: name, width: 2, dash: DASHES[n], stroke: () => colour(`s${n}`), points: { size: 4, show: dots, fill: () => colour(`s${n}`) } },
      ]),
    ];
    // A value alone between two gaps has no line: it is a dot.
    const dots = (u, n, first, last) => last - first < 40 || isAlone(u.data[n], first, last);
    const isAlone = (values, first, last) => {
      for (let i = first; i <= last; i += 1) {
        if (values[i] != null && values[i - 1] == null && values[i + 1] == null) return true;
      }
      return false;
    };

    // What the lines and tints mean, as the server's drawing says it.
    const key = (cls, words, dash) => {
      const SVG = "http://www.w3.org/2000/svg";
      const sign = document.createElementNS(SVG, "svg");
      sign.setAttribute("viewBox", "0 0 24 12");
      sign.setAttribute("class", "zoom-sign");
      sign.setAttribute("aria-hidden", "true");
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", cls);
      const shapes = { line: "M0 6h24", hatch: "M0 12l12 -12M6 12l12 -12M12 12l12 -12" };
      path.setAttribute("d", shapes[/line|hatch/.exec(cls)?.[0]] ?? "M0 0h24v12h-24z");
      if (dash) path.setAttribute("stroke-dasharray", dash.join(" "));
      sign.append(path);
      const name = document.createElement("bdi");
      name.textContent = words;
      const each = document.createElement("li");
      each.append(sign, " ", name);
      return each;
    };
    const keys = () => {
      const list = document.createElement("ul");
      list.className = "zoom-keys";
      const isOne = past.names.length === 1;
      past.names.forEach((name, n) => list.append(key(`chart-line chart-s${n}`, isOne ? "Mean" : name, DASHES[n])));
      list.append(key("chart-band chart-s0", "Lowest to highest"));
      if (past.school.length) list.append(key("chart-day", "Student day"));
      if (unknown().length) list.append(key("chart-hatch zoom-hatch", "Not known"));
      if (past.episodes.length) list.append(key("chart-breach", "In breach"));
      return list;
    };

    const wash = (n) => () => {
      const found = /^#(..)(..)(..)$/.exec(colour(`s${n}`));
      return found ? `rgba(${found.slice(1).map((each) => parseInt(each, 16)).join(",")},${past.names.length > 1 ? 0.1 : 0.18})` : "rgba(128,128,128,0.1)";
    };

    const size = () => ({ width: Math.max(drawn.clientWidth, 240), height: drawn.clientWidth < 520 ? 280 : 380 });
    const axis = { stroke: () => colour("soft"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { stroke: () => colour("grid"), width: 1 } };

    const build = () => {
      isQuiet = true;
      plot = new uPlot(
        {
          ...size(),
          tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
          legend: { show: false },
          padding: [12, 32, 0, 0],
          cursor: { y: false, drag: { x: true, y: false, dist: 8 }, points: { size: 7 }, bind: { dblclick: () => () => { back(); return null; } } },
          scales: { x: { time: true, min: whole.min, max: whole.max, range: (u, low, high) => [low, high] }, y: { range: scale } },
          axes: [
            { ...axis, space: 72, values: (u, splits, n, space, step) => splits.map((at) => label(at, step)) },
            { ...axis, size: 64, values: (u, splits) => splits.map((value) => `${value} ${now.unit}`) },
          ],
          series: series(),
          bands: past.names.map((_, n) => ({ series: [3 * n + 2, 3 * n + 1], fill: wash(n) })),
          hooks: { drawClear: [behind], draw: [before], setCursor: [tell], setScale: [(u, key) => key === "x" && moved(u)] },
        },
        columns(now),
        box,
      );
      note(whole.min, whole.max);
      Promise.resolve().then(() => {
        tell(plot);
        isQuiet = false;
      });
    };

    const moved = (u) => {
      if (u !== plot || isQuiet) return;
      tell(u);
      clearTimeout(waiting);
      waiting = setTimeout(refine, WAIT_MS);
    };

    const isWhole = () => Math.abs(plot.scales.x.min - whole.min) < 1 && Math.abs(plot.scales.x.max - whole.max) < 1;

    // What is looked at closer is asked for again: it is kept finer than it was shown.
    const refine = async () => {
      const { min, max } = plot.scales.x;
      const url = isWhole() ? asked() : asked(min, max);
      let found;
      try {
        found = isWhole() ? past : await fetched(url);
      } catch {
        return; // what is shown stays
      }
      if (min !== plot.scales.x.min || max !== plot.scales.x.max) return;
      now = found;
      isQuiet = true;
      plot.setData(columns(now), false);
      plot.setScale("x", { min, max });
      await null; // the plot has drawn by then
      isQuiet = false;
      note(min, max);
      for (const link of document.querySelectorAll("a[data-file]")) {
        const to = new URL(link.href);
        to.search = url.search;
        link.href = to;
      }
    };

    const note = (min, max) => {
      box.dataset.from = iso(min);
      box.dataset.to = iso(max);
    };

    const go = (min, max) => {
      const length = Math.min(Math.max(max - min, LEAST_S), whole.max - whole.min);
      const begin = Math.min(Math.max((min + max - length) / 2, whole.min), whole.max - length);
      plot.setScale("x", { min: begin, max: begin + length });
    };
    const back = () => plot.setScale("x", { ...whole });
    const by = (factor) => {
      const { min, max } = plot.scales.x;
      const middle = (min + max) / 2;
      go(middle - ((max - min) * factor) / 2, middle + ((max - min) * factor) / 2);
    };
    const aside = (share) => {
      const { min, max } = plot.scales.x;
      const step = (max - min) * share;
      const bound = Math.min(Math.max(step, whole.min - min), whole.max - max);
      plot.setScale("x", { min: min + bound, max: max + bound });
    };
    const KEYS = {
      "+": () => by(0.5), "=": () => by(0.5), "-": () => by(2), "−": () => by(2),
      ArrowLeft: () => aside(-0.25), ArrowRight: () => aside(0.25), Escape: back,
    };
    box.addEventListener("keydown", (event) => {
      const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : KEYS[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });

    drawn.append(box);
    box.append(said);
    build();
    box.append(keys(), hint);
    drawn.classList.add("is-zoomable");
    plot.setSize(size());

    let width = drawn.clientWidth;
    new ResizeObserver(() => {
      if (drawn.clientWidth === width || !drawn.clientWidth) return;
      width = drawn.clientWidth;
      plot.setSize(size());
    }).observe(drawn);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
  };

  fetched(asked())
    .then((past) => past.times.length && make(past))
    .catch(() => {
      drawn.querySelector(".zoom")?.remove();
      drawn.classList.remove("is-zoomable");
    });
})();
