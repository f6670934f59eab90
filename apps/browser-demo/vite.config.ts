import { defineConfig } from 'vite'

const SERVER = 'http://127.0.0.1:8080'

export default defineConfig({
  build: {
    outDir: 'dist/page',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: true,
    modulePreload: { polyfill: false },
    // The page's policy allows no data: URLs.
    assetsInlineLimit: 0,
  },
  server: {
    host: '127.0.0.1',
    // `pnpm dev` serves the page alone: the demo's server runs beside it.
    proxy: { '/server.json': SERVER, '/control': SERVER },
  },
})
