// Finds [data-chart], draws the option that lies in it as JSON, and keeps it in step with theme, width and navigation.
// Roles ("@accent", "@accent/26") become the theme's colors, names ("@money") become the formatters below.
// It needs no WASM: a page reads and draws before the application is there. The few other helpers of plain forms are here too.

import { sweepLive } from "./live.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const THIN = "\u202f";
const NARROW = 560;
const BAND = "band";
const watched = new Map();
const drawn = new WeakMap();

const minus = (text) => text.replace("-", "−");
const grouped = (number, digits) => minus(number.toFixed(digits)).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const day = (iso) => `${Number(iso.slice(8))} ${MONTHS[Number(iso.slice(5, 7)) - 1]} ${iso.slice(0, 4)}`;

/** `step`: the distance of neighbours on the axis, which must not read the same. */
function short(number, step) {
  const [unit, letter] = [[1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([unit]) => Math.abs(number) >= unit) ?? [1, ""];
  const digits = Math.min(3, Math.max(1, Math.ceil(-Math.log10(step / unit))));
  return minus(`${+(number / unit).toFixed(digits)}${letter}`);
}

/** Roughly how far an axis' labels are from each other. */
function stepOf(option) {
  const values = option.series.slice(0, 2).flatMap(({ data }) => data.filter((value) => typeof value === "number"));
  const span = values.reduce((most, value) => Math.max(most, value), -Infinity) - values.reduce((least, value) => Math.min(least, value), Infinity);
  return span > 0 ? span / 6 : 1;
}

const percent = (fraction, digits) => minus(`${+(fraction * 100).toFixed(digits)}${THIN}%`);
const signed = (fraction) => {
  const text = grouped(fraction * 100, 2);
  return `${fraction > 0 ? "+" : ""}${text}${THIN}%`;
};

/** A tooltip as elements: a name is text in it and can't become markup. */
function tip(points, show) {
  const box = document.createElement("div");
  const line = (name, value) => {
    const row = box.appendChild(document.createElement("p"));
    row.append(name, Object.assign(document.createElement("b"), { textContent: value }));
  };
  box.className = "tip";
  box.append(Object.assign(document.createElement("b"), { textContent: day(points[0].axisValue) }));
  for (const { seriesName, value } of points) {
    const isFlow = seriesName === "Deposit" || seriesName === "Withdrawal";
    const number = Array.isArray(value) ? value[1] : value;
    if (isFlow) line(seriesName, "");
    else if (typeof number === "number" && seriesName !== BAND) line(seriesName, show(number));
  }
  return box;
}

function formatters(option) {
  const unit = option.hints?.unit ?? "";
  const step = stepOf(option);
  return {
    "@money": (number) => short(number, step),
    "@percent": (fraction) => percent(fraction, 1),
    "@number": (number) => minus(`${+number.toFixed(3)}`),
    "@tip-money": (points) => tip(points, (value) => `${grouped(value, 2)} ${unit}`),
    "@tip-percent": (points) => tip(points, signed),
    "@tip-number": (points) => tip(points, (value) => grouped(value, 2)),
  };
}

/** The theme's color of a role as rgb: ECharts reads neither oklch nor light-dark(). */
function colors() {
  const probe = document.createElement("i");
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  document.body.append(probe);
  const known = new Map();
  const color = (role) => {
    if (known.has(role)) return known.get(role);
    const [name, opacity] = role.slice(1).split("/");
    probe.style.color = `var(--${name})`;
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
    const text = `rgba(${r},${g},${b},${opacity ? Number(opacity) / 100 : 1})`;
    known.set(role, text);
    return text;
  };
  return { color, done: () => probe.remove() };
}

/** Two invisible lines on each other, the area of the upper one filling what lies between two series: gain, or its lack. */
function band([upper, lower], series, color) {
  const [top, bottom] = [series[upper].data, series[lower].data];
  const height = top.map((value, index) => (value === null ? null : value - bottom[index]));
  const line = { type: "line", name: BAND, stack: BAND, stackStrategy: "all", symbol: "none", silent: true, lineStyle: { opacity: 0 }, z: 1 };
  const fade = [0.26, 0.05].map((opacity, offset) => ({ offset, color: color(`@accent/${opacity * 100}`) }));
  const areaStyle = { origin: "auto", color: { type: "linear", x: 0, y: 0, x2: 0, y2: 1, colorStops: fade } };
  return [{ ...line, data: bottom }, { ...line, data: height, areaStyle }];
}

/** A copy of the option with functions and colors in the place of names and roles. */
function themed(option, width) {
  const named = formatters(option);
  const { color, done } = colors();
  const walk = (value, key) => {
    if (Array.isArray(value)) return key === "data" ? value : value.map((each) => walk(each, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, walk(each, name)]));
    }
    if (typeof value !== "string" || value[0] !== "@") return value;
    return key === "formatter" ? (named[value] ?? value) : color(value);
  };
  const full = walk(option, "");
  if (option.hints?.between) full.series = [...full.series, ...band(option.hints.between, full.series, color)];
  const x = [full.xAxis].flat()[0];
  const y = [full.yAxis].flat()[0];
  const isNarrow = width < NARROW;
  Object.assign(x.axisLabel, dateTicks(x.data, width), { showMinLabel: null, hideOverlap: true });
  Object.assign(y, { splitNumber: isNarrow ? 4 : 6 }, "top" in (option.hints ?? {}) ? { max: option.hints.top } : {});
  full.grid = [full.grid].flat().map((grid) => ({ ...grid, right: isNarrow ? 48 : 60 }));
  full.tooltip = {
    ...[full.tooltip].flat()[0],
    confine: true,
    transitionDuration: 0,
    padding: [8, 12],
    textStyle: { color: color("@ink"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
  };
  full.textStyle = { fontFamily: getComputedStyle(document.body).fontFamily };
  full.animation = false;
  delete full.hints;
  done();
  return full;
}

/** Labels where a day, month, quarter or year begins, as many as the width has room for. */
function dateTicks(dates, width) {
  const room = Math.max(3, Math.floor(width / 70));
  const starts = (key) => {
    const found = new Set();
    dates.forEach((date, index) => index > 0 && key(date) !== key(dates[index - 1]) && found.add(index));
    return found;
  };
  const month = (date) => date.slice(0, 7);
  const part = (months) => (date) => date.slice(0, 4) + Math.floor((Number(date.slice(5, 7)) - 1) / months);
  const tries = [month, part(2), part(3), part(6), (date) => date.slice(0, 4)];
  const months = starts(month);
  if (months.size < 2) {
    const step = Math.max(1, Math.ceil(dates.length / room));
    return { interval: (index) => index > 0 && index % step === 0, formatter: (date) => `${Number(date.slice(8))} ${MONTHS[Number(date.slice(5, 7)) - 1]}` };
  }
  const chosen = tries.map(starts).find((set) => set.size <= room) ?? starts((date) => date.slice(0, 3));
  const isLong = dates.at(-1).slice(0, 4) - dates[0].slice(0, 4) > 1;
  const name = (date) => (isLong || date.slice(5, 7) === "01" ? date.slice(0, 4) : MONTHS[Number(date.slice(5, 7)) - 1]);
  const text = (date) => (isLong && date.slice(5, 7) !== "01" ? `${MONTHS[Number(date.slice(5, 7)) - 1]} ${date.slice(2, 4)}` : name(date));
  return { interval: (index) => chosen.has(index), formatter: text };
}

/** Draws one chart if it has a width; hidden ones are drawn when they are shown. */
async function draw(box) {
  const canvas = box.querySelector(".canvas");
  const json = optionOf(box);
  if (!canvas || !json || !canvas.clientWidth) return;
  drawn.set(box, json);
  const { getInstanceByDom, init } = await import("./echarts.js");
  if (!box.isConnected) return;
  const chart = getInstanceByDom(canvas) ?? init(canvas, null, { renderer: "svg" });
  chart.resize();
  chart.setOption(themed(JSON.parse(json), canvas.clientWidth), { notMerge: true });
}

function watch(box) {
  let width = 0;
  const observer = new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now !== width) {
      width = now;
      draw(box);
    }
  });
  observer.observe(box);
  watched.set(box, observer);
}

