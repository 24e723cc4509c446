import type { Bar, DrillReport } from '../model/drill/report.ts'
import { formatDuration } from '../runtime/duration.ts'
import { type Html, html } from './html.ts'

/** In pixels. Widths are percentages, so that text keeps its size on a phone. */
const ROW = 38
const TITLE_Y = 14
const BAR_Y = 20
const BAR = 9
const TOP = 44
const BOTTOM = 24
/** In percent: what takes no time must still be visible. */
const NARROWEST = 0.5
const MOST_TICKS = 5
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400]

/** The steps of a drill as bars over time: an inline SVG that fills its container and takes its colours from the page. */
export function timelineSvg({ timeline }: DrillReport): Html {
  const { bars, breaks, ms, disruptedAt, healthyAt } = timeline
  const at = (time: number): number => round((time / Math.max(ms, 1)) * 100)
  const bottom = TOP + bars.length * ROW
  return html`<svg class="timeline" width="100%" height="${bottom + BOTTOM}" role="img" aria-label="Timeline of the steps">
${ticks(ms).map(
  tick => html`<line class="tick" x1="${at(tick)}%" x2="${at(tick)}%" y1="${TOP}" y2="${bottom}"/>
<text class="axis" x="${at(tick)}%" y="${bottom + 16}" text-anchor="${anchor(at(tick))}">${tick === 0 ? '0' : formatDuration(tick)}</text>
`,
)}${disruptedAt === null ? undefined : milestone(at(disruptedAt), 12, bottom, 'disrupted', 'disruption')}${
  healthyAt === null ? undefined : milestone(at(healthyAt), 28, bottom, 'healthy', 'healthy again')
}${breaks.map(
  ({ at: time, ms: pause }) => html`<line class="break" x1="${at(time)}%" x2="${at(time)}%" y1="${TOP}" y2="${bottom}"/>
<text class="axis" x="${at(time)}%" y="${TOP - 4}" text-anchor="${anchor(at(time))}">paused ${formatDuration(pause)}</text>
`,
)}${bars.map((bar, index) => row(bar, TOP + index * ROW, at))}</svg>`
}

const row = ({ title, stage, status, from, ms }: Bar, y: number, at: (time: number) => number): Html => {
  const note = status === 'done' || status === 'skipped' ? '' : status
  const took = status === 'killed' ? note : `${note && `${note} · `}${formatDuration(ms)}`
  return html`<text class="title" x="0" y="${y + TITLE_Y}">${title}</text>
<text class="took" x="100%" y="${y + TITLE_Y}" text-anchor="end">${took}</text>
<rect class="track" x="0" y="${y + BAR_Y}" width="100%" height="${BAR}" rx="2"/>
<rect class="bar ${stage}${note ? ' broken' : ''}" x="${Math.min(at(from), 100 - NARROWEST)}%" y="${y + BAR_Y}" width="${Math.max(at(ms), NARROWEST)}%" height="${BAR}" rx="2"/>
`
}

const milestone = (x: number, y: number, bottom: number, name: string, text: string): Html =>
  html`<line class="milestone ${name}" x1="${x}%" x2="${x}%" y1="${y + 4}" y2="${bottom}"/>
<text class="milestone ${name}" x="${x}%" y="${y}" text-anchor="${anchor(x)}">${text}</text>
`

const anchor = (percent: number): string => (percent < 8 ? 'start' : percent > 85 ? 'end' : 'middle')

/** Round times from 0 on, few enough for a phone. */
function ticks(ms: number): number[] {
  const step = (STEPS_S.find(candidate => ms / 1000 / candidate <= MOST_TICKS) ?? ms / 1000 / MOST_TICKS) * 1000
  return Array.from({ length: Math.floor(ms / step) + 1 }, (_, index) => index * step)
}

const round = (value: number): number => Math.round(value * 100) / 100
