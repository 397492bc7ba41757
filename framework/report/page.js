// Draws the report from the JSON in #data, whose format is described in docs/report.md. Names and values in it come
// from files that anybody may have written: they reach the page as text only (textContent, or escaped for plotly).
(() => {
  "use strict";

  const data = JSON.parse(document.getElementById("data").textContent);
  /// A key called "constructor" must not find what every object inherits.
  const bare = (object) => ({ __proto__: null, ...object });
  const runs = data.runs.map((run) => ({
    ...run,
    series: bare(run.series),
    milestones: bare(run.milestones),
    settings: bare(run.settings),
  }));

  /// What curves are drawn against: key of metrics.jsonl, its name, and the axis' title.
  const abscissas = [
    ["round", "rounds", "round"],
    ["uplink_bits_per_worker", "bits up per worker", "uplink, bits per worker"],
    ["uplink_floats_per_worker", "floats up per worker", "uplink, floats per worker (values only)"],
    ["downlink_bits_per_worker", "bits down per worker", "downlink, bits per worker"],
    ["wire_bytes", "bytes on the wire", "on the wire, bytes"],
    ["seconds", "seconds", "time, seconds"],
  ].map(([key, name, title]) => ({ key, name, title }));

  const titles = bare({
    grad_norm_sq: "‖∇f(x)‖²",
    f: "f(x)",
    skipped: "Workers that skipped the round",
    G: "G, the mean of ‖gᵢ − ∇fᵢ(x)‖²",
    aggregate_error: "‖g − ∇f(x)‖²",
    inequality_lhs: "The three point inequality: left and right side",
  });

  /// The colours of curves were searched for: with any of the usual kinds of colour blindness all eight differ by 25 or
  /// more in CIELAB, and from the paper by a contrast of 3. The browser tests measure it.
  const themes = {
    light: {
      text: "#1c2330",
      faint: "#5b6577",
      grid: "#e4e8ee",
      minor: "#f2f4f7",
      paper: "#ffffff",
      curves: ["#1758c6", "#a92400", "#063922", "#530475", "#c08c0f", "#1fa2c1", "#9b246e", "#9c938b"],
    },
    dark: {
      text: "#e4e9f1",
      faint: "#9aa6b8",
      grid: "#2c3543",
      minor: "#212934",
      paper: "#191f28",
      curves: ["#95afe3", "#cf5933", "#42bc82", "#9168d3", "#fbd25f", "#a8f6ff", "#bd5c91", "#edf6d2"],
    },
  };
  /// Neighbours differ in dash and colour, so that who confuses two colours still tells their curves apart; dots are
  /// left to bounds.
  const dashes = ["solid", "dash", "dashdot", "longdash"];
  const styles = dashes.length * themes.light.curves.length;
  const mostFigures = 64;
  const runsAcrossPaper = 5;

  const state = {
    x: abscissas[0],
    xScale: "linear", // chosen anew when the page opens
    hidden: new Set([...runs.keys()].slice(styles)),
    theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
    tolerance: NaN,
    printing: false,
  };

  // Numbers and text.

  const finite = (value) => typeof value === "number" && Number.isFinite(value);
  const series = (run, key) => run.series[key] ?? [];
  const last = (values) => values.findLast(finite);
  const shortened = (text, longest = 60) => (text.length > longest ? text.slice(0, longest - 1) + "…" : text);
  /// plotly reads a few tags and entities in its texts.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

  /// Of all runs.
  const lowestF = (() => {
    let lowest = Infinity;
    for (const run of runs) for (const value of series(run, "f")) if (finite(value) && value < lowest) lowest = value;
    return lowest;
  })();

  function digits(value, count = 4) {
    if (!finite(value)) return "—";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e-3 && size < 1e6) return String(Number(value.toPrecision(count)));
    return Number(value.toPrecision(count)).toExponential().replace("e+", "e");
  }

  function withUnit(value, unit) {
    if (!finite(value)) return "—";
    const prefixes = ["", "k", "M", "G", "T", "P"];
    const power = Math.min(prefixes.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
    return `${digits(value / 1000 ** power)} ${prefixes[power]}${unit}`;
  }

  const whole = (value) => (finite(value) ? String(value) : "—");
  const bits = (value) => withUnit(value, "bit");
  const bytes = (value) => withUnit(value, "B");
  const seconds = (value) => (finite(value) ? `${digits(value, 3)} s` : "—");

  // Elements.

  function element(tag, properties = {}, ...children) {
    const out = document.createElement(tag);
    for (const [name, value] of Object.entries(properties))
      name in out ? (out[name] = value) : out.setAttribute(name, value);
    out.append(...children);
    return out;
  }

  const find = (selector) => document.querySelector(selector);

  const curveColor = (i, theme) => themes[theme].curves[i % themes[theme].curves.length];
  const curveDash = (i, theme) => dashes[(i + Math.floor(i / themes[theme].curves.length)) % dashes.length];

  /// A short piece of the run's curve.
  function swatch(i) {
    const space = "http://www.w3.org/2000/svg";
    const out = document.createElementNS(space, "svg");
    out.setAttribute("class", "swatch");
    const line = document.createElementNS(space, "line");
    const strokes = { solid: "none", dash: "7 4", dashdot: "7 3 2 3", longdash: "12 4" };
    const attributes = { x1: 0, x2: 22, y1: 5, y2: 5, "stroke-width": 3, stroke: curveColor(i, state.theme) };
    attributes["stroke-dasharray"] = strokes[curveDash(i, state.theme)];
    for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, value);
    out.append(line);
    return out;
  }

  /// Two buttons of which one is pressed.
  function scaleSwitch(container, current, choose) {
    container.classList.add("scale");
    container.replaceChildren(
      ...["log", "linear"].map((scale) =>
        element("button", {
          type: "button",
          textContent: scale,
          "data-scale": scale,
          "aria-pressed": String(scale === current()),
          onclick: () => {
            choose(scale);
            for (const button of container.children)
              button.setAttribute("aria-pressed", String(button.dataset.scale === current()));
          },
        }),
      ),
    );
  }

  // Files.

  function download(name, blob) {
    const url = URL.createObjectURL(blob);
    element("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  /// RFC 4180. A spreadsheet would run a text that begins like a formula, so such a text gets a quotation mark first.
  function csvCell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  }

  const csvBlob = (rows) =>
    new Blob([rows.map((row) => row.map(csvCell).join(",") + "\r\n").join("")], { type: "text/csv;charset=utf-8" });

  // Figures.

  /// The key of what bounds it.
  const boundOf = (key) => key.replace(/_error(?=\.|$)/, "_bound").replace(/_lhs(?=\.|$)/, "_rhs");

  /// The keys of each figure: one, or a pair of which the second is the bound of the first.
  function figureKeys() {
    const axes = ["grad_norm", ...abscissas.map(({ key }) => key)];
    const present = new Set(runs.flatMap((run) => Object.keys(run.series)).filter((key) => !axes.includes(key)));
    const bounded = [...present].filter((key) => boundOf(key) !== key);
    const bounds = bounded.map(boundOf);
    const usual = ["grad_norm_sq", "f", "skipped"].filter((key) => present.has(key));
    const others = [...present].filter((key) => !usual.includes(key) && !bounds.includes(key)).sort();
    return [...usual, ...others].map((key) => [...new Set([key, boundOf(key)])].filter((drawn) => present.has(drawn)));
  }

  /// "compression_error.compressor" is about the compressor in that slot.
  function titleOf(keys) {
    const slot = keys[0].match(/^compression_error\.(.+)$/);
    if (slot) return `‖C(v) − v‖² / ‖v‖² of ${slot[1]}`;
    return titles[keys[0]] ?? keys[0];
  }

  const anyValue = (keys, test) =>
    runs.some((run) => keys.some((key) => series(run, key).some((value) => finite(value) && test(value))));

  /// f may be negative, so its logarithmic axis shows the distance to the lowest f of all runs.
  const shift = (figure) => (figure.keys[0] === "f" && figure.scale === "log" ? lowestF : 0);

  function axisTitle(figure) {
    const low = shift(figure);
    if (low !== 0) return `f − lowest f (${digits(low)})`;
    if (figure.keys[0] === "skipped") return "workers";
    return figure.keys.length > 1 ? "value (its bound is dotted)" : plain(figure.title);
  }

  /// The rows of `run` that a curve goes through, and its values there: on a logarithmic axis it is broken where there
  /// is no logarithm, and goes on where a value is unavailable.
  function points(figure, run, key) {
    const values = series(run, key);
    const low = shift(figure);
    const rows = [...values.keys()].filter((row) => finite(values[row]));
    return { rows, y: rows.map((row) => (figure.scale !== "log" || values[row] > low ? values[row] - low : null)) };
  }

  const diverged = (run) => run.summary?.stopped_by === "diverged";

  /// The range of an axis without the runs that diverged, beside which nothing else would be seen; none if all did.
  function frame(scale, valuesOf) {
    const shown = runs.filter((_, i) => !state.hidden.has(i));
    const sound = shown.filter((run) => !diverged(run));
    if (sound.length === shown.length || sound.length === 0) return {};
    const onAxis = (value) => (scale === "log" ? Math.log10(value) : value);
    const values = sound.flatMap(valuesOf).filter(finite).map(onAxis).filter(finite);
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    const margin = 0.06 * (high - low) || 1;
    const begin = scale === "linear" && low >= 0 ? Math.max(0, low - margin) : low - margin;
    return values.length > 0 ? { range: [begin, high + margin] } : {};
  }

  const verticalFrame = (figure) =>
    frame(figure.scale, (run) => figure.keys.flatMap((key) => points(figure, run, key).y));
  const horizontalFrame = (figure) =>
    frame(state.xScale, (run) =>
      figure.keys.flatMap((key) => points(figure, run, key).rows.map((row) => series(run, state.x.key)[row])),
    );

  /// The curves of runs that look alike, one behind the other with a gap between: each trace costs plotly time.
  function joined(figure, alike, key) {
    const out = { x: [], y: [], text: [], customdata: [] };
    for (const i of alike) {
      const run = runs[i];
      const { rows, y } = points(figure, run, key);
      const label = plain(shortened(run.label));
      const [x, round] = [series(run, state.x.key), series(run, "round")];
      rows.forEach((row, at) => {
        out.x.push(x[row]);
        out.y.push(y[at]);
        out.text.push(label);
        out.customdata.push(round[row]);
      });
      for (const values of Object.values(out)) values.push(null);
    }
    return out;
  }

  /// So many on show that nobody tells them apart by their dashes, which are what a browser takes longest to paint.
  const crowded = () => runs.length - state.hidden.size > 2 * styles;

  function curve(figure, alike, key, theme) {
    const all = joined(figure, alike, key);
    const noisy = key === "skipped";
    return {
      type: "scatter",
      ...all,
      name: plain(shortened(alike.map((i) => runs[i].label).join(", "))),
      mode: all.y.filter(finite).length < 25 * alike.length ? "lines+markers" : "lines",
      line: {
        color: curveColor(alike[0], theme),
        dash: key !== figure.keys[0] ? "dot" : crowded() ? "solid" : curveDash(alike[0], theme),
        width: crowded() ? 1 : noisy ? 1.2 : 2,
      },
      marker: { size: 5 },
      opacity: noisy ? 0.85 : 1,
      showlegend: key === figure.keys[0],
      hovertemplate: `<b>%{text}</b><br>%{y:.5~g}<br>${state.x.name} %{x:.5~s}<br>round %{customdata}<extra></extra>`,
    };
  }

  function curves(figure, theme) {
    const out = [];
    for (let style = 0; style < Math.min(styles, runs.length); ++style)
      for (const key of figure.keys) {
        const alike = [];
        for (let i = style; i < runs.length; i += styles) if (!state.hidden.has(i) && runs[i].series[key]) alike.push(i);
        if (alike.length > 0) out.push(curve(figure, alike, key, theme));
      }
    return out;
  }

  function axis(scale, title, theme, more) {
    const colors = themes[theme];
    return {
      type: scale,
      title: { text: title, standoff: 10 },
      gridcolor: colors.grid,
      linecolor: colors.faint,
      zerolinecolor: colors.grid,
      showline: true,
      ticks: "outside",
      tickcolor: colors.faint,
      automargin: true,
      exponentformat: "power",
      minor: scale === "log" ? { showgrid: true, gridcolor: colors.minor } : {},
      ...more,
    };
  }

  /// The tolerance of the table, where ‖∇f‖² is drawn.
  function toleranceLine(figure, theme) {
    if (figure.keys[0] !== "grad_norm_sq" || !finite(state.tolerance)) return [];
    const y = state.tolerance ** 2;
    return [
      {
        type: "line",
        xref: "paper",
        x0: 0,
        x1: 1,
        y0: y,
        y1: y,
        line: { color: themes[theme].faint, width: 1, dash: "dot" },
      },
    ];
  }

  function layout(figure, theme, more) {
    const colors = themes[theme];
    return {
      font: { family: "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", size: 13, color: colors.text },
      paper_bgcolor: colors.paper,
      plot_bgcolor: colors.paper,
      margin: { l: 56, r: 12, t: 12, b: 44 },
      xaxis: axis(state.xScale, state.x.title, theme, {
        rangemode: "nonnegative",
        exponentformat: "SI",
        ...horizontalFrame(figure),
      }),
      yaxis: axis(figure.scale, axisTitle(figure), theme, {
        nticks: 8,
        ...(figure.keys[0] === "skipped" && { rangemode: "tozero" }),
        ...verticalFrame(figure),
      }),
      shapes: toleranceLine(figure, theme),
      hovermode: "closest",
      hoverdistance: 40,
      hoverlabel: { font: { size: 13 } },
      // A finger that drags scrolls the page; the buttons still zoom.
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      showlegend: false,
      // Zoom survives hiding a run, not another axis.
      uirevision: [state.x.key, state.xScale, figure.scale].join(),
      ...more,
    };
  }

  function draw(figure) {
    const theme = state.printing ? "light" : state.theme;
    // The page is about 180 mm wide when printed; nothing measures it in time.
    const size = state.printing ? { width: 680, height: 250, autosize: false } : { autosize: true };
    return Plotly.react(figure.plot, curves(figure, theme), layout(figure, theme, size), {
      // Without these two plotly offers to upload the data.
      showSendToCloud: false,
      plotlyServerURL: "",
      responsive: true,
      displaylogo: false,
      modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d"],
    });
  }

  /// Seen, or nearly.
  function isNear(figure) {
    const { top, bottom } = figure.plot.getBoundingClientRect();
    return bottom > -0.1 * innerHeight && top < 1.1 * innerHeight;
  }

  /// Figures further away are drawn when the reader comes near them.
  function drawAll() {
    for (const figure of figures) figure.isStale = true;
    return drawStale();
  }

  function drawStale() {
    const due = figures.filter((figure) => figure.isStale && (state.printing || isNear(figure)));
    for (const figure of due) figure.isStale = false;
    return Promise.all(due.map(draw));
  }

  const fileName = (figure, ending) => `${figure.keys[0].replace(/[^\w-]+/g, "_")}-${state.x.key}.${ending}`;

  /// For papers and slides: light, with a legend, the size of a column and a half.
  async function exportImage(figure, format) {
    const picture = {
      data: curves(figure, "light"),
      layout: layout(figure, "light", {
        showlegend: true,
        legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
        margin: { l: 60, r: 16, t: 24, b: 48 },
      }),
    };
    const url = await Plotly.toImage(picture, { format, width: 720, height: 450, scale: format === "png" ? 3 : 1 });
    download(fileName(figure, format), imageBlob(url, format));
  }

  /// What a data: URL holds; to fetch it the page would need leave to connect.
  function imageBlob(url, format) {
    const content = url.slice(url.indexOf(",") + 1);
    if (format === "svg") return new Blob([decodeURIComponent(content)], { type: "image/svg+xml" });
    return new Blob([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], { type: "image/png" });
  }

  function exportCsv(figure) {
    const keys = [...new Set(["round", state.x.key, ...figure.keys])];
    const rows = [["run", ...keys]];
    runs.forEach((run, i) => {
      if (state.hidden.has(i)) return;
      series(run, "round").forEach((_, row) => rows.push([run.label, ...keys.map((key) => series(run, key)[row])]));
    });
    download(fileName(figure, "csv"), csvBlob(rows));
  }

  function buildFigure(keys, index) {
    const positive = anyValue(keys, (value) => value > 0) && !anyValue(keys, (value) => value < 0);
    const figure = {
      keys,
      title: titleOf(keys),
      scale: keys[0] === "f" || (positive && keys[0] !== "skipped") ? "log" : "linear",
    };
    figure.plot = element("div", { className: "plot" });
    const scale = element("span", { role: "group", "aria-label": "Scale of the vertical axis" });
    scaleSwitch(
      scale,
      () => figure.scale,
      (chosen) => {
        figure.scale = chosen;
        draw(figure);
      },
    );
    const button = (name, title, onclick) =>
      element("button", { type: "button", textContent: name, title, "data-export": name.toLowerCase(), onclick });
    const exports = element(
      "span",
      { className: "exports" },
      button("PNG", "Save as a picture", () => exportImage(figure, "png")),
      button("SVG", "Save as vector graphics, for papers", () => exportImage(figure, "svg")),
      button("CSV", "Save the drawn values", () => exportCsv(figure)),
    );
    const article = element(
      "article",
      { className: index === 0 ? "figure wide" : "figure", "data-key": keys[0] },
      element("header", {}, element("h2", { textContent: figure.title }), scale, exports),
      figure.plot,
    );
    find("#figures").append(article);
    return figure;
  }

  // The table.

  /// The last value that the run wrote, from the summary or the curve.
  const result = (run, key) => run.summary?.[key] ?? last(series(run, key));

  /// Milestones are known for all tolerances of two digits.
  const costOf = (key) => (run) => {
    const reached = (run.milestones.tolerance ?? []).findIndex((tolerance) => tolerance <= state.tolerance);
    return run.milestones[key]?.[reached];
  };

  /// Which plugin, before how it is set.
  function byImportance(a, b) {
    const [table, other] = [a, b].map((key) => key.split(".")[0]);
    if (table !== other) return table < other ? -1 : 1;
    const rank = (key) => (key.endsWith(".plugin") ? 0 : 100) + key.split(".").length;
    return rank(a) - rank(b) || (a < b ? -1 : 1);
  }

  /// A column: what it belongs to, its head, the value of a run, and how that is written.
  function columns() {
    const setting = (key) => ({
      group: "differs in",
      head: key,
      text: true,
      value: (run) => run.settings[key]?.replace(/^"(.*)"$/, "$1"),
    });
    const cost = (head, key, show) => ({
      group: `to ‖∇f‖ ≤ ${digits(state.tolerance)}`,
      head,
      value: costOf(key),
      show,
      best: true,
    });
    const final = (head, key, show = digits) => ({ group: "at the end", head, value: (run) => result(run, key), show });
    return [
      cost("rounds", "round", whole),
      cost("up per worker", "uplink_bits_per_worker", bits),
      cost("down per worker", "downlink_bits_per_worker", bits),
      cost("time", "seconds", seconds),
      ...[...data.differing].sort(byImportance).map(setting),
      {
        group: "at the end",
        head: "stopped by",
        text: true,
        value: (run) => run.summary?.stopped_by ?? "not finished",
      },
      final("rounds", "round", whole),
      final("‖∇f‖", "grad_norm"),
      final("f", "f", (value) => digits(value, 6)),
      final("up per worker", "uplink_bits_per_worker", bits),
      final("down per worker", "downlink_bits_per_worker", bits),
      final("evaluation per worker", "evaluation_bits_per_worker", bits),
      final("on the wire", "wire_bytes", bytes),
      final("time", "seconds", seconds),
      final("step size", "stepsize"),
      { group: "at the end", head: "hash of x", text: true, code: true, value: (run) => run.summary?.x_hash },
    ];
  }

  /// A key path that may be broken after its dots.
  const breakable = (text) => text.split(/(?<=\.)/).flatMap((part) => [part, element("wbr")]);

  const cellText = (column, value) => (column.show ? column.show(value) : String(value ?? "—"));
  const startsGroup = (all, i) => i === 0 || all[i].group !== all[i - 1].group;

  function tableHead(all) {
    const groups = element("tr", {}, element("th"));
    all.forEach((column, i) => {
      if (!startsGroup(all, i)) return;
      groups.append(
        element("th", {
          className: "group",
          colSpan: all.filter(({ group }) => group === column.group).length,
          scope: "colgroup",
          textContent: column.group,
        }),
      );
    });
    const heads = all.map((column, i) =>
      element(
        "th",
        { className: [startsGroup(all, i) && "first", column.text && "text"].filter(Boolean).join(" "), scope: "col" },
        ...breakable(column.head),
      ),
    );
    return element(
      "thead",
      {},
      groups,
      element("tr", {}, element("th", { scope: "col", textContent: "run" }), ...heads),
    );
  }

  /// The cells in which less is better, a list for every such column; `value` is the cell's.
  let compared = [];

  /// Of the runs on show, what needs the least is bold.
  function markBest() {
    for (const cells of compared) {
      const shown = cells.filter(({ i, value }) => !state.hidden.has(i) && finite(value));
      const least = shown.length > 1 ? shown.reduce((low, { value }) => Math.min(low, value), Infinity) : NaN;
      for (const { cell, value } of cells) cell.classList.toggle("best", value === least);
    }
  }

  function tableCell(i, all, j) {
    const column = all[j];
    const value = column.value(runs[i]);
    const text = cellText(column, value);
    const names = [column.text && "text", column.code && "code", startsGroup(all, j) && "first"];
    const cell = element("td", { className: names.filter(Boolean).join(" "), title: text, textContent: text });
    if (column.best) (compared[j] ??= []).push({ cell, i, value });
    return cell;
  }

  const runHead = (run, i, scope) => element("th", { scope, title: run.folder }, swatch(i), run.label);

  const tableRow = (run, i, all) =>
    element("tr", {}, runHead(run, i, "row"), ...all.map((_, j) => tableCell(i, all, j)));

  /// A run a column, for as many as fit on paper.
  function printedRows(shown, all) {
    const rows = [element("tr", {}, element("th"), ...shown.map((i) => runHead(runs[i], i, "col")))];
    all.forEach((column, j) => {
      if (startsGroup(all, j))
        rows.push(
          element(
            "tr",
            {},
            element("th", { className: "group", colSpan: shown.length + 1, textContent: column.group }),
          ),
        );
      rows.push(
        element(
          "tr",
          {},
          element("th", { scope: "row" }, ...breakable(column.head)),
          ...shown.map((i) => tableCell(i, all, j)),
        ),
      );
    });
    return rows;
  }

  function printedTables(all) {
    const shown = [...runs.keys()].filter((i) => !state.hidden.has(i));
    const starts = [...shown.keys()].filter((at) => at % runsAcrossPaper === 0);
    return starts.map((at) =>
      element("table", {}, element("tbody", {}, ...printedRows(shown.slice(at, at + runsAcrossPaper), all))),
    );
  }

  function drawTable() {
    const all = columns();
    compared = [];
    const rows = () => runs.map((run, i) => tableRow(run, i, all));
    const tables = state.printing
      ? printedTables(all)
      : [element("table", {}, tableHead(all), element("tbody", {}, ...rows()))];
    find("#table .scroll").replaceChildren(...tables);
    showVisibility();
  }

  function exportTable() {
    const all = columns();
    const rows = [["run", "folder", ...all.map(({ group, head }) => `${group}: ${head}`)]];
    for (const run of runs) rows.push([run.label, run.folder, ...all.map(({ value }) => value(run))]);
    download("runs.csv", csvBlob(rows));
  }

  /// The smallest 1, 2 or 5 times a power of ten that all runs with curves reach, those aside that diverged.
  function usualTolerance() {
    const lowest = runs
      .filter((run) => !diverged(run))
      .map((run) => run.milestones.tolerance?.at(-1))
      .filter((value) => finite(value) && value > 0);
    if (lowest.length === 0) return NaN;
    const needed = Math.max(...lowest);
    const exponent = Math.floor(Math.log10(needed));
    return [1, 2, 5, 10].map((factor) => Number(`${factor}e${exponent}`)).find((tolerance) => tolerance >= needed);
  }

  // Controls.

  function hide(hidden) {
    state.hidden = hidden;
    showVisibility();
    drawAll();
  }

  function toggle(i) {
    const hidden = new Set(state.hidden);
    if (!hidden.delete(i)) hidden.add(i);
    hide(hidden);
  }

  const showOnly = (i) => hide(new Set([...runs.keys()].filter((other) => other !== i)));

  function showVisibility() {
    [...find("#legend").children].forEach((button, i) =>
      button.setAttribute("aria-pressed", String(!state.hidden.has(i))),
    );
    if (!state.printing)
      [...find("tbody").children].forEach((row, i) => row.classList.toggle("hidden", state.hidden.has(i)));
    markBest();
  }

  function buildLegend() {
    find("#legend").replaceChildren(
      ...runs.map((run, i) =>
        element(
          "button",
          {
            type: "button",
            title: `${run.folder}\nClick to show or hide, double-click to show no other.`,
            onclick: () => toggle(i),
            ondblclick: () => showOnly(i),
          },
          swatch(i),
          element("span", { textContent: run.label }),
        ),
      ),
    );
    find("#show").hidden = runs.length <= dashes.length;
    find("#show-all").onclick = () => hide(new Set());
    find("#show-none").onclick = () => hide(new Set(runs.keys()));
  }

  /// Bits are what compression saves; runs whose costs are far apart need a logarithmic axis to be seen together.
  function chooseAbscissa(usable) {
    state.x = usable.find(({ key }) => key === "uplink_bits_per_worker") ?? usable[0];
    const ends = runs.map((run) => last(series(run, state.x.key))).filter((value) => value > 0);
    state.xScale = Math.max(...ends) > 20 * Math.min(...ends) ? "log" : "linear";
  }

  function buildAbscissas() {
    const usable = abscissas.filter(({ key }) => key === "round" || anyValue([key], (value) => value > 0));
    chooseAbscissa(usable);
    find("#x-key").replaceChildren(
      ...usable.map(({ key, name }) => element("option", { value: key, textContent: name })),
    );
    find("#x-key").value = state.x.key;
    find("#x-key").onchange = (event) => {
      state.x = usable.find(({ key }) => key === event.target.value);
      drawAll();
    };
    scaleSwitch(
      find("#x-scale"),
      () => state.xScale,
      (chosen) => {
        state.xScale = chosen;
        drawAll();
      },
    );
  }

  function buildTolerance() {
    state.tolerance = usualTolerance();
    const input = find("#tolerance");
    input.value = finite(state.tolerance) ? String(state.tolerance) : "";
    input.onchange = () => {
      const value = Number(Number(input.value).toPrecision(2));
      const valid = finite(value) && value > 0;
      input.setCustomValidity(valid ? "" : "A number above 0, such as 1e-3");
      input.reportValidity();
      if (!valid) return;
      input.value = String(value);
      state.tolerance = value;
      drawTable();
      drawAll();
    };
  }

  const note = (about, text) =>
    find("#notes").append(element("p", { className: "note" }, element("strong", { textContent: about + ": " }), text));

  function buildNotes() {
    if (runs.length > styles)
      note(
        "Many runs",
        `the first ${styles} of ${runs.length} are on show, which is as many as there are colours and dashes; ` +
          "click others to show them.",
      );
    if (leftOut > 0) note("Many keys", `the first ${mostFigures} are drawn; ${leftOut} others are left out.`);
    if (runs.some(diverged) && !runs.every(diverged))
      for (const run of runs.filter(diverged))
        run.notes.push("Diverged; double-click a figure to see all of its curve.");
    for (const [text, about] of sameNotes()) note(about.length > 3 ? `${about.length} runs` : about.join(", "), text);
  }

  /// Each note with the labels of the runs that have it.
  function sameNotes() {
    const labels = new Map();
    for (const run of runs)
      for (const text of run.notes) labels.has(text) ? labels.get(text).push(run.label) : labels.set(text, [run.label]);
    return labels;
  }

  function buildSettings() {
    const known = runs.filter((run) => Object.keys(run.settings).length > 0);
    const shared = Object.entries(known[0]?.settings ?? {}).filter(
      ([key]) => !data.differing.includes(key) && (known.length === 1 || (key !== "run.name" && key !== "run.out")),
    );
    if (known.length === 1) find("#settings summary").textContent = "Settings";
    find("#settings dl").replaceChildren(
      ...shared.map(([key, value]) =>
        element(
          "div",
          {},
          element("dt", { className: "code", textContent: key }),
          element("dd", { className: "code", textContent: value }),
        ),
      ),
    );
    find("#settings").hidden = shared.length === 0;
  }

  function setTheme(theme) {
    state.theme = theme;
    document.documentElement.dataset.theme = theme;
    buildLegend();
    drawTable();
    return drawAll();
  }

  function followSystemTheme() {
    find("#theme").onclick = () => setTheme(state.theme === "dark" ? "light" : "dark");
    matchMedia("(prefers-color-scheme: dark)").onchange = (event) => setTheme(event.matches ? "dark" : "light");
  }

  /// Paper is white.
  function followPrinter() {
    const settings = find("#settings");
    let open = false;
    const print = (printing) => {
      state.printing = printing;
      document.documentElement.dataset.theme = printing ? "light" : state.theme;
      if (printing) open = settings.open;
      settings.open = printing || open;
      drawTable();
      drawAll();
    };
    window.addEventListener("beforeprint", () => print(true));
    window.addEventListener("afterprint", () => print(false));
  }

  const count = runs.length === 1 ? runs[0].label : `${runs.length} runs`;
  document.title = `${shortened(count)}: threepc report`;
  find("#subtitle").textContent = `${count}, threepc ${data.threepc_version}`;
  find("#export-table").onclick = exportTable;
  const keysToDraw = figureKeys().filter((keys) => keys[0] !== "skipped" || anyValue(keys, (value) => value !== 0));
  const leftOut = Math.max(0, keysToDraw.length - mostFigures);
  const figures = keysToDraw.slice(0, mostFigures).map(buildFigure);
  const whenNear = new IntersectionObserver(drawStale, { rootMargin: "10%" });
  for (const figure of figures) whenNear.observe(figure.plot);
  buildAbscissas();
  buildTolerance();
  buildNotes();
  buildSettings();
  followSystemTheme();
  followPrinter();
  setTheme(state.theme);
})();