const optionOf = (box) => box.querySelector("script")?.textContent ?? "";

/** Charts that came are watched, charts that went are disposed of, charts whose data changed are drawn again. */
function sweep() {
  for (const [box, observer] of watched) {
    if (box.isConnected) {
      if (drawn.get(box) !== undefined && drawn.get(box) !== optionOf(box)) draw(box);
      continue;
    }
    observer.disconnect();
    watched.delete(box);
    const canvas = box.querySelector(".canvas");
    import("./echarts.js").then(({ getInstanceByDom }) => canvas && getInstanceByDom(canvas)?.dispose());
  }
  sweepLive();
  for (const box of document.querySelectorAll("[data-chart]")) if (!watched.has(box)) watch(box);
}

const redraw = () => watched.forEach((_, box) => draw(box));

let isSweeping = false;
new MutationObserver((changes) => {
  // What ECharts draws itself is no news.
  if (isSweeping || changes.every(({ target }) => target.parentElement?.closest(".canvas") || target.className === "canvas")) return;
  isSweeping = true;
  requestAnimationFrame(() => {
    isSweeping = false;
    sweep();
  });
}).observe(document.documentElement, { childList: true, subtree: true });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
// After the first paint: numbers first.
requestAnimationFrame(() => setTimeout(sweep));

