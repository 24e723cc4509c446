import type { Verdict } from '../model/drill/check.ts'
import type { DrillReport } from '../model/drill/report.ts'
import { formatAge } from '../model/health/age.ts'
import { formatDuration } from '../runtime/duration.ts'
import { utc } from './drill-markdown.ts'
import { style } from './drill-style.ts'
import { noRto, rpoText } from './drill-text.ts'
import { timelineSvg } from './drill-timeline.ts'
import { type Html, html } from './html.ts'
import { shortened, shortSha } from './short.ts'

const marks: Record<Verdict, string> = { pass: '✔', fail: '✘', inconclusive: '?' }

/** A drill as one self-contained page: no script, font or image from elsewhere. */
export function drillHtml(report: DrillReport): string {
  const { scenario, environment, verdict } = report
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Drill ${scenario.name} of ${environment}: ${verdict}</title>
<style>${{ html: style }}</style>
</head>
<body>
<header>
<p class="badge ${verdict}">${verdict}</p>
<h1>${scenario.name} <span>of ${environment}</span></h1>
<p>${scenario.title}.</p>
<p class="muted">${utc(report.startedAt)} UTC · ${report.operator} · git ${shortSha(report.gitSha)} · <code>${report.id}</code></p>
</header>
<main>
${numbers(report)}
${reasons(report)}
<section><h2>Timeline</h2>
${timelineSvg(report)}
${legend()}
${runs(report)}</section>
<section><h2>What was shown</h2>
<ul class="checks">${report.checks.map(
    ({ outcome, title, says }) =>
      html`<li class="${outcome}"><b aria-label="${outcome}">${marks[outcome]}</b><div>${title}<small>${says}</small></div></li>`,
  )}</ul></section>
${proof(report)}
${markers(report)}
${pods(report)}
</main>
<footer class="muted">Derived from <code>journal.json</code> next to this page, which has more detail.</footer>
</body>
</html>
`
  return page.html
}

function numbers({ rto, rpo, health, snapshot }: DrillReport): Html {
  return html`<section class="numbers">
<div><h2>RTO</h2><p class="big">${rto ? formatDuration(rto.ms) : '–'}</p>
<p class="muted">${rto ? 'from the first thing destroyed to everything healthy' : noRto({ health })}</p>
${rto ? split(rto) : undefined}</div>
<div><h2>RPO</h2><p class="big">${rpo && rpo.ms !== null ? `≤ ${formatDuration(rpo.ms)}` : '–'}</p>
<p class="muted">${rpo && rpo.ms !== null ? rpo.says : rpoText({ rpo })}</p>
${snapshot ? html`<p class="muted">Restoring the VM would have lost ${formatAge(snapshot.ageMs)}, the age of the newest snapshot, <code>${snapshot.name}</code>.</p>` : undefined}</div>
</section>`
}

const PARTS = ['detect', 'decide', 'restore', 'verify'] as const

/** The four parts of the recovery as one bar, with their times below. */
function split(rto: NonNullable<DrillReport['rto']>): Html {
  const share = (ms: number) => Math.round((Math.max(0, ms) / Math.max(rto.ms, 1)) * 10_000) / 100
  const from = (index: number) => PARTS.slice(0, index).reduce((sum, part) => sum + share(rto[part]), 0)
  return html`<svg width="100%" height="12" role="img" aria-label="Parts of the recovery time">${PARTS.map(
    (part, index) => html`<rect class="bar ${part}" x="${from(index)}%" width="${share(rto[part])}%" height="12"/>`,
  )}</svg>
<dl class="parts">${PARTS.map(
    part => html`<div><dt><i class="${part}"></i>${part}</dt><dd>${formatDuration(rto[part])}</dd></div>`,
  )}</dl>
<p class="muted">${formatDuration(rto.destruction)} of the detection is the destruction itself.${rto.paused > 0 ? ` No run was at work for ${formatDuration(rto.paused)} of the whole.` : ''}</p>`
}

const reasons = ({ verdict, reasons: found, leftovers }: DrillReport): Html =>
  html`${
    found.length === 0
      ? undefined
      : html`<section class="reasons ${verdict}"><h2>${verdict === 'unfinished' ? 'Not shown so far' : verdict === 'fail' ? 'Why it failed' : `Why ${verdict}`}</h2><ul>${found.map(reason => html`<li>${reason}</li>`)}</ul></section>`
  }${leftovers.length === 0 ? undefined : html`<section><h2>Left behind</h2><ul>${leftovers.map(leftover => html`<li>${leftover}</li>`)}</ul></section>`}`

const legend = (): Html =>
  html`<p class="legend muted">${(['prepare', 'disrupt', 'detect', 'decide', 'restore', 'verify', 'judge'] as const).map(stage => html`<span><i class="${stage}"></i>${stage}</span>`)}</p>`

function runs({ attempts }: DrillReport): Html {
  if (attempts.length < 2) return html``
  return html`<p class="muted">It took ${attempts.length} runs: ${attempts
    .map(
      ({ startedAt, endedAt, exitCode }) =>
        `from ${utc(startedAt)} ${endedAt ? `to ${utc(endedAt)}, exit code ${exitCode}` : 'until it was killed'}`,
    )
    .join('; ')}.</p>`
}

function proof({ proof: shown }: DrillReport): Html {
  if (!shown) return html``
  return html`<section><h2>${shown.layer}, before and after</h2>
${table(
  ['', '', 'before', ...shown.moments],
  shown.rows.map(({ name, before, later, same }) => [
    name,
    same ? html`<span class="pass">same</span>` : html`<span class="fail">differs</span>`,
    ...[before, ...later].map(value => html`<code title="${value}">${shortened(value)}</code>`),
  ]),
)}</section>`
}

const markers = ({ markers: all }: DrillReport): Html =>
  all.length === 0
    ? html``
    : html`<section><h2>Markers</h2>
<ul class="checks">${all.map(({ name, writtenAt, expected, because, check }) => {
        const outcome = check?.outcome ?? 'inconclusive'
        return html`<li class="${outcome}"><b aria-label="${outcome}">${marks[outcome]}</b><div>${name}<small>written ${utc(writtenAt)}; expected to be ${expected}: ${because}</small><small class="${outcome}">${check?.says ?? 'not judged'}</small></div></li>`
      })}</ul></section>`

function pods({ health }: DrillReport): Html {
  if (!health) return html``
  return html`<section><h2>Pods afterwards</h2>
${table(
  ['', 'pod', 'restarts', 'since'],
  health.pods.map(({ namespace, name, ready, restarts, createdAt }) => [
    html`<span class="${ready ? 'pass' : 'fail'}">${ready ? 'ready' : 'not ready'}</span>`,
    html`${name}<small>${namespace}</small>`,
    restarts,
    utc(createdAt),
  ]),
)}</section>`
}

const table = (heading: string[], rows: (Html | string | number)[][]): Html =>
  html`<div class="scroll"><table><thead><tr>${heading.map(text => html`<th>${text}</th>`)}</tr></thead>
<tbody>${rows.map(row => html`<tr>${row.map(value => html`<td>${value}</td>`)}</tr>`)}</tbody></table></div>`
