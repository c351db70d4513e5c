"""How a card on a page looks and what it does when it is used: one style and one script, on pages and in files alike.

Colours follow the reader's choice of light or dark, and paper. The script marks the place of a row in the picture and
the row of a place, and counts timers down.
"""

CSS = """
.glint { --ground: #fff; --ink: #14191b; --soft: #55646b; --line: #d3dbde; --accent: #0b7a5c; --bar: #2f7fce;
  --guess: #8a4b00; --best: #e2f5ee; color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; min-width: 0;
  container-type: inline-size; }
@media (prefers-color-scheme: dark) { .glint { --ground: #181d20; --ink: #edf1f2; --soft: #9fb0b6; --line: #2c3439;
  --accent: #7fe0c3; --bar: #69b7ff; --guess: #ffb84d; --best: #173a31; } }
.glint * { box-sizing: border-box; }
.glint h2, .glint p, .glint figure, .glint ol { margin: 0; padding: 0; }
.glint { display: grid; gap: .75rem; overflow-wrap: anywhere; }
.glint h2 { font-size: 1.05rem; color: var(--accent); }
.glint .answer { color: var(--soft); }
.glint .body { display: grid; gap: .9rem 1.5rem; align-items: start; }
.glint .parts { display: grid; gap: .9rem; min-width: 0; }
@container (min-width: 34rem) { .glint .body.pictured { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
.glint .text { font-size: 1.25rem; font-weight: 600; }
.glint .reading { font-size: clamp(2.5rem, 9vw, 4rem); font-weight: 700; line-height: 1.05;
  font-variant-numeric: tabular-nums; }
.glint .reading small { font-size: .45em; margin-left: .2em; }
.glint .caption, .glint .source, .glint caption { color: var(--soft); font-size: .9rem; }
.glint caption { text-align: left; padding-bottom: .35rem; }
.glint table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.glint th, .glint td { padding: .4rem .5rem; border-bottom: 1px solid var(--line); text-align: left;
  font-weight: 400; vertical-align: middle; }
.glint th { min-width: 6rem; }
.glint td.value { text-align: right; font-weight: 600; white-space: nowrap; }
.glint td.length { width: 40%; min-width: 4rem; }
.glint .best > * { background: var(--best); font-weight: 700; }
.glint ol { list-style: none; display: grid; gap: .5rem; }
.glint li { display: grid; grid-template-columns: auto auto 1fr; gap: 0 .6rem; align-items: center;
  padding: .25rem .5rem; border-radius: .4rem; }
.glint li.best { background: var(--best); }
.glint li .value { grid-column: 3; color: var(--soft); font-size: .9rem; }
.glint li > .name { grid-column: 3; font-weight: 600; }
.glint .number { grid-column: 1; color: var(--soft); min-width: 1.2em; font-variant-numeric: tabular-nums; }
.glint .swatch { grid-column: 2; width: 2.6rem; height: 2.6rem; display: block; }
.glint .swatch rect { stroke: var(--soft); }
.glint .guess { color: var(--guess); font-style: italic; text-decoration: underline dotted;
  text-underline-offset: .2em; }
.glint .reading .guess { text-decoration: none; }
.glint button.name { font: inherit; color: inherit; background: none; border: 0; padding: 0; text-align: left;
  cursor: pointer; font-weight: inherit; min-height: 0; display: inline; }
.glint li > button.name { font-weight: 600; }
.glint button.name:hover, .glint button.name[aria-pressed="true"] { color: var(--accent); }
.glint button.name[aria-pressed="true"]::after { content: " \\25CE"; }
.glint button.name:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .2rem; }
.glint svg.scale { display: block; width: 100%; height: .9rem; overflow: visible; }
.glint .scale .ground { fill: var(--line); }
.glint .scale .amount { fill: var(--bar); }
.glint .best .scale .amount { fill: var(--accent); }
.glint .looked { position: relative; border-radius: .5rem; overflow: hidden; max-width: 40rem; }
.glint .looked.tall { max-width: 20rem; }
.glint .looked img { display: block; width: 100%; height: auto; }
.glint .looked svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.glint .looked rect { fill: transparent; stroke: #69b7ff; stroke-width: 2; cursor: pointer; }
.glint .looked .shade { stroke: rgb(0 0 0 / .65); stroke-width: 5; }
.glint .looked.many g:not(.best, .chosen) .shade { display: none; }
.glint .looked.many g:not(.best, .chosen) rect { stroke-width: 1; stroke-opacity: .7; }
.glint .looked .best rect:not(.shade) { stroke: #7fe0c3; stroke-width: 3; }
.glint .looked .guess rect:not(.shade) { stroke: #ffb84d; stroke-dasharray: 6 4; }
.glint .looked .chosen rect:not(.shade) { stroke: #ffd84d; stroke-width: 4; fill: rgb(255 216 77 / .18); }
.glint .looked text { font: 700 14px system-ui, sans-serif; fill: #fff; stroke: #000; stroke-width: 4;
  paint-order: stroke; pointer-events: none; }
.glint .timer { font-size: clamp(3rem, 14vw, 5rem); font-weight: 700; font-variant-numeric: tabular-nums;
  line-height: 1; }
.glint .timer.over { color: var(--guess); }
.glint .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media print { .glint { --ground: #fff; --ink: #000; --soft: #333; --line: #bbb; --accent: #0b5a45; --bar: #2f6fb0;
  --guess: #7a4200; --best: #e6f4ee; } .glint * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .glint table, .glint li, .glint .looked { break-inside: avoid; } }
"""

FILE_CSS = """
html { background: #f4f6f6; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { html { background: #0e1113; } }
body { margin: 0; padding: clamp(.75rem, 4vw, 3rem); }
.glint { background: var(--ground); max-width: 60rem; margin: auto; padding: clamp(1rem, 3vw, 2rem);
  border: 1px solid var(--line); border-radius: 1rem; }
.glint h1 { font-size: clamp(1.3rem, 4vw, 1.8rem); line-height: 1.2; margin: 0; }
@media print { html { background: #fff; } body { padding: 0; } .glint { border: 0; padding: 0; } }
"""

SCRIPT = """
(() => {
  const choose = (card, place, on) => {
    for (const it of card.querySelectorAll("[data-place]")) {
      const chosen = on && it.dataset.place === place;
      if (it.tagName === "BUTTON") it.setAttribute("aria-pressed", chosen); else it.classList.toggle("chosen", chosen);
    }
  };
  document.addEventListener("click", (event) => {
    const it = event.target.closest?.(".glint [data-place]");
    if (!it) return;
    const card = it.closest(".glint"), chosen = card.querySelector("g.chosen")?.dataset.place === it.dataset.place;
    choose(card, it.dataset.place, !chosen);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const card of document.querySelectorAll(".glint")) choose(card, "", false);
  });
  const written = (s) => {
    const two = (n) => String(n).padStart(2, "0"), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  };
  const tick = () => {
    for (const timer of document.querySelectorAll(".glint .timer")) {
      const left = Math.max(0, Math.ceil(Number(timer.dataset.ends) - Date.now() / 1000));
      if (timer.textContent !== written(left)) timer.textContent = written(left);
      timer.classList.toggle("over", !left);
    }
  };
  tick();
  setInterval(tick, 250);
})();
"""
