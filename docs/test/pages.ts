import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root folder of the project. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** Folders with generated files or other people's files. */
const IGNORED_FOLDERS: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage', 'api'])
/** The only hidden folders with pages of ours; all others belong to tools or tests. */
const HIDDEN_FOLDERS: ReadonlySet<string> = new Set(['.changeset', '.github'])

/** A Markdown page. */
export interface Page {
  /** Its path relative to the root, with `/`. */
  readonly path: string
  readonly text: string
}

/** All Markdown pages of the project, sorted by path. */
export const PAGES: readonly Page[] = pages_below('')

function pages_below(folder: string): Page[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap(entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        const is_hidden = entry.name.startsWith('.') && !HIDDEN_FOLDERS.has(entry.name)
        return is_hidden || IGNORED_FOLDERS.has(entry.name) ? [] : pages_below(path)
      }
      if (!entry.name.endsWith('.md')) return []
      return [{ path: path.replaceAll(sep, '/'), text: readFileSync(join(ROOT, path), 'utf8') }]
    })
}

/** Returns the page at a path. */
export function page_at(path: string): Page {
  const page = PAGES.find(page => page.path === path)
  if (page === undefined) throw new Error(`there is no page ${path}`)
  return page
}

/** Returns whether a page is the Chinese version of an English page, with the same code. */
export function is_chinese({ path }: Page): boolean {
  return path.startsWith('docs/zh/') || path === 'README.zh-CN.md'
}
