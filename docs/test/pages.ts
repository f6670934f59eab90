import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the whole project. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** What is made, or is not ours; folders that begin with a dot are a tool's or a test's, but for these two. */
const LEFT_OUT: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage', 'api'])
const HIDDEN: ReadonlySet<string> = new Set(['.changeset', '.github'])

/** A page in Markdown. */
export interface Page {
  /** Its path from the project's folder on, with `/`. */
  readonly path: string
  readonly text: string
}

/** All pages of the project, by path. */
export const PAGES: readonly Page[] = pages_below('')

function pages_below(folder: string): Page[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap(entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        const is_hidden = entry.name.startsWith('.') && !HIDDEN.has(entry.name)
        return is_hidden || LEFT_OUT.has(entry.name) ? [] : pages_below(path)
      }
      if (!entry.name.endsWith('.md')) return []
      return [{ path: path.replaceAll(sep, '/'), text: readFileSync(join(ROOT, path), 'utf8') }]
    })
}

/** The page at a path. */
export function page_at(path: string): Page {
  const page = PAGES.find(page => page.path === path)
  if (page === undefined) throw new Error(`there is no page ${path}`)
  return page
}

/** Whether a page says in Chinese what another one says in English, with the same code: a test holds that. */
export function is_chinese({ path }: Page): boolean {
  return path.startsWith('docs/zh/') || path === 'README.zh-CN.md'
}
