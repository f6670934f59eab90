import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { NET_ERROR_CODES } from '../src/index.js'

it.each(['errors.md', 'zh/errors.md'])(
  'docs/%s explains every code, in order and with the anchor that messages link to, and none that there is not',
  name => {
    const page = readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')
    const explained = Array.from(page.matchAll(/^\| (.*?)`(\w+)` \|/gm), ([, anchor, code]) => [anchor, code])
    expect(explained).toEqual(NET_ERROR_CODES.map(code => [`<a id="${code}"></a>`, code]))
  },
)
