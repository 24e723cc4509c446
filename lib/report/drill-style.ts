/** The style of a drill's page. Each colour is defined once for light and once for dark; text has a contrast of at least 4.5. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #fff; --text: #1c2330; --muted: #5b6575; --line: #dfe3ea; --track: #eef0f4;
  --pass: #14703a; --fail: #b3261e; --unsure: #8a5a00; --on: #fff;
  --prepare: #8b95a7; --disrupt: #d64539; --detect: #e08a2e; --decide: #b0579f; --restore: #2f74d0; --verify: #1f9a8a; --judge: #8b95a7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --card: #1b2029; --text: #e6e9ef; --muted: #9aa5b6; --line: #2d3440; --track: #262c37;
    --pass: #5fcf8d; --fail: #ff8a80; --unsure: #f0bf5c; --on: #12151b;
    --prepare: #6d788b; --disrupt: #ef6a5f; --detect: #f0a04b; --decide: #cf7fc0; --restore: #5b9bf0; --verify: #3fbfae; --judge: #6d788b;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 2rem; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
header { margin: 0 .25rem 1.25rem; }
h1 { margin: .4rem 0 .2rem; font-size: 1.7rem; line-height: 1.2; }
h1 span { color: var(--muted); font-weight: 400; }
h2 { margin: 0 0 .6rem; font-size: 1.05rem; }
p { margin: .2rem 0; }
small { display: block; color: var(--muted); font-size: .84rem; overflow-wrap: anywhere; }
code { font: .86em ui-monospace, monospace; overflow-wrap: anywhere; }
.muted { color: var(--muted); font-size: .88rem; }
.badge { display: inline-block; margin: 0; padding: .15rem .7rem; border-radius: 1rem; color: var(--on); background: var(--unsure); font-weight: 600; }
.badge.pass { background: var(--pass); }
.badge.fail { background: var(--fail); }
section, .numbers > div { margin-bottom: 1rem; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
section.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; padding: 0; background: none; border: 0; }
.numbers > div { margin: 0; }
.numbers h2 { margin: 0; color: var(--muted); font-size: .9rem; }
.numbers svg { display: block; margin: .8rem 0 .4rem; border-radius: 3px; }
.big { margin: 0; font-size: 2rem; font-weight: 650; line-height: 1.25; font-variant-numeric: tabular-nums; }
.parts { display: grid; grid-template-columns: repeat(4, auto); gap: .4rem .8rem; margin: 0; font-size: .9rem; }
@media (max-width: 30rem) { .parts { grid-template-columns: repeat(2, 1fr); } }
.parts dt { color: var(--muted); }
.parts dd { margin: 0; font-variant-numeric: tabular-nums; }
.reasons { border-left: .3rem solid var(--unsure); }
.reasons.fail { border-left-color: var(--fail); }
section ul { margin: 0; padding-left: 1.2rem; overflow-wrap: anywhere; }
ul.checks { padding: 0; list-style: none; }
.checks li { display: flex; gap: .6rem; padding: .3rem 0; }
.checks li + li { border-top: 1px solid var(--line); }
.checks b { flex: none; width: 1rem; text-align: center; }
.pass, .checks .pass b { color: var(--pass); }
.fail, .checks .fail b { color: var(--fail); }
.inconclusive, .checks .inconclusive b { color: var(--unsure); }
.checks li, section.reasons { color: var(--text); }
small.fail { color: var(--fail); }
small.inconclusive { color: var(--unsure); }
.badge.pass, .badge.fail, .badge.inconclusive { color: var(--on); }
.scroll { overflow-x: auto; }
td { white-space: nowrap; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th { color: var(--muted); font-weight: 500; white-space: nowrap; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
i { display: inline-block; width: .7rem; height: .7rem; margin-right: .4rem; border-radius: 2px; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin-top: .6rem; }
footer { margin: 0 .25rem; }
.timeline { display: block; overflow: visible; font-size: 13px; }
.timeline text { fill: var(--text); paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.timeline .took, .timeline .axis { fill: var(--muted); font-variant-numeric: tabular-nums; }
.timeline .axis { font-size: 12px; }
.track { fill: var(--track); }
.tick { stroke: var(--line); }
.break { stroke: var(--unsure); stroke-width: 2; stroke-dasharray: 2 4; }
.milestone { stroke-width: 1.5; stroke-dasharray: 5 4; }
.timeline text.milestone { stroke-dasharray: none; stroke-width: 4px; font-weight: 600; font-size: 12px; }
line.disrupted { stroke: var(--disrupt); }
line.healthy { stroke: var(--pass); }
.timeline text.disrupted { fill: var(--fail); }
.timeline text.healthy { fill: var(--pass); }
.broken { opacity: .55; }
${['prepare', 'disrupt', 'detect', 'decide', 'restore', 'verify', 'judge'].map(stage => `.bar.${stage} { fill: var(--${stage}); } i.${stage} { background: var(--${stage}); }`).join('\n')}
`
