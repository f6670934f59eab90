import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll } from 'vitest'

/**
 * Bundles a page of `pages/` as users would, with the development builds of its dependencies, serves it while
 * the tests of a file run, and returns a function that returns its URL.
 */
export function use_page(entry: string): () => string {
  const files = new Map<string, string | Uint8Array>()
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname.slice(1)
    const file = files.get(path)
    if (path === '') {
      response.setHeader('Content-Type', 'text/html')
      response.end('<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>')
    } else if (file === undefined) {
      response.writeHead(404).end()
    } else {
      response.setHeader('Content-Type', 'text/javascript')
      response.end(file)
    }
  })
  beforeAll(async () => {
    const built = (await build({
      configFile: false,
      root: import.meta.dirname,
      logLevel: 'error',
      define: { 'process.env.NODE_ENV': '"development"' },
      worker: { format: 'es' },
      build: {
        write: false,
        minify: false,
        rolldownOptions: {
          input: fileURLToPath(new URL(`./pages/${entry}`, import.meta.url)),
          output: { entryFileNames: 'page.js' },
        },
      },
    })) as Rolldown.RolldownOutput
    for (const file of built.output) files.set(file.fileName, file.type === 'chunk' ? file.code : file.source)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => {
    server.close()
    server.closeAllConnections()
  })
  return () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
