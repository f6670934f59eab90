import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { all_pages } from '../site.mjs'
import { anchors_of, links_of } from './links.ts'
import { PAGES, ROOT } from './pages.ts'

const SITE = join(ROOT, 'docs/api')

/** Whether a link leaves the project: then it is only looked at, and nothing is asked of anybody. */
const is_external = (target: string): boolean => /^[a-z][a-z+.-]*:/i.test(target)

function is_well_formed(target: string): boolean {
  if (target.startsWith('data:')) return true
  return URL.canParse(target) && /^(https?|mailto):/.test(target) && !/[\s<>"|\\^`{}]/.test(target)
}

describe('the pages in Markdown', () => {
  const links = PAGES.flatMap(({ path, text }) => links_of(text).map(link => ({ ...link, path })))
  const anchors = new Map(PAGES.map(({ path, text }) => [path, anchors_of(text)]))

  test('link to what is there', () => {
    const broken = links.filter(({ path, target }) => {
      if (is_external(target)) return !is_well_formed(target)
      const [file = '', anchor] = decodeURIComponent(target).split('#')
      const at = file === '' ? path : posix.join(posix.dirname(path), file)
      if (!existsSync(join(ROOT, at)) || at.startsWith('..')) return true
      // Typedoc knows files alone, and a page without a name is no page of the site.
      if (statSync(join(ROOT, at)).isDirectory()) return true
      return anchor !== undefined && anchors.get(at)?.has(anchor) !== true
    })
    expect(broken.map(({ path, line, target }) => `${path}:${line}: ${target}`)).toEqual([])
    const external = links.filter(({ target }) => is_external(target)).length
    const to_anchors = links.filter(({ target }) => !is_external(target) && target.includes('#')).length
    console.log(
      `${PAGES.length} pages: ${links.length - external} links within the project, ${to_anchors} of them to a heading; ${external} to elsewhere`,
    )
  })

  test('are all on the site, as far as they are in docs', () => {
    const on_site = new Set(['docs/README.md', ...all_pages().map(({ file }) => posix.join('docs', file))])
    const guides = PAGES.filter(({ path }) => path.startsWith('docs/'))
    expect(guides.filter(({ path }) => !on_site.has(path)).map(({ path }) => path)).toEqual([])
  })
})

describe('the site', () => {
  const files = readdirSync(SITE, { recursive: true, encoding: 'utf8' }).map(file =>
    file.replaceAll(sep, '/'),
  )
  const pages = new Map(
    files
      .filter(file => file.endsWith('.html'))
      .map(file => [file, html_of(readFileSync(join(SITE, file), 'utf8'))] as const),
  )

  /** Whether something is at an address of the site. */
  function is_there(path: string, anchor: string | undefined): boolean {
    const page = pages.get(path)
    if (page === undefined) return existsSync(join(SITE, path)) && statSync(join(SITE, path)).isFile()
    return anchor === undefined || anchor === '' || page.anchors.has(anchor)
  }

  test('links to what is there, page by page', () => {
    let within = 0
    let external = 0
    const broken: string[] = []
    for (const [path, { links }] of pages)
      for (const link of links) {
        if (is_external(link)) {
          external += 1
          // All that pages link to is on TLS; else a name that has a dot, such as socket.io, was taken for an address.
          if (!is_well_formed(link) || link.startsWith('http:')) broken.push(`${path}: ${link}`)
          continue
        }
        within += 1
        const [file = '', anchor] = decodeURIComponent(link).split('#')
        const at = file === '' ? path : posix.join(dirname(path).replaceAll(sep, '/'), file)
        if (!is_there(at, anchor)) broken.push(`${path}: ${link}`)
      }
    expect(broken).toEqual([])
    console.log(`${pages.size} pages: ${within} links within the site, ${external} to elsewhere`)
  })

  test.each(['navigation', 'search', 'hierarchy'])('has a list for its %s that leads somewhere', name => {
    const script = readFileSync(join(SITE, `assets/${name}.js`), 'utf8')
    const data = inflateSync(Buffer.from(/"([^"]+)"/.exec(script)?.[1] ?? '', 'base64')).toString()
    const targets = Array.from(data.matchAll(/"(?:path|url)":"([^"]*)"/g), ([, target]) => String(target))
    expect(targets.length).toBeGreaterThan(10)
    const broken = targets.filter(target => {
      const [file = '', anchor] = decodeURIComponent(target).split('#')
      // What stands within a type has no anchor of its own: it is found on the page of that type.
      return !is_there(file, anchor === '__type' ? undefined : anchor)
    })
    expect(broken).toEqual([])
  })

  test('has a page for every page in Markdown that one of it links to', () => {
    expect(files.filter(file => file.startsWith('media/') && file.endsWith('.md'))).toEqual([])
  })

  test('shows the charts', () => {
    const charts =
      PAGES.find(({ path }) => path === 'docs/benchmarks/README.md')?.text.match(/\w+\.svg/g) ?? []
    expect(charts.length).toBeGreaterThan(5)
    const shown = readFileSync(join(SITE, 'benchmarks/index.html'), 'utf8')
    for (const chart of charts) expect(shown).toContain(`src="../media/${chart}"`)
  })

  test('has nothing in it that names this machine', () => {
    const home = relative(sep, ROOT)
    expect([...pages].filter(([, { text }]) => text.includes(home)).map(([path]) => path)).toEqual([])
  })
})

interface Html {
  readonly text: string
  readonly links: readonly string[]
  readonly anchors: ReadonlySet<string>
}

function html_of(text: string): Html {
  const values = (pattern: RegExp): string[] =>
    Array.from(text.matchAll(pattern), ([, value = '']) =>
      value.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"'),
    )
  return {
    text,
    links: values(/\s(?:href|src)="([^"]*)"/g).filter(link => link !== ''),
    anchors: new Set(values(/\sid="([^"]*)"/g)),
  }
}
