import type { Duplex } from 'node:stream'

const GROUPS = 8
const EMBEDDED_IPV4 = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/
const IPV4_MAPPED = 0xffff

/**
 * What counts as one address: an IPv4 address, also where it is mapped into IPv6 (RFC 4291 §2.5.5.2), and the /64 of an IPv6 address, since
 * that is what one customer is given at least (RFC 6177 §2).
 */
export function address_group(ip: string): string {
  if (!ip.includes(':')) return ip
  const groups = ipv6_groups(ip)
  const is_mapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === IPV4_MAPPED
  if (is_mapped) return groups.slice(6).flatMap(high_and_low).join('.')
  const prefix = groups.slice(0, 4).map(group => group.toString(16))
  return `${prefix.join(':')}::/64`
}

function high_and_low(group: number): [number, number] {
  return [group >> 8, group & 0xff]
}

/** The eight groups of an IPv6 address (RFC 4291 §2.2); a zone (RFC 4007 §11) does not count. */
function ipv6_groups(ip: string): number[] {
  const [address = ''] = ip.split('%', 1)
  const hex = address.replace(EMBEDDED_IPV4, (_all, a, b, c, d) =>
    [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map(group => group.toString(16)).join(':'),
  )
  const [start = [], end] = hex.split('::').map(half => (half === '' ? [] : half.split(':')))
  const missing = end === undefined ? 0 : GROUPS - start.length - end.length
  const groups = [...start, ...Array<string>(missing).fill('0'), ...(end ?? [])]
  return groups.map(group => Number.parseInt(group, 16))
}

/** How many things there are of each name; a name with none takes no memory. */
export class Counts {
  readonly #counts = new Map<string, number>()

  /** How many names there are that have at least one. */
  get size(): number {
    return this.#counts.size
  }

  /** How many there are of `name`. */
  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** One more. */
  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1)
  }

  /** One less. */
  remove(name: string): void {
    const left = this.of(name) - 1
    if (left > 0) this.#counts.set(name, left)
    else this.#counts.delete(name)
  }
}

/** Bounds how many sockets there are at once from one address. */
export class AddressLimit {
  readonly #most: number
  readonly #counts = new Counts()
  readonly #names = new Map<Duplex, string>()
  /** One for all sockets, so that none of them needs a closure of its own. */
  readonly #left: (this: Duplex) => void

  constructor(most: number) {
    this.#most = most
    const [counts, names] = [this.#counts, this.#names]
    this.#left = function (this: Duplex): void {
      counts.remove(String(names.get(this)))
      names.delete(this)
    }
  }

  /** How many addresses there are sockets from. */
  get size(): number {
    return this.#counts.size
  }

  /** Whether one more from there would be too many. */
  is_full(ip: string): boolean {
    return this.#counts.of(address_group(ip)) >= this.#most
  }

  /** Counts a socket, until it is closed. */
  count(stream: Duplex, ip: string): void {
    const name = address_group(ip)
    this.#counts.add(name)
    this.#names.set(stream, name)
    stream.on('close', this.#left)
  }
}
