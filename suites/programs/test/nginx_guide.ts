import { readFileSync } from 'node:fs'
import type { TlsConnectOptions } from '@bt/net'
import { blocks_of } from '@bt/test-support/samples'
import { onTestFinished } from 'vitest'
import { make_certificate, our_trust } from './certificate.ts'
import { free_port, NginxProcess } from './nginx_process.ts'

const GUIDE = new URL('../../../docs/nginx.md', import.meta.url)

/** What the guide on nginx has of configuration, by the names that it gives. */
export const guide_samples: ReadonlyMap<string, string> = new Map(
  blocks_of(readFileSync(GUIDE, 'utf8'))
    .filter(({ language }) => language === 'nginx')
    .map(({ sample = '', code }) => [sample, code]),
)

/** What stands in the guide, and what is in its place here; what does not stand there is a mistake. */
export type Changes = Readonly<Record<string, string>>

/** What a text of the guide is here. */
function changed(text: string, changes: Changes): string {
  for (const [there, here] of Object.entries(changes)) {
    if (!text.includes(there)) throw new Error(`the guide on nginx does not say: ${there}`)
    text = text.replaceAll(there, here)
  }
  return text
}

/** A sample of the guide. */
export function sample(name: string): string {
  const text = guide_samples.get(name)
  if (text === undefined) throw new Error(`the guide on nginx has no sample of the name: ${name}`)
  return text
}

/** An nginx that was configured by the guide. */
export interface GuidedNginx {
  readonly process: NginxProcess
  readonly port: number
  readonly url: string
  readonly tls: TlsConnectOptions & { readonly ca: string }
}

/** Starts an nginx with configuration of the guide, at a free port and with a certificate for this machine. */
export async function start_guided(
  command: string,
  {
    http,
    main = '',
    changes = {},
  }: { readonly http: string; readonly main?: string; readonly changes?: Changes },
): Promise<GuidedNginx> {
  const process = new NginxProcess(command)
  onTestFinished(() => process.remove())
  const certificate = make_certificate(process.folder)
  const port = await free_port()
  const here = {
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    '/etc/ssl/example.com.crt': certificate.cert_path,
    '/etc/ssl/example.com.key': certificate.key_path,
    ...changes,
  }
  process.configure({ main, http: changed(http, here) })
  await process.start()
  return { process, port, url: `wss://127.0.0.1:${port}/ws`, tls: our_trust(certificate) }
}
