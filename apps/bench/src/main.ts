import { run_bench } from './bench.js'
import { MEASURES } from './measures/all.js'
import { choose_cores, pin_this_process } from './process/cores.js'
import { stop_all } from './process/program.js'
import { FULL, QUICK } from './settings.js'
import { spread_of } from './statistics.js'
import { find_subjects, SUBJECT_NAMES } from './subjects/subjects.js'

const args = process.argv.slice(2)
const value = (name: string): string | undefined => args[args.indexOf(name) + 1 || args.length]
const cores = choose_cores()
pin_this_process(cores)
const only = value('--only')?.split(',')
const { found, notes } = find_subjects(
  (value('--subjects')?.split(',') as never) ?? SUBJECT_NAMES,
  value('--bt-net'),
)
console.log([cores.note, ...notes].filter(Boolean).join('\n'))
const base = args.includes('--quick') ? QUICK : FULL
const settings = { ...base, rounds: Number(value('--rounds') ?? base.rounds) }
try {
  const samples = await run_bench({
    measures: Object.values(MEASURES).filter(m => only?.includes(m.name) ?? true),
    subjects: found,
    settings,
    seed: 1,
    cores,
    on_step: ({ measure, round, subject, done }) => {
      console.error(`${(done * 100).toFixed(0)} %  ${measure} ${round} ${subject}`)
    },
  })
  const cases = [...new Set(samples.map(s => `${s.measure}: ${s.group}: ${s.case_name}`))]
  for (const c of cases) {
    console.log(c)
    const of_case = samples.filter(s => `${s.measure}: ${s.group}: ${s.case_name}` === c)
    for (const subject of found) {
      const mine = of_case.filter(s => s.subject === subject.name)
      if (mine.length === 0) continue
      const ratios = mine.flatMap(s => {
        const ws = of_case.find(o => o.subject === 'ws' && o.round === s.round)
        return ws
          ? [(s.figures['cpu_us_per_message'] as number) / (ws.figures['cpu_us_per_message'] as number)]
          : []
      })
      const f = (k: string): string => spread_of(mine.map(s => s.figures[k] ?? Number.NaN)).median.toFixed(3)
      const r = ratios.length ? spread_of(ratios) : undefined
      if (!('cpu_share' in (mine[0]?.figures ?? {})) || 'p50_us' in (mine[0]?.figures ?? {}))
        console.log(
          subject.name,
          Object.keys(mine[0]?.figures ?? {})
            .map(k => `${k} ${f(k)}`)
            .join(' '),
        )
      else
        console.log(
          `  ${subject.name.padEnd(14)} cpu ${f('cpu_us_per_message').padStart(9)} us   rate ${f('messages_per_s').padStart(12)}/s  cpu ${f('cpu_share')} load ${f('load_cpu_share')}  to ws ${r ? `${r.median.toFixed(3)} [${r.least.toFixed(3)}-${r.most.toFixed(3)}]` : ''}`,
        )
    }
  }
} finally {
  await stop_all()
}
