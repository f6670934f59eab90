import { listen, type Measure, type MeasuredLoad, with_cpu_of } from './measure.js'

/** What it costs to take a client in: the TCP connection, the handshake, and closing in order. */
export const connect: Measure = {
  name: 'connect',
  role: 'server',
  needs_fresh_process: false,
  suits: () => true,
  start: async ({ program, load, subject, settings }) => {
    const port = await listen(program)
    const run = (run_ms: number): Promise<MeasuredLoad> =>
      load.call(
        'connect_loop',
        {
          port,
          dialect: subject.dialect,
          with_compression: false,
          at_a_time: settings.handshakes_at_a_time,
          run_ms,
        },
        run_ms,
      )
    return async () => {
      await run(settings.settle_ms)
      return [{ case_name: 'handshakes', figures: await with_cpu_of(program, () => run(settings.run_ms)) }]
    }
  },
}
