import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'

/** A file as it is served. */
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

// What is built into this folder has a hash of its content in its name.
const HASHED = '/assets/'

/**
 * Reads all files of a folder, by the path at which they are served. They are read once: what is not among them can't be reached,
 * whatever a path looks like.
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
