import { readFileSync } from 'node:fs'
import type { TlsConnectOptions } from '@bt/net'
import { free_port } from '@bt/test-support/free_port'
import { blocks_of } from '@bt/test-support/samples'
import { onTestFinished } from 'vitest'
import { create_certificate, trust_options } from './certificate.ts'
import { NginxProcess } from './nginx_process.ts'

const GUIDE = new URL('../../../docs/nginx.md', import.meta.url)

/** The nginx configurations in the guide, by name. */
export const guide_samples: ReadonlyMap<string, string> = new Map(
  blocks_of(readFileSync(GUIDE, 'utf8'))
    .filter(({ language }) => language === 'nginx')
    .map(({ sample = '', code }) => [sample, code]),
)

/** Texts of a configuration in the guide, with what replaces them in a test. */
export type Replacements = Readonly<Record<string, string>>

/** Replaces texts of a configuration; throws if the configuration does not contain one of them. */
function replace(configuration: string, replacements: Replacements): string {
  for (const [text, replacement] of Object.entries(replacements)) {
    if (!configuration.includes(text)) throw new Error(`the guide on nginx does not contain: ${text}`)
    configuration = configuration.replaceAll(text, replacement)
  }
  return configuration
}

/** Returns a configuration in the guide. */
export function guide_sample(name: string): string {
  const text = guide_samples.get(name)
  if (text === undefined) throw new Error(`the guide on nginx has no sample named ${name}`)
  return text
}

/** A running nginx with a configuration of the guide. */
export interface GuideNginx {
  readonly process: NginxProcess
  readonly port: number
  readonly url: string
  readonly tls: TlsConnectOptions & { readonly ca: string }
}

/** Starts nginx with configurations of the guide, on a free port and with a certificate for this machine. */
export async function start_guide_nginx(
  command: string,
  {
    http,
    main = '',
    replacements = {},
  }: { readonly http: string; readonly main?: string; readonly replacements?: Replacements },
): Promise<GuideNginx> {
  const process = new NginxProcess(command)
  onTestFinished(() => process.remove())
  const certificate = create_certificate(process.folder)
  const port = await free_port()
  const all = {
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    '/etc/ssl/example.com.crt': certificate.cert_path,
    '/etc/ssl/example.com.key': certificate.key_path,
    ...replacements,
  }
  process.configure({ main, http: replace(http, all) })
  await process.start()
  return { process, port, url: `wss://127.0.0.1:${port}/ws`, tls: trust_options(certificate) }
}
