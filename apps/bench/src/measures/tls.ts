import { SMALL_TEXT } from '../wire/message.js'
import { measure_depths } from './echo.js'
import { listen, type Measure } from './measure.js'

/** What is used of the script that makes certificates, here and in tests. */
interface CertificateScript {
  readonly make_self_signed: () => Promise<{ readonly cert: string; readonly key: string }>
}

const SCRIPT = new URL('../../../../scripts/certificates.mjs', import.meta.url)

/** What echo costs over TLS. */
export const tls: Measure = {
  name: 'tls',
  role: 'server',
  needs_fresh_process: false,
  typical_s: 4,
  suits: () => true,
  start: async stage => {
    const { make_self_signed } = (await import(SCRIPT.href)) as CertificateScript
    const port = await listen(stage.program, { tls: await make_self_signed() })
    return () => measure_depths(stage, port, SMALL_TEXT, stage.settings.depths, { with_tls: true })
  },
}
