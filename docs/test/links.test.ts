import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { all_pages } from '../site.mjs'
import { anchors_of, links_of } from './links.ts'
import { PAGES, ROOT } from './pages.ts'

const SITE = join(ROOT, 'docs/api')

/** Returns whether a link leaves the project. The syntax of such a link is checked; it is not fetched. */
const is_external = (target: string): boolean => /^[a-z][a-z+.-]*:/i.test(target)

function is_well_formed(target: string): boolean {
  if (target.startsWith('data:')) return true
  return URL.canParse(target) && /^(https?|mailto):/.test(target) && !/[\s<>"|\\^`{}]/.test(target)
}

describe('the Markdown pages', () => {
  const links = PAGES.flatMap(({ path, text }) => links_of(text).map(link => ({ ...link, path })))
  const anchors = new Map(PAGES.map(({ path, text }) => [path, anchors_of(text)]))

  test('have no broken links', () => {
    const broken = links.filter(({ path, target }) => {
      if (is_external(target)) return !is_well_formed(target)
      const [file = '', anchor] = decodeURIComponent(target).split('#')
      const at = file === '' ? path : posix.join(posix.dirname(path), file)
      if (!existsSync(join(ROOT, at)) || at.startsWith('..')) return true
      // Typedoc resolves links to files only, not to folders.
      if (statSync(join(ROOT, at)).isDirectory()) return true
      return anchor !== undefined && anchors.get(at)?.has(anchor) !== true
    })
    expect(broken.map(({ path, line, target }) => `${path}:${line}: ${target}`)).toEqual([])
    const external = links.filter(({ target }) => is_external(target)).length
    const to_anchors = links.filter(({ target }) => !is_external(target) && target.includes('#')).length
    console.log(
      `${PAGES.length} pages: ${links.length - external} links within the project, ${to_anchors} of them to a heading; ${external} external`,
    )
  })

  test('are all on the site if they are in docs', () => {
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

  /** Returns whether a file of the site exists, and has the anchor if it is a page. */
  function target_exists(path: string, anchor: string | undefined): boolean {
    const page = pages.get(path)
    if (page === undefined) return existsSync(join(SITE, path)) && statSync(join(SITE, path)).isFile()
    return anchor === undefined || anchor === '' || page.anchors.has(anchor)
  }

  test('has no broken links', () => {
    let within = 0
    let external = 0
    const broken: string[] = []
    for (const [path, { links }] of pages)
      for (const link of links) {
        if (is_external(link)) {
          external += 1
          // Pages link only to https. With http, a name such as socket.io was mistaken for a host.
          if (!is_well_formed(link) || link.startsWith('http:')) broken.push(`${path}: ${link}`)
          continue
        }
        within += 1
        const [file = '', anchor] = decodeURIComponent(link).split('#')
        const at = file === '' ? path : posix.join(dirname(path).replaceAll(sep, '/'), file)
        if (!target_exists(at, anchor)) broken.push(`${path}: ${link}`)
      }
    expect(broken).toEqual([])
    console.log(`${pages.size} pages: ${within} links within the site, ${external} external`)
  })

  test.each(['navigation', 'search', 'hierarchy'])('has no broken links in its %s data', name => {
    const script = readFileSync(join(SITE, `assets/${name}.js`), 'utf8')
    const data = inflateSync(Buffer.from(/"([^"]+)"/.exec(script)?.[1] ?? '', 'base64')).toString()
    const targets = Array.from(data.matchAll(/"(?:path|url)":"([^"]*)"/g), ([, target]) => String(target))
    expect(targets.length).toBeGreaterThan(10)
    const broken = targets.filter(target => {
      const [file = '', anchor] = decodeURIComponent(target).split('#')
      // The members of an anonymous type have no anchor; the link leads to the page of the type around it.
      return !target_exists(file, anchor === '__type' ? undefined : anchor)
    })
    expect(broken).toEqual([])
  })

  test('has a page for every Markdown page that it links to', () => {
    expect(files.filter(file => file.startsWith('media/') && file.endsWith('.md'))).toEqual([])
  })

  test('shows the charts', () => {
    const charts =
      PAGES.find(({ path }) => path === 'docs/benchmarks/README.md')?.text.match(/\w+\.svg/g) ?? []
    expect(charts.length).toBeGreaterThan(5)
    const shown = readFileSync(join(SITE, 'benchmarks/index.html'), 'utf8')
    for (const chart of charts) expect(shown).toContain(`src="../media/${chart}"`)
  })

  test('contains no path of the machine that built it', () => {
    const root_path = relative(sep, ROOT)
    expect([...pages].filter(([, { text }]) => text.includes(root_path)).map(([path]) => path)).toEqual([])
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
