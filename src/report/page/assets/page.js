"use strict";
// Draws each chart of the page again, to be pointed at: the same axes, ticks, colours and shapes as the SVG that is
// there without a script. `draw(data)` may be called any number of times, with new data each time.
(() => {
  const FONT = "13px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  // Narrower than that, every second label of an axis would touch the next.
  const LABEL_PX = 58;
  const REACH_PX = 28;
  let drawn = [];
  let latest = null;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const grouped = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
  const clock = (s) => {
    const whole = Math.round(s);
    const [h, m, r] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const two = (n) => String(n).padStart(2, "0");
    return h > 0 ? `${h}:${two(m)}:${two(r)}` : `${m}:${two(r)}`;
  };
  const written = (value, form) => {
    if (form === "clock") return clock(value);
    if (form === "percentile") return `p${Number((100 - 100 / value).toFixed(3))}`;
    return grouped(value);
  };

  // uPlot wants one abscissa for all series. `undefined` is "no point here", `null` is a gap.
  function aligned(series) {
    const rows = [];
    series.forEach((one, at) => one.xs.forEach((x, i) => rows.push([x, at, one.ys[i], one.hints[i]])));
    rows.sort((a, b) => a[0] - b[0]);
    // A gap lasts until the series goes on, whatever the other series have meanwhile.
    const isOpen = series.map(() => false);
    const table = [[], ...series.map(() => [])];
    const hints = [];
    for (const [x, at, y, hint] of rows) {
      let row = table[0].length - 1;
      if (row < 0 || table[0][row] !== x || (table[at + 1][row] ?? undefined) !== undefined) {
        row += 1;
        table[0].push(x);
        table.slice(1).forEach((ys, one) => ys.push(isOpen[one] ? null : undefined));
      }
      table[at + 1][row] = y;
      isOpen[at] = y === null;
      if (hint) hints.push({ row, at, hint });
    }
    return { table, hints };
  }

  const isLine = (shape) => ["line", "dashed", "steps"].includes(shape);

  function point(ctx, shape, x, y, ratio) {
    const r = 4.4 * ratio;
    ctx.beginPath();
    if (shape === "dot" || shape === "ring") ctx.arc(x, y, r, 0, 2 * Math.PI);
    else if (shape === "cross") {
      ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r);
      ctx.moveTo(x - r, y + r); ctx.lineTo(x + r, y - r);
    } else if (shape === "square") ctx.rect(x - r, y - r, 2 * r, 2 * r);
    else {
      const s = r * 1.2;
      ctx.moveTo(x, y - s); ctx.lineTo(x + s, y); ctx.lineTo(x, y + s); ctx.lineTo(x - s, y); ctx.closePath();
    }
    if (shape === "dot" || shape === "diamond") ctx.fill(); else ctx.stroke();
  }

  // Everything but lines and axes is drawn by hand, as in the SVG.
  function under(chart, u) {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    if (chart.cells) {
      const { x_low, x_step, y_low, y_ratio, filled } = chart.cells;
      for (const [column, row, depth] of filled) {
        const left = Math.round(u.valToPos(x_low + column * x_step, "x", true));
        const right = Math.round(u.valToPos(x_low + (column + 1) * x_step, "x", true));
        const bottom = Math.round(u.valToPos(y_low * y_ratio ** row, "y", true));
        const top = Math.round(u.valToPos(y_low * y_ratio ** (row + 1), "y", true));
        ctx.fillStyle = colour(`heat-${depth}`);
        ctx.fillRect(left, top, Math.max(right - left, 1), bottom - top);
      }
    }
    ctx.globalAlpha = 0.13;
    for (const mark of chart.marks.filter((one) => one.to !== null)) {
      ctx.fillStyle = colour(mark.tone);
      const [a, b] = [u.valToPos(mark.from, mark.side, true), u.valToPos(mark.to, mark.side, true)];
      if (mark.side === "x") ctx.fillRect(a, bbox.top, b - a, bbox.height);
      else ctx.fillRect(bbox.left, b, bbox.width, a - b);
    }
    ctx.restore();
  }

  function text(ctx, label, x, y, align, tone) {
    ctx.textAlign = align;
    ctx.lineJoin = "round";
    ctx.strokeStyle = colour("paper");
    ctx.lineWidth = 3.5 * devicePixelRatio;
    ctx.strokeText(label, x, y);
    ctx.fillStyle = colour(tone);
    ctx.fillText(label, x, y);
  }

  function over(chart, u) {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const [right, bottom] = [bbox.left + bbox.width, bbox.top + bbox.height];
    ctx.save();
    ctx.font = FONT.replace("13px", `${13 * ratio}px`);
    ctx.textBaseline = "middle";
    ctx.setLineDash([]);
    chart.series.forEach((series, at) => {
      if (isLine(series.shape)) return;
      ctx.strokeStyle = ctx.fillStyle = colour(series.tone);
      ctx.lineWidth = 1.9 * ratio;
      u.data[at + 1].forEach((y, row) => {
        if (y === null || y === undefined) return;
        const x = u.data[0][row];
        if (x < u.scales.x.min || x > u.scales.x.max) return;
        point(ctx, series.shape, u.valToPos(x, "x", true), u.valToPos(y, "y", true), ratio);
      });
    });
    // Names of bands and of lines stand above the plot, as many as there is room for.
    let free = -Infinity;
    const above = (mark, middle, room) => {
      const half = ctx.measureText(mark.label).width / 2;
      const at = Math.min(Math.max(middle, bbox.left + half), right - half);
      if (!mark.label || 2 * half > room || at - half < free) return;
      free = at + half + 4 * ratio;
      text(ctx, mark.label, at, bbox.top - 9 * ratio, "center", mark.tone);
    };
    for (const mark of chart.marks) {
      const at = u.valToPos(mark.from, mark.side, true);
      const end = mark.to === null ? at : u.valToPos(mark.to, mark.side, true);
      if (mark.side === "x" && (end < bbox.left || at > right)) continue;
      if (mark.to === null) {
        ctx.strokeStyle = colour(mark.tone);
        ctx.lineWidth = 1.5 * ratio;
        ctx.beginPath();
        if (mark.side === "x") { ctx.moveTo(at, bbox.top); ctx.lineTo(at, bottom); }
        else { ctx.moveTo(bbox.left, at); ctx.lineTo(right, at); }
        ctx.stroke();
      }
      if (mark.side === "x" && mark.to === null) above(mark, at, Infinity);
      else if (mark.side === "x") above(mark, (Math.max(at, bbox.left) + Math.min(end, right)) / 2, (end - at) * 1.6);
      else {
        const isHigh = end - bbox.top < 16 * ratio;
        text(ctx, mark.label, bbox.left + 6 * ratio, end + (isHigh ? 9 : -9) * ratio, "left", mark.tone);
      }
    }
    ends(chart, u, ctx, ratio);
    text(ctx, chart.y.label, 2 * ratio, (isNamed(chart) ? 10 : 12) * ratio, "left", "soft");
    ctx.restore();
  }

  const isNamed = (chart) => chart.marks.some((mark) => mark.side === "x" && mark.label);

  // Labels at the ends of lines, moved apart where they would lie over each other.
  function ends(chart, u, ctx, ratio) {
    const found = [];
    for (const series of chart.series.filter((one) => one.is_labelled)) {
      const last = series.ys.findLastIndex((y) => y !== null);
      if (last < 0) continue;
      found.push([u.valToPos(series.ys[last], "y", true), u.valToPos(series.xs[last], "x", true), series]);
    }
    found.sort((a, b) => a[0] - b[0]);
    let free = -Infinity;
    for (const [y, x, series] of found) {
      const at = Math.max(y, free);
      free = at + 15 * ratio;
      text(ctx, series.label, x + 7 * ratio, at, "left", series.tone);
    }
  }

  // Ticks of a part that somebody looks at closely; of the whole axis the page brings its own.
  function closer(low, high, form) {
    const rough = (high - low) / 6;
    const power = 10 ** Math.floor(Math.log10(rough));
    const steps = form === "clock" ? [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600] : [1, 2, 2.5, 5, 10].map((lead) => lead * power);
    const step = steps.find((one) => one >= rough) ?? 7200;
    const ticks = [];
    for (let at = Math.ceil(low / step) * step; at <= high && ticks.length < 40; at += step) ticks.push(at);
    return ticks;
  }

  function axis(span, side, u) {
    const isWhole = () => side === "y" || (u().scales.x.min === span.low && u().scales.x.max === span.high);
    const ticks = (self) => (isWhole() ? span.ticks.map(([at]) => at) : closer(self.scales.x.min, self.scales.x.max, span.form));
    return {
      scale: side,
      font: FONT,
      stroke: () => colour("soft"),
      grid: { show: side === "y", stroke: () => colour("rule"), width: 1 },
      ticks: { show: side === "x", stroke: () => colour("soft"), width: 1, size: 4 },
      border: { show: side === "x", stroke: () => colour("soft"), width: 1 },
      gap: side === "x" ? 3 : 6,
      size: side === "x" ? 30 : (self, values) => Math.max(30, 12 + 7.2 * Math.max(...(values ?? ["000"]).map((value) => value.length))),
      label: side === "x" ? span.label : undefined,
      labelSize: 20,
      labelFont: FONT,
      splits: ticks,
      filter: (self, splits) => {
        if (side === "y") return splits;
        // The ends of the plot in pixels, to thin the labels out where they would touch.
        let last = -Infinity;
        return splits.map((at) => {
          const place = self.valToPos(at, "x");
          if (place - last < LABEL_PX) return null;
          last = place;
          return at;
        });
      },
      values: (self, splits) => splits.map((at) => {
        if (at === null) return "";
        const own = span.ticks.find(([tick]) => tick === at);
        return own ? own[1] : written(at, span.form);
      }),
    };
  }

  function tip(chart, u, hints, box) {
    const { left, top } = u.cursor;
    if (left < 0 || left === undefined || left === null) { box.hidden = true; return; }
    const said = chart.cells ? field(chart, u, left, top) : hints.length > 0 ? nearest(u, hints, left, top) : column(chart, u, left);
    box.hidden = !said;
    if (!said) return;
    box.textContent = said;
    const plot = u.over;
    const [x, y] = [left + plot.offsetLeft, top + plot.offsetTop];
    const whole = u.root.clientWidth;
    const isRight = left > plot.clientWidth / 2;
    box.style.left = isRight ? "auto" : `${Math.min(x + 14, whole - 40)}px`;
    box.style.right = isRight ? `${Math.max(whole - x + 14, 0)}px` : "auto";
    box.style.top = `${Math.max(y - box.offsetHeight - 12, 0)}px`;
  }

  function nearest(u, hints, left, top) {
    let [best, least] = [null, REACH_PX];
    for (const { row, at, hint } of hints) {
      const far = Math.hypot(u.valToPos(u.data[0][row], "x") - left, u.valToPos(u.data[at + 1][row], "y") - top);
      if (far < least) [best, least] = [hint, far];
    }
    return best;
  }

  function column(chart, u, left) {
    const x = u.posToVal(left, "x");
    const lines = [written(x, chart.x.form)];
    for (const series of chart.series) {
      // Steps hold their value, of other lines the nearest point counts.
      let at = -1;
      if (series.shape === "steps") at = series.xs.findLastIndex((one) => one <= x);
      else series.xs.forEach((one, i) => { if (at < 0 || Math.abs(one - x) < Math.abs(series.xs[at] - x)) at = i; });
      const value = at < 0 ? null : series.ys[at];
      if (value === null || value === undefined || (series.shape !== "steps" && x > series.xs.at(-1) * 1.02)) continue;
      lines.push(`${series.label}: ${grouped(value)}`);
    }
    return lines.length > 1 ? `${lines.join("\n")}\n${chart.y.label}` : null;
  }

  function field(chart, u, left, top) {
    const { x_low, x_step, y_low, y_ratio, filled } = chart.cells;
    const x = Math.floor((u.posToVal(left, "x") - x_low) / x_step);
    const y = Math.floor(Math.log(u.posToVal(top, "y") / y_low) / Math.log(y_ratio));
    const found = filled.find(([column, row]) => column === x && row === y);
    if (!found) return null;
    const all = filled.filter(([column]) => column === x).reduce((sum, cell) => sum + cell[3], 0);
    const low = y_low * y_ratio ** y;
    return `${clock(x_low + x * x_step)}\n${grouped(low)} to ${grouped(low * y_ratio)} ms\n${grouped(found[3])} responses, ${grouped((found[3] / all) * 100)} % of that moment's`;
  }

  function chartOf(chart, place) {
    const { table, hints } = aligned(chart.series);
    if (chart.series.length === 0) table[0].push(chart.x.low, chart.x.high);
    let plot = null;
    const me = () => plot;
    const box = document.createElement("div");
    box.className = "tip";
    box.hidden = true;
    const width = () => Math.max(Math.floor(place.parentElement.clientWidth), 260);
    const height = () => Math.round(chart.height_px * (width() < 560 ? 0.9 : 1));
    const isLabelled = chart.series.some((series) => series.is_labelled);
    const extent = (span) => (self, low, high) => (low === null || low === undefined ? [span.low, span.high] : [low, high]);
    const options = {
      width: width(),
      height: height(),
      padding: [isNamed(chart) ? 44 : 30, isLabelled ? 52 : 22, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, distr: chart.x.scale === "log" ? 3 : 1, auto: false, min: chart.x.low, max: chart.x.high, range: extent(chart.x) },
        y: { distr: chart.y.scale === "log" ? 3 : 1, auto: false, min: chart.y.low, max: chart.y.high, range: () => [chart.y.low, chart.y.high] },
      },
      cursor: { drag: { x: chart.is_zoomed, y: false }, points: { show: false }, x: true, y: false },
      axes: [axis(chart.x, "x", me), axis(chart.y, "y", me)],
      series: [{}, ...chart.series.map((series) => ({
        label: series.label,
        stroke: () => colour(series.tone),
        width: series.shape === "dashed" ? 1.4 : 2,
        dash: series.shape === "dashed" ? [5, 4] : undefined,
        paths: !isLine(series.shape) ? () => null : series.shape === "steps" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
        points: { show: false },
      }))],
      hooks: {
        init: [(self) => { plot = self; self.root.append(box); }],
        drawClear: [(self) => under(chart, self)],
        draw: [(self) => over(chart, self)],
        setCursor: [(self) => tip(chart, self, hints, box)],
      },
    };
    plot = new uPlot(options, table, place);
    plot.setScale("x", { min: chart.x.low, max: chart.x.high });
    place.classList.add("drawn");
    plot.over.addEventListener("dblclick", () => plot.setScale("x", { min: chart.x.low, max: chart.x.high }));
    return { chart, plot, resize: () => { if (width() !== plot.width) plot.setSize({ width: width(), height: height() }); } };
  }

  function draw(data) {
    latest = data;
    for (const { plot } of drawn) plot.destroy();
    drawn = [];
    for (const chart of data.charts) {
      const place = document.querySelector(`[data-chart="${chart.id}"]`);
      if (place) drawn.push(chartOf(chart, place));
    }
  }

  draw(JSON.parse(document.getElementById("data").textContent));
  let waiting = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => drawn.forEach((one) => one.resize()));
  });
  // A part that somebody looks at closely stays in sight.
  function drawAgain(data) {
    const zoomed = drawn.filter(({ chart, plot }) => plot.scales.x.min !== chart.x.low || plot.scales.x.max !== chart.x.high)
      .map(({ chart, plot }) => [chart.id, plot.scales.x.min, plot.scales.x.max]);
    draw(data);
    for (const [id, min, max] of zoomed) drawn.find(({ chart }) => chart.id === id && chart.is_zoomed)?.plot.setScale("x", { min, max });
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAgain(latest));
  globalThis.plimsoll = { drawAgain };
})();
