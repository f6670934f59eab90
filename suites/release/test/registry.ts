import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { installed_versions, type Manifest, type PackageVersion } from './installed_packages.ts'

/** The registry's response to a request. */
interface RegistryResponse {
  readonly status: number
  readonly body: Buffer | Readonly<Record<string, unknown>>
}

/** The body of the request that `npm publish` sends. */
interface PublishRequest {
  readonly name: string
  readonly versions: Readonly<Record<string, Manifest>>
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>
}

const NOT_FOUND: RegistryResponse = { status: 404, body: { error: 'not found' } }
const UNAUTHORIZED: RegistryResponse = { status: 401, body: { error: 'a valid token is required' } }

/** The token that authorizes publishing. */
export const TOKEN = 'a-token-of-the-rehearsal'

/**
 * An npm registry on loopback. It accepts published packages, and also serves the third-party packages that
 * this workspace has installed, so that installing from it needs no other registry.
 */
export class Registry {
  readonly #server: Server
  readonly #published = new Map<string, PackageVersion[]>()
  readonly #installed = new Map<string, PackageVersion[]>()

  /** The name of a package that the registry refuses to accept. */
  refused: string | undefined

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => {
      this.#handle(request).then(
        result => send(response, result),
        error => send(response, { status: 500, body: { error: String(error) } }),
      )
    })
  }

  static async start(): Promise<Registry> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Registry(server)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** The published packages, sorted by name. */
  get published(): PackageVersion[] {
    return [...this.#published.values()]
      .flat()
      .sort((one, other) => (one.manifest.name < other.manifest.name ? -1 : 1))
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #handle(request: IncomingMessage): Promise<RegistryResponse> {
    const path = decodeURIComponent(new URL(request.url ?? '/', this.url).pathname).slice(1)
    const is_authorized = request.headers.authorization === `Bearer ${TOKEN}`
    if (request.method === 'PUT') return this.#publish(JSON.parse(await read_body(request)), is_authorized)
    if (path === '-/whoami')
      return is_authorized ? { status: 200, body: { username: 'rehearsal' } } : UNAUTHORIZED
    const [name = '', version] = path.replace(/\.tgz$/, '').split('/-/')
    const versions = this.#versions_of(name)
    if (versions.length === 0) return NOT_FOUND
    if (version === undefined) return { status: 200, body: this.#packument(name, versions) }
    const requested = versions.find(({ manifest }) => manifest.version === version)
    return requested === undefined ? NOT_FOUND : { status: 200, body: requested.tarball }
  }

  #publish({ name, versions, _attachments }: PublishRequest, is_authorized: boolean): RegistryResponse {
    const [[version, manifest] = []] = Object.entries(versions)
    const [attachment] = Object.values(_attachments)
    if (!is_authorized) return UNAUTHORIZED
    if (version === undefined || manifest === undefined || attachment === undefined) {
      return { status: 400, body: { error: 'the request needs one version, and its tarball' } }
    }
    const earlier = this.#published.get(name) ?? []
    if (name === this.refused || earlier.some(each => each.manifest.version === version)) {
      return { status: 403, body: { error: `${name}@${version} is refused` } }
    }
    this.#published.set(name, [...earlier, { manifest, tarball: Buffer.from(attachment.data, 'base64') }])
    return { status: 201, body: { ok: true } }
  }

  #versions_of(name: string): PackageVersion[] {
    const published = this.#published.get(name)
    if (published !== undefined || name.startsWith('@bt/')) return published ?? []
    const installed = this.#installed.get(name) ?? installed_versions(name)
    this.#installed.set(name, installed)
    return installed
  }

  #packument(name: string, versions: readonly PackageVersion[]): Record<string, unknown> {
    const latest = versions.at(-1)?.manifest.version
    const entries = versions.map(({ manifest, tarball }) => {
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
      const dist = { integrity, tarball: `${this.url}${name}/-/${manifest.version}.tgz` }
      return [manifest.version, { ...manifest, dist }]
    })
    return { name, 'dist-tags': { latest }, versions: Object.fromEntries(entries) }
  }
}

async function read_body(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString()
}

function send(response: ServerResponse, { status, body }: RegistryResponse): void {
  const bytes = Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json'
  response.writeHead(status, { 'content-type': type }).end(bytes)
}
