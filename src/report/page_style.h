// How a report looks, and its search box.
#pragma once

namespace als {

/// A style sheet; without characters that XML would take for markup, as is the script.
inline constexpr const char* kPageStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f6f4; --card: #ffffff; --ink: #1b1b1a; --soft: #5e5d59; --rule: #e4e3df; --axis: #a9a8a3;
  --main: #2a6fc9; --fill: #6d9fe0; --other: #a5a39c; --mark: #c2410c; --hover: #eef3fb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161615; --card: #1f1f1e; --ink: #f1f0ec; --soft: #a8a69f; --rule: #353431; --axis: #6f6d67;
    --main: #6aa5f0; --fill: #4a82cc; --other: #77756e; --mark: #fb923c; --hover: #26303d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1120px; margin: 0 auto; padding: 36px 20px 48px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 4px; letter-spacing: -0.005em; }
p { margin: 0 0 14px; color: var(--soft); max-width: 76ch; }
.lead { font-size: 16px; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 22px 0 0; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; }
.tile b { display: block; font-size: 23px; font-weight: 600; line-height: 1.25; }
.tile span { color: var(--soft); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 16px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; margin: 0; padding: 14px 16px 8px; }
.card + .card, .card + p { margin-top: 16px; }
.charts .card { margin-top: 0; }
.alone { margin-top: 16px; }
figcaption { font-weight: 600; margin: 0 0 6px; }
.unit { color: var(--soft); font-weight: 400; font-size: 13px; margin-left: 10px; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
svg text { fill: var(--ink); }
.tick text, .label { fill: var(--soft); font-size: 12px; }
.grid line { stroke: var(--rule); }
.axis line { stroke: var(--axis); }
.line { fill: none; stroke: var(--main); stroke-width: 2; stroke-linejoin: round; }
.dot { fill: var(--main); }
.mark { fill: var(--mark); stroke: var(--card); stroke-width: 1.5; }
.value { font-size: 13px; font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
.bar { fill: var(--fill); }
.bar:hover { fill: var(--main); }
.point { fill: var(--fill); fill-opacity: 0.55; stroke: var(--card); stroke-width: 0.5; }
.point:hover { fill: var(--mark); fill-opacity: 1; }
.name text { font-size: 11.5px; paint-order: stroke; stroke: var(--card); stroke-width: 3px; pointer-events: none; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px; }
th, td { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th.meter, td.meter { width: 210px; padding: 7px 0 5px 14px; vertical-align: middle; }
.meter div { height: 7px; border-radius: 2px; background: var(--main); margin: 3px 0; min-width: 1px; }
.meter .popular { background: var(--other); }
.id { color: var(--soft); font-size: 12px; overflow-wrap: anywhere; }
.items td:first-child { width: 34%; font-weight: 600; }
.items .id { font-weight: 400; display: block; }
.near { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 16px; }
.near span { color: var(--soft); font-variant-numeric: tabular-nums; font-size: 12px; }
.scroll { max-height: 620px; overflow: auto; }
.items thead th { position: sticky; top: 0; background: var(--card); }
.facts { columns: 2 420px; column-gap: 40px; }
.facts div { break-inside: avoid; display: flex; justify-content: space-between; gap: 18px;
  border-bottom: 1px solid var(--rule); padding: 5px 0; font-size: 14px; }
.facts span:first-child { color: var(--soft); }
.facts span:last-child { text-align: right; overflow-wrap: anywhere; white-space: pre-wrap; }
input { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--axis); border-radius: 8px;
  padding: 7px 12px; width: min(340px, 100%); margin: 2px 0 10px; }
input:focus-visible { outline: 2px solid var(--main); outline-offset: 1px; }
footer { color: var(--soft); font-size: 13px; margin-top: 36px; }
@media print { .scroll { max-height: none; } input { display: none; } }
)css";

/// Shows the items whose row has all words of the search box.
inline constexpr const char* kPageScript = R"js(
const box = document.getElementById("search");
if (box) box.addEventListener("input", function () {
  const words = box.value.toLowerCase().split(" ");
  let shown = 0;
  document.querySelectorAll(".items tbody tr").forEach(function (row) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(function (word) { return text.includes(word); });
    if (!row.hidden) shown += 1;
  });
  document.getElementById("shown").textContent = shown;
});
)js";

}  // namespace als
