// The last turn: where its time went, what it rests on, what was used and what left the device.

const WAITING = ["end of question"];
const SOURCES = { names: "name", imagenet: "thing", finder: "object" };
const BASES = { verbatim: "read", measured: "measured", inferred: "opinion" };

export function showTimeline(place, spans) {
  const first = Math.min(0, ...spans.map((span) => span.start)), last = Math.max(1, ...spans.map((span) => span.end));
  const percent = (ms) => `${(100 * (ms - first)) / (last - first)}%`;
  const step = [50, 100, 200, 500, 1000, 2000, 5000].find((ms) => (last - first) / ms <= 10) ?? 10000;
  const table = element("table", { className: "chart" });
  table.append(element("caption", { className: "hidden", textContent: "Stages in milliseconds after your last word" }));
  for (const { name, start, end } of spans) {
    const moment = start === end, track = element("div", { className: "track" });
    const bar = element("div", { className: moment ? "bar sound" : WAITING.includes(name) ? "bar waiting" : "bar" });
    track.style.setProperty("--tick", `${(100 * step) / (last - first)}%`);
    bar.style.left = percent(start);
    if (!moment) bar.style.width = `${(100 * (end - start)) / (last - first)}%`;
    track.append(bar);
    const row = element("tr"), cell = element("td");
    row.title = moment ? `at ${Math.round(end)} ms` : `from ${Math.round(start)} to ${Math.round(end)} ms`;
    cell.append(track);
    const amount = moment ? `at ${Math.round(end)} ms` : `${Math.round(end - start)} ms`;
    row.append(element("th", { scope: "row", textContent: name }), cell, element("td", { textContent: amount }));
    table.append(row);
  }
  const axis = element("p", { className: "axis" });
  axis.append(element("span", { textContent: "your last word" }), element("span", { textContent: `${Math.round(last)} ms` }));
  place.replaceChildren(table, axis);
}

export function showEvidence(list, boxes, evidence) {
  boxes.replaceChildren(...boxesOf(evidence));
  list.replaceChildren(...evidence.map(({ source, finding, confidence, basis, line }) => {
    const item = element("li");
    const name = element("span", { textContent: finding });
    name.append(element("span", { className: "quiet", textContent: ` ${SOURCES[source] ?? source}, ${BASES[basis] ?? basis}` }));
    if (line && line !== finding) name.append(element("q", { className: "quiet line", textContent: line }));
    item.append(name, element("span", { textContent: `${Math.round(100 * confidence)} %` }));
    return item;
  }));
  if (!evidence.some(({ box }) => box)) {
    list.append(element("li", { className: "quiet", textContent: "It rests on the picture as a whole." }));
  }
}

export function boxesOf(evidence) {
  const placed = evidence.filter(({ box }) => box);
  if (!placed.length) {
    const whole = element("div", { className: "box whole" });
    whole.style.inset = "0";
    return [whole];
  }
  return placed.map(({ finding, box: [left, top, right, bottom] }) => {
    const box = element("div", { className: "box", title: finding });
    Object.assign(box.style, {
      left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
    });
    return box;
  });
}

export function showReceipt(list, receipt) {
  const rows = [
    ["microphone", `${receipt.microphone_s.toFixed(1)} s`],
    ["camera", `${receipt.camera_s.toFixed(1)} s, ${receipt.frames} frames`],
    ["left the device", `${receipt.bytes_left} bytes`],
    ["other machines", receipt.peers.length ? receipt.peers.join(", ") : "none"],
  ];
  list.replaceChildren(...rows.flatMap(([name, value]) => [
    element("dt", { textContent: name }),
    element("dd", { textContent: value, className: name === "left the device" ? "total" : "" }),
  ]));
}

export function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
