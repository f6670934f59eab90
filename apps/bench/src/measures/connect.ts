import { listen, type Measure, type MeasuredLoad, with_cpu_of } from './measure.js'

/** Measures the CPU time per accepted client: the TCP connection, the handshake, and a clean close. */
export const connect: Measure = {
  name: 'connect',
  role: 'server',
  needs_fresh_process: false,
  applies_to: () => true,
  start: async stage => {
    const { program, load, subject, settings } = stage
    const target = { port: await listen(program), dialect: subject.dialect }
    const at_a_time = settings.handshakes_at_a_time
    const run = (run_ms: number): Promise<MeasuredLoad> =>
      load.call('connect_loop', { ...target, at_a_time, run_ms }, run_ms)
    return async () => {
      await run(settings.settle_ms)
      const figures = await with_cpu_of(stage, () => run(settings.run_ms))
      return [{ group: '', case_name: 'connections', figures }]
    }
  },
}
