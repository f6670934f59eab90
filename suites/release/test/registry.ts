import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { installed_packages, type Manifest, type Release } from './installed_packages.ts'

/** What a registry answers. */
interface Answer {
  readonly status: number
  readonly body: Buffer | Readonly<Record<string, unknown>>
}

/** What `npm publish` sends. */
interface Publication {
  readonly name: string
  readonly versions: Readonly<Record<string, Manifest>>
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>
}

const NOT_FOUND: Answer = { status: 404, body: { error: 'not found' } }

/** Proves to the registry who publishes. */
export const TOKEN = 'a-token-of-the-rehearsal'

/**
 * An npm registry on loopback. It accepts published packages, and also serves the packages of others that
 * this workspace has installed, so that installing from it needs no other registry.
 */
export class Registry {
  readonly #server: Server
  readonly #published = new Map<string, Release[]>()
  readonly #installed = new Map<string, Release[]>()

  /** A package that it refuses, as registries do at times. */
  refused: string | undefined

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => {
      this.#answer(request).then(
        answer => send(response, answer),
        error => send(response, { status: 500, body: { error: String(error) } }),
      )
    })
  }

  /** Starts a registry. */
  static async start(): Promise<Registry> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Registry(server)
  }

  /** Where it is. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** The published packages, sorted by name. */
  get published(): Release[] {
    return [...this.#published.values()]
      .flat()
      .sort((one, other) => (one.manifest.name < other.manifest.name ? -1 : 1))
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const path = decodeURIComponent(new URL(request.url ?? '/', this.url).pathname).slice(1)
    const is_known = request.headers.authorization === `Bearer ${TOKEN}`
    if (request.method === 'PUT') return this.#take(JSON.parse(await text_of(request)), is_known)
    if (path === '-/whoami') return is_known ? { status: 200, body: { username: 'rehearsal' } } : unknown()
    const [name = '', version] = path.replace(/\.tgz$/, '').split('/-/')
    const releases = this.#releases_of(name)
    if (releases.length === 0) return NOT_FOUND
    if (version === undefined) return { status: 200, body: this.#packument(name, releases) }
    const asked = releases.find(({ manifest }) => manifest.version === version)
    return asked === undefined ? NOT_FOUND : { status: 200, body: asked.tarball }
  }

  #take({ name, versions, _attachments }: Publication, is_known: boolean): Answer {
    const [[version, manifest] = []] = Object.entries(versions)
    const [attachment] = Object.values(_attachments)
    if (!is_known) return unknown()
    if (version === undefined || manifest === undefined || attachment === undefined) {
      return { status: 400, body: { error: 'a publication has one version, and its tarball' } }
    }
    const before = this.#published.get(name) ?? []
    if (name === this.refused || before.some(release => release.manifest.version === version)) {
      return { status: 403, body: { error: `${name}@${version} is refused` } }
    }
    this.#published.set(name, [...before, { manifest, tarball: Buffer.from(attachment.data, 'base64') }])
    return { status: 201, body: { ok: true } }
  }

  #releases_of(name: string): Release[] {
    const published = this.#published.get(name)
    if (published !== undefined || name.startsWith('@bt/')) return published ?? []
    const known = this.#installed.get(name) ?? installed_packages(name)
    this.#installed.set(name, known)
    return known
  }

  #packument(name: string, releases: readonly Release[]): Record<string, unknown> {
    const latest = releases.at(-1)?.manifest.version
    const versions = releases.map(({ manifest, tarball }) => {
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
      const dist = { integrity, tarball: `${this.url}${name}/-/${manifest.version}.tgz` }
      return [manifest.version, { ...manifest, dist }]
    })
    return { name, 'dist-tags': { latest }, versions: Object.fromEntries(versions) }
  }
}

function unknown(): Answer {
  return { status: 401, body: { error: 'who is this?' } }
}

async function text_of(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}

function send(response: ServerResponse, { status, body }: Answer): void {
  const bytes = Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json'
  response.writeHead(status, { 'content-type': type }).end(bytes)
}