// What an arrow key picks in a closed list is only passed by: it is sent with Enter, or when the list is left.
let lastKey = "";
let passedBy = null;
const sendPassed = () => {
  const { form } = passedBy;
  passedBy = null;
  form.requestSubmit();
};
document.addEventListener("pointerdown", () => (lastKey = ""), true);
document.addEventListener("keydown", ({ key, target }) => {
  lastKey = target.matches?.("[data-autosubmit] select") ? key : "";
  if (key === "Enter" && passedBy === target) sendPassed();
});
document.addEventListener("focusout", ({ target }) => {
  if (passedBy === target) sendPassed();
});

// A page that Back brings from the browser's memory has the choice that left it: it shows its own again.
window.addEventListener("pageshow", () => {
  passedBy = null;
  for (const form of document.querySelectorAll("form[data-autosubmit]")) form.reset();
});

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.closest("[data-autosubmit]")) {
    if (lastKey === "" || lastKey === "Enter") field.form.requestSubmit();
    else passedBy = field;
  }
  if (field.closest("[data-theme-choice]")) {
    const chosen = field.value === "system" ? "" : field.value;
    document.cookie = `theme=${chosen};path=/;max-age=${chosen ? 31536000 : 0};samesite=lax`;
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    redraw();
  }
  if (field.dataset.readsInto && field.files?.[0]) {
    field.files[0].text().then((text) => (document.getElementById(field.dataset.readsInto).value = text));
  }
});

// A panel beside a figure closes with Escape and by a click elsewhere; that one is open at a time its name sees to.
const close = (panel) => panel.removeAttribute("open");
document.addEventListener("click", ({ target }) => {
  for (const panel of document.querySelectorAll("details.why[open]")) if (!panel.contains(target)) close(panel);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const panel of document.querySelectorAll("details.why[open]")) {
    if (panel.contains(document.activeElement)) panel.querySelector("summary").focus();
    close(panel);
  }
});

// Before the application hears of it: capture.
document.addEventListener(
  "submit",
  (event) => {
    const question = event.submitter?.dataset.confirm;
    if (question && !confirm(question)) {
      event.preventDefault();
      event.stopPropagation();
    }
  },
  true,
);
