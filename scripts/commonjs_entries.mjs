// Makes the entries of a package for CommonJS, after its build: `index.cjs` requires the ECMAScript module,
// which Node does from 20.19 on, so there is one instance of everything; `index.d.cts` has the same types, for
// compilers that do not let a CommonJS file import those of a module. Runs in the folder of a package.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** An entry of the exports whose types are written out, name by name. */
const LIST = /^export (type )?\{([^}]*)\} from '[^']+';?$/gm

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
for (const entry of Object.values(exports)) {
  const target = entry.require?.default
  if (target !== undefined) await write_entry(resolve(target.replace(/\.cjs$/, '')))
}

/** Writes the entry beside a module, whose path is given without its extension. */
async function write_entry(path) {
  const name = basename(path)
  const module = await import(pathToFileURL(`${path}.js`).href)
  const declarations = readFileSync(`${path}.d.ts`, 'utf8')
  if (/^export (?!type \{|\{)/m.test(declarations))
    throw new Error(`${path}.d.ts: only lists of names are supported`)
  const names = [...declarations.matchAll(LIST)].flatMap(([, type, list]) =>
    list
      .split(',')
      .map(item => item.trim().split(' as ').at(-1) ?? '')
      .filter(item => item !== '')
      .map(item => ({
        name: item.replace(/^type /, ''),
        is_type: type !== undefined || item.startsWith('type '),
      })),
  )
  const from = `from './${name}.js' with { 'resolution-mode': 'import' }`
  const lines = names.flatMap(({ name, is_type }) => {
    if (is_type) return [`export type { ${name} } ${from}`]
    const value = `export declare const ${name}: typeof esm.${name}`
    return is_class(module[name]) ? [value, `export type ${name} = esm.${name}`] : [value]
  })
  const references = declarations.match(/^\/\/\/ .*$/gm) ?? []
  writeFileSync(`${path}.d.cts`, `${[...references, `import type * as esm ${from}`, ...lines].join('\n')}\n`)
  writeFileSync(`${path}.cjs`, `'use strict'\nmodule.exports = require('./${name}.js')\n`)
}

function is_class(value) {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value))
}
