import { element, set_data, set_text } from './element.js'

/** A node announces itself each second; after this time without a word, it counts as gone. */
const GONE_AFTER_MS = 5_000
const ALONE_TEXT = 'every tab sees the others'

/** The announcement of a node. */
export interface NodeNews {
  readonly node: string
  readonly page: string
  readonly people: readonly unknown[]
}

/** The state of this node's connection to the cluster. */
export interface NodeStanding {
  readonly node: string
  readonly broker: string
  readonly is_joined: boolean
}

interface Heard {
  readonly page: string
  readonly people: number
  readonly at_ms: number
}

/**
 * The nodes whose pages share one room, as this page knows them; with a single server, they are not shown.
 */
export class Nodes {
  readonly #list: HTMLElement = element('nodes')
  readonly #note: HTMLElement = element('together_note')
  readonly #server: HTMLElement = element('server_name')
  readonly #heard = new Map<string, Heard>()
  readonly #items = new Map<string, HTMLElement>()
  #standing: NodeStanding | undefined

  /** The node of this page; `undefined` with a single server, or without a connection. */
  get own(): string | undefined {
    return this.#standing?.node
  }

  /** The sentence for screen readers. */
  get sentence(): string {
    if (this.#standing === undefined || this.#standing.is_joined) return ''
    return `Node ${this.#standing.node} is alone: ${this.#standing.broker} is away.`
  }

  /** The state of this node's connection to the cluster. */
  stands(standing: NodeStanding): void {
    this.#standing = standing
    this.#show()
  }

  /** Handles the announcement of a node. Returns whether the node is new to this page. */
  heard({ node, page, people }: NodeNews, now_ms: number): boolean {
    const is_new = !this.#heard.has(node)
    this.#heard.set(node, { page, people: people.length, at_ms: now_ms })
    this.#show()
    return is_new
  }

  /** Forgets and returns the nodes that have been silent for too long. */
  tick(now_ms: number): readonly string[] {
    const gone = Array.from(this.#heard)
      .filter(([, { at_ms }]) => now_ms - at_ms > GONE_AFTER_MS)
      .map(([node]) => node)
    for (const node of gone) this.#heard.delete(node)
    if (gone.length > 0) this.#show()
    return gone
  }

  clear(): void {
    this.#heard.clear()
    this.#standing = undefined
    this.#show()
  }

  #show(): void {
    set_text(this.#note, this.#note_text())
    set_data(this.#note, 'alone', String(this.#standing?.is_joined === false))
    set_text(this.#server, this.own === undefined ? 'Server' : `Node ${this.own}`)
    this.#list.hidden = this.own === undefined
    for (const [node, item] of this.#items) if (!this.#heard.has(node)) this.#drop(node, item)
    const nodes = [...this.#heard].sort(([a], [b]) => a.localeCompare(b))
    for (const [at, [node, heard]] of nodes.entries()) this.#place(this.#item(node, heard), at)
  }

  #drop(node: string, item: HTMLElement): void {
    item.remove()
    this.#items.delete(node)
  }

  #note_text(): string {
    if (this.#standing === undefined) return ALONE_TEXT
    const { broker, is_joined } = this.#standing
    return is_joined ? `through ${broker}` : `alone: ${broker} is away`
  }

  /** Keeps existing elements in place, so that keyboard users keep their focus. */
  #place(item: HTMLElement, at: number): void {
    const before = this.#list.children[at] ?? null
    if (before !== item) this.#list.insertBefore(item, before)
  }

  #item(node: string, { page, people }: Heard): HTMLElement {
    const is_own = node === this.own
    let item = this.#items.get(node)
    if (item === undefined || (item.firstElementChild === null) !== is_own) {
      item?.remove()
      item = document.createElement('li')
      if (!is_own) item.append(link_to(page))
      this.#items.set(node, item)
    }
    const text = `node ${node}${is_own ? ' (this page)' : ''}: ${people} here`
    set_text(item.firstElementChild ?? item, text)
    return item
  }
}

function link_to(page: string): HTMLElement {
  const link = document.createElement('a')
  link.className = 'button'
  link.href = page
  link.target = '_blank'
  link.rel = 'noopener'
  return link
}
