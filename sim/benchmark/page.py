"""How the report looks: one column, light or dark as the reader's system is, plots in the page's colours."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2430; --faint: #5b6675; --grid: #d9dee5; --good: #0a6b3d; --bad: #b3261e;
  --series-0: #2563b8; --series-1: #8a94a3; --series-2: #b4580a; --series-3: #7a3fa8; --series-4: #0b7a75;
  --series-5: #a3304f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181f; --ink: #e6eaf0; --faint: #9aa6b5; --grid: #333c48; --good: #5fce98; --bad: #ff8a80;
    --series-0: #6aa6f0; --series-1: #8a94a3; --series-2: #e8964a; --series-3: #bd8be0; --series-4: #45bdb5;
    --series-5: #e87f9b;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--grid); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
figcaption { font-weight: 600; }
svg { display: block; width: 100%; max-width: 38rem; height: auto; }
svg text { font-family: system-ui, sans-serif; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
table { width: 100%; border-collapse: collapse; margin-top: 1rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem .35rem 0; font-weight: normal; }
tr { border-top: 1px solid var(--grid); }
thead tr, tr.further { border-top: none; }
thead th { color: var(--faint); }
code { font-size: .9em; overflow-wrap: anywhere; }
th small { display: block; color: var(--faint); }
tr.further th { padding-left: 1rem; }
td.amount { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.words { overflow-wrap: anywhere; }
a { color: var(--series-0); }
.better { color: var(--good); }
.worse { color: var(--bad); }
.same, .changed { color: var(--faint); }
"""
