// Uses the page as a reader would and logs a line for every expectation; browser_test.cpp names what is checked in
// `chosen` and reads the lines from Chromium's log.
(() => {
  const expect = (what, holds, saw = "") => console.log(holds ? `ok: ${what}` : `failed: ${what} ${saw}`);

  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const figure = (key) => one(`.figure[data-key="${key}"]`);
  const curves = (within) => all(".scatterlayer .trace path.js-line", within).map((path) => path.getAttribute("d"));
  const drawn = (within) => curves(within).filter((d) => d && d.length > 20);
  const plot = (key) => one(".plot", figure(key));
  const legend = () => all("#legend button");
  const pause = () => new Promise((done) => setTimeout(done, 50));

  async function until(what, test) {
    for (let i = 0; i < 200 && !test(); ++i) await pause();
    expect(what, test());
  }

  async function press(button) {
    button.click();
    await pause();
  }

  async function drawAgainst(key) {
    one("#x-key").value = key;
    one("#x-key").dispatchEvent(new Event("change"));
    await pause();
  }

  async function saved(button) {
    const before = seen.saved.length;
    button.click();
    for (let i = 0; i < 200 && seen.saved.length === before; ++i) await pause();
    return seen.saved[before] ?? { name: "nothing", blob: new Blob([]) };
  }

  async function drawsCurves() {
    expect("a curve for every run", drawn(figure("grad_norm_sq")).length === 3, drawn(figure("grad_norm_sq")).length);
    for (const key of ["f", "skipped", "G", "compression_error.compressor"])
      expect(`a figure of ${key}`, drawn(figure(key)).length > 0);
    expect(
      "a bound in the figure of what it bounds",
      drawn(figure("compression_error.compressor")).length === 2 && !figure("compression_bound.compressor"),
    );
    expect("opens with bits", one("#x-key").value === "uplink_bits_per_worker", one("#x-key").value);
    expect("a table of three runs", all("tbody tr").length === 3);
    expect("the differences are in the table", one("thead").textContent.includes("mechanism.plugin"));
    expect("the note about the torn line", one("#notes").textContent.includes("torn"));
    expect(
      "nothing is uploaded",
      !all(".modebar-btn").some((button) => /share|cloud|edit/i.test(button.dataset.title)),
    );
  }

  async function togglesRuns() {
    const first = legend()[0];
    await press(first);
    expect(
      "a run can be hidden",
      drawn(figure("grad_norm_sq")).length === 2 && first.getAttribute("aria-pressed") === "false",
    );
    expect("its row is dimmed", one("tbody tr").className === "hidden");
    await press(first);
    expect(
      "and shown again",
      drawn(figure("grad_norm_sq")).length === 3 && first.getAttribute("aria-pressed") === "true",
    );
    first.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await pause();
    expect(
      "one can be shown alone",
      legend()
        .map((button) => button.getAttribute("aria-pressed"))
        .join() === "true,false,false",
    );
    for (const button of legend().slice(1)) await press(button);
    expect("all are back", drawn(figure("grad_norm_sq")).length === 3);
  }

  async function switchesAxes() {
    for (const key of ["grad_norm_sq", "f"]) {
      const before = curves(figure(key)).join();
      for (const scale of ["linear", "log"]) {
        await press(one(`[data-scale="${scale}"]`, figure(key)));
        expect(`${key} on a ${scale} axis`, plot(key).layout.yaxis.type === scale && drawn(figure(key)).length === 3);
        expect(
          `the ${scale} axis of ${key} moves the curve`,
          (curves(figure(key)).join() === before) === (scale === "log"),
        );
      }
    }
    for (const scale of ["log", "linear"]) {
      await press(one(`#x-scale [data-scale="${scale}"]`));
      expect(`a ${scale} horizontal axis`, plot("f").layout.xaxis.type === scale && drawn(figure("f")).length === 3);
    }
    const titles = new Set();
    for (const option of all("#x-key option")) {
      await drawAgainst(option.value);
      titles.add(plot("grad_norm_sq").layout.xaxis.title.text);
      // Runs in threads send nothing over a wire.
      expect(
        `curves against ${option.value}`,
        drawn(figure("grad_norm_sq")).length >= (option.value === "wire_bytes" ? 1 : 2),
      );
    }
    expect("axes to choose from", titles.size === all("#x-key option").length && titles.size >= 5, titles.size);
  }

  async function setsTheTolerance() {
    one("#tolerance").value = "2.5e-1";
    one("#tolerance").dispatchEvent(new Event("change"));
    await pause();
    expect("the table follows the tolerance", one("thead").textContent.includes("0.25"));
    expect("a line at the tolerance", plot("grad_norm_sq").layout.shapes[0].y0 === 0.0625);
  }

  async function colorsOf(blob) {
    const bitmap = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    canvas.drawImage(bitmap, 0, 0);
    return {
      width: bitmap.width,
      colors: new Set(new Uint32Array(canvas.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer)).size,
    };
  }

  async function savesPictures() {
    await drawAgainst("round");
    const png = await saved(one('[data-export="png"]', figure("grad_norm_sq")));
    const { width, colors } = await colorsOf(png.blob);
    expect("a PNG of 2160 pixels", png.name.endsWith(".png") && png.blob.type === "image/png" && width === 2160, width);
    expect("with something on it", colors > 20, colors);
    const svg = await saved(one('[data-export="svg"]', figure("grad_norm_sq")));
    const picture = new DOMParser().parseFromString(await svg.blob.text(), "image/svg+xml");
    expect("an SVG with three curves", svg.name.endsWith(".svg") && drawn(picture).length === 3, drawn(picture).length);
    expect(
      "and its legend",
      ["ef21", "clag", "measured"].every((name) => picture.documentElement.textContent.includes(name)),
    );
  }

  async function savesValues() {
    const csv = await saved(one('[data-export="csv"]', figure("grad_norm_sq")));
    const lines = (await csv.blob.text()).trim().split("\r\n");
    expect("a CSV with a line for every value", lines.length === 1 + 201 + 201 + 3, lines.length);
    expect("and a head", lines[0].startsWith("run,round,") && lines[0].endsWith("grad_norm_sq"), lines[0]);
    expect(
      "whose cells are numbers",
      lines.slice(1).every((line) =>
        line
          .split(",")
          .slice(1)
          .every((cell) => Number.isFinite(Number(cell))),
      ),
    );
    const table = await saved(one("#export-table"));
    expect("the table as CSV", (await table.blob.text()).trim().split("\r\n").length === 4);
  }

  async function hovers(label) {
    Plotly.Fx.hover(plot("grad_norm_sq"), [{ curveNumber: 0, pointNumber: 1 }]);
    await until(`hovering shows ${label}`, () =>
      one(".hoverlayer", figure("grad_norm_sq")).textContent.includes(label),
    );
  }

  async function changesTheme() {
    const before = plot("f").layout.paper_bgcolor;
    await press(one("#theme"));
    expect("another theme", plot("f").layout.paper_bgcolor !== before);
    dispatchEvent(new Event("beforeprint"));
    await pause();
    expect("paper is white", plot("f").layout.paper_bgcolor === "#ffffff" && !one("thead"));
    dispatchEvent(new Event("afterprint"));
    await press(one("#theme"));
    expect("and the first theme again", plot("f").layout.paper_bgcolor === before && one("thead"));
  }

  const checks = {
    async curves() {
      await drawsCurves();
      await togglesRuns();
      await hovers("ef21");
    },
    async axes() {
      await switchesAxes();
      await setsTheTolerance();
    },
    async exports() {
      await savesPictures();
      await savesValues();
    },
    async themes() {
      await changesTheme();
    },
    async hostile() {
      const name = "<b>%{x}&amp;<\/script><script>window.harmed = 1<\/script>";
      expect("the name is shown as it is", legend()[0].textContent.startsWith(name), legend()[0].textContent);
      expect("no element came of it", all("img, b, i").length === 0 && !("harmed" in window));
      await hovers("<b>%{x}&amp;<\/script><script>");
      const svg = await saved(one('[data-export="svg"]', figure("grad_norm_sq")));
      expect("nor in the SVG", !/<(img|script|b)\b/.test(await svg.blob.text()));
      const csv = await (await saved(one('[data-export="csv"]', figure("grad_norm_sq")))).blob.text();
      expect("a CSV quotes it", csv.includes('onerror=""window.harmed = 1""'));
      expect("and is no formula", csv.includes("\r\n'=1+1,") && !csv.includes("\r\n=1+1"));
      expect("still none", all("img").length === 0 && !("harmed" in window));
    },
    async broken() {
      expect("notes", one("#notes").textContent.includes("no metrics yet"));
      expect("a row for every run", all("tbody tr").length === legend().length && legend().length > 0);
      expect("no curve", drawn(document).length === 0);
    },
    async diverged() {
      const top = () => plot("grad_norm_sq").layout.yaxis.range[1];
      expect(
        "the frame is that of the run that did not diverge",
        drawn(figure("grad_norm_sq")).length === 2 && top() < 3,
        top(),
      );
      await drawAgainst("round");
      const { range, type } = plot("grad_norm_sq").layout.xaxis;
      const right = type === "log" ? 10 ** range[1] : range[1];
      expect("sideways, too", right < 1000, right);
      expect("a note says so", one("#notes").textContent.includes("Diverged"));
      expect("it does not choose the tolerance", Number(one("#tolerance").value) === 0.5, one("#tolerance").value);
      await press(legend()[0]);
      expect("alone it is seen whole", top() > 100, top());
    },
    async colors() {
      for (const paper of ["#ffffff", "#191f28"]) {
        if (plot("f").layout.paper_bgcolor !== paper) await press(one("#theme"));
        const colors = all("#legend line").map((line) => line.getAttribute("stroke"));
        expect("eight colours", new Set(colors).size === 8);
        for (const kind of Object.keys(colorBlindness))
          expect(`${kind}: colours differ on ${paper}`, leastDifference(colors, kind) > 25, leastDifference(colors, kind));
        const contrast = Math.min(...colors.map((color) => contrastOf(color, paper)));
        expect(`and from ${paper}`, contrast >= 2.99, contrast);
      }
      const dashes = all("#legend line").map((line) => line.getAttribute("stroke-dasharray"));
      expect("neighbours differ in dash", dashes.every((dash, i) => i === 0 || dash !== dashes[i - 1]));
    },
    async paper() {
      for (const rule of [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]))
        if (rule.media?.mediaText === "print") rule.media.mediaText = "all"; // a window that looks like paper
      dispatchEvent(new Event("beforeprint"));
      await pause();
      const names = all("#table tr:first-child th[scope=col]").map((head) => head.textContent);
      const ends = legend().map((button) => button.getBoundingClientRect().right);
      expect("every name is on the paper", Math.max(...ends) <= 680, Math.max(...ends));
      expect("every run has a column", new Set(names).size === 20 && names.length === 20, names.length);
      expect("a row for every value in every table", new Set(all("#table table").map((t) => t.rows.length)).size === 1);
      const widest = Math.max(...all("#table table").map((table) => table.scrollWidth));
      expect("no table is wider than paper", widest <= 680, widest);
    },
    async many() {
      const shown = () => legend().filter((button) => button.getAttribute("aria-pressed") === "true").length;
      expect("as many as there are styles", shown() === 32 && drawn(figure("grad_norm_sq")).length === 32, shown());
      expect("a note says so", one("#notes").textContent.includes("the first 32 of 70"));
      await press(one("#show-all"));
      expect("all can be shown", shown() === 70 && drawn(figure("grad_norm_sq")).length === 70);
      await press(one("#show-none"));
      expect("and none", shown() === 0 && drawn(figure("grad_norm_sq")).length === 0);
      await press(legend()[69]);
      expect("and the last alone", shown() === 1 && drawn(figure("grad_norm_sq")).length === 1);
    },
    async costs() {
      expect("the lines are thinned", one("#notes").textContent.includes("At most 10000 of 20000 lines"));
      for (const tolerance of [1, 0.37, 0.011]) {
        one("#tolerance").value = String(tolerance);
        one("#tolerance").dispatchEvent(new Event("change"));
        await pause();
        const needed = Math.ceil(Math.log(8 / tolerance) / 0.0005);
        expect(`rounds to ${tolerance}`, one("tbody td").textContent === String(needed), one("tbody td").textContent);
      }
      one("#tolerance").value = "0.01234";
      one("#tolerance").dispatchEvent(new Event("change"));
      expect("tolerances have two digits", one("#tolerance").value === "0.012", one("#tolerance").value);
    },
    async narrow() {
      expect("nothing sticks out", document.documentElement.scrollWidth <= 390, document.documentElement.scrollWidth);
      expect(
        "figures fill the width",
        all(".plot").every((node) => node.clientWidth > 300 && node.clientWidth < 390),
      );
      expect("curves are drawn", drawn(figure("grad_norm_sq")).length === 2);
    },
  };

  async function run() {
    await pause();
    await checks[chosen]();
    const loaded = performance
      .getEntriesByType("resource")
      .map(({ name }) => name)
      .filter((name) => !/^(data|blob):/.test(name));
    expect("nothing was loaded", loaded.length === 0, loaded.join());
    expect("no error", seen.errors.length === 0, seen.errors.join("; "));
  }

  run()
    .catch((error) => expect("no exception", false, error.stack))
    .then(() => console.log("all was checked"));
})();
