import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'

/** A file with its headers. */
export interface StaticFile {
  readonly body: Buffer
  readonly content_type: string
  readonly cache_control: string
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
}
const OTHER_CONTENT_TYPE = 'application/octet-stream'

// The names of files in this folder contain a hash of their content.
const HASHED = '/assets/'

/**
 * Reads all files of a folder once, by their URL paths, so that no crafted path can reach another file.
 */
export function read_static_files(folder: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const path = `/${relative(folder, file).split(sep).join('/')}`
    files.set(path === '/index.html' ? '/' : path, {
      body: readFileSync(file),
      content_type: CONTENT_TYPES[extname(path)] ?? OTHER_CONTENT_TYPE,
      cache_control: path.startsWith(HASHED) ? 'public, max-age=31536000, immutable' : 'no-cache',
    })
  }
  return files
}
